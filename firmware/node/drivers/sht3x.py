"""Sensirion SHT3x-DIS (SHT30, SHT31, SHT35) over I2C: single shots, each with the status register behind it.

SHT3x-DIS datasheet, version 5 (May 2018): commands in tables 9, 14, 17 and 19, status bits in table 18,
CRC-8 in table 20, conversion in section 4.13, soft reset at most 1.5 ms (table 4), a measurement of high
repeatability at most 15 ms, 15.5 in later versions. Range -40 to 125 degC, 0 to 100 %RH.

Equal raw words: high repeatability is 0.04 degC and 0.08 %RH at three standard deviations (tables 1 and 2),
so noise spreads 5 and 17 counts of 16 bits. Two samples agree in both once in a thousand. Were it one count
only and humidity at its end, they would agree in every third, and 24 times in a row not in a century.
"""

from micropython import const

from .climate_check import Probe
from .sensirion import intact

_MEASURE = const(2)
_VALUES = const(4)


class Sht3x(Probe):
    """{"kind": "data", "temp", "rh"} in degC and %.

    After a command or checksum error in the status, or with the heater on, the values are dropped and the
    sensor is reset. A reset that it had by itself, as after a dip of its supply, costs no value; it is set up
    again.
    """

    model = "sht3x"
    addresses = (0x44, 0x45)
    # Soft reset, clear status, single shot without clock stretching, its two words, status, its word.
    STEPS = (b"\x30\xa2", 3, b"\x30\x41", 2, b"\x24\x00", 17, 6, 0, b"\xf3\x2d", 2, 3, 0)
    FIRST = _MEASURE

    def __init__(self):
        Probe.__init__(self)
        self._words = bytearray(6)

    def feed(self, data):
        values = self._step == _VALUES
        if not intact(data, 2 if values else 1):
            return self._fail("crc")
        raw = self._words
        if values:
            raw[:] = data
            return []
        if data[0] & 0x20 or data[1] & 3:
            return self._fail("state")
        temp = (raw[0] << 8 | raw[1]) * 175 / 65535 - 45
        events = self._end(raw, temp, (raw[3] << 8 | raw[4]) * 100 / 65535)
        if events and data[1] & 0x10:
            self.retries += 1
            self._step = 0
        return events
