"""Aosong DHT22 (AM2302) on a pin of its own: five bytes and a weak checksum. A last resort.

AM2302 product manual (Aosong): humidity and temperature in tenths, high byte first, the temperature's top bit
is its sign, the fifth byte is the sum of the other four; nothing to be asked within a second after power-up
and at most one reading per 2 s. Range 0 to 99.9 %RH, -40 to 80 degC.

Some units send two's complement below zero instead (seen by owners, in no manual): FE70 to FFFF, where no
sign with an amount in range lies.

A sum of four bytes lets one damaged frame in 256 pass, so a frame with a value outside the range is dropped
as a whole, and so is one of zeros only: a line that is held low reads like that, and 0.0 % at 0.0 degC is no
air. Both are judgements.

Equal raw words: it reports in tenths and its noise is often less, so in calm weather the same bytes come for
an hour. Not for four hours, 2880 polls: outdoor air does not stand still to a tenth so long. A judgement.
"""

from .climate_check import Probe


class Dht22(Probe):
    """{"kind": "data", "temp", "rh"} in degC and %."""

    model = "dht22"
    bus = "pin"
    STEPS = (5, 0)
    HIGH = 80
    SAME = 2880

    def __init__(self):
        Probe.__init__(self)
        self._due = 2000

    def feed(self, data):
        total = data[0] + data[1] + data[2] + data[3]
        if total & 0xFF != data[4]:
            return self._fail("checksum")
        temp = data[2] << 8 | data[3]
        if temp >= 0xF000:
            temp -= 0x10000
        elif temp & 0x8000:
            temp = 0x8000 - temp
        rh = data[0] << 8 | data[1]
        if not total or rh > 1000 or not -400 <= temp <= 800:
            return self._fail("out_of_range")
        return self._end(data, temp / 10, rh / 10)
