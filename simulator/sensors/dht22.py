"""Aosong AM2302, sold as DHT22, from its product manual and the older two-page sheet. No I/O.

40 bits: humidity and temperature in tenths, most significant byte first, then the low byte of the sum of
the four. Below zero the temperature's highest bit is set and the rest is the amount. For a second after
power-on it does not answer. A question gives the last measured value and starts the next measurement, so
after a pause the first answer is old (manual, single-bus communication); within two seconds it is the same
again. +/-0.5 degC, +/-2 %, repeatability 0.2 degC and 1 %, taken as three standard deviations. Some units
send two's complement below zero, as owners found; and an old one sticks at 99.9 %: faults.saturated.
"""

from __future__ import annotations

from simulator.sensors.base import NO_AIR, Air, Weather
from simulator.sensors.pin import NoAnswer, PinDevice
from simulator.weather import WARSAW, Offsets

UNSTEADY_S = 1.0
MEASURE_S = 2.0
MAX_RH = 999  # tenths
MIN_TEMP, MAX_TEMP = -400, 800
NOISE_C, NOISE_RH = 0.2 / 3, 1.0 / 3


class Dht22(PinDevice):
    """Public for tests and faults: offsets, twos_complement."""

    model = "dht22"
    spared = PinDevice.spared | NO_AIR

    def __init__(
        self,
        air: Air,
        seed: int = 0,
        *,
        weather: Weather = WARSAW,
        offsets: Offsets | None = None,
        twos_complement: bool = False,
    ) -> None:
        """`offsets`: None draws them. `twos_complement`: one of the units that send negative values so."""
        super().__init__(air, seed)
        self.weather = weather
        self.twos_complement = twos_complement
        self.offsets = offsets or Offsets.draw(self.random, temp=0.5, rh=2.0)
        self._boot(0.0)

    def _boot(self, now: float) -> None:
        self._steady_at = now + UNSTEADY_S
        self._values: tuple[int, int] | None = None  # in tenths: %, degC
        self._asked_at = now  # the start of the measurement that is not shown yet

    def _frame(self, now: float) -> bytes:
        if now < self._steady_at:
            raise NoAnswer
        if self._values is None:
            self._values = self._measure(self._asked_at)  # the one that power-on starts
            self._asked_at = now
        elif now >= self._asked_at + MEASURE_S:
            if not self.faults.stuck:
                self._values = self._measure(self._asked_at)
            self._asked_at = now
        rh, temp = self._values
        if self.faults.saturated:
            rh = MAX_RH
        if self._happens(self.faults.no_value):
            raise NoAnswer  # it has no code for that
        word = temp & 0xFFFF if self.twos_complement else abs(temp) | (0x8000 if temp < 0 else 0)
        body = rh.to_bytes(2, "big") + word.to_bytes(2, "big")
        return body + bytes([sum(body) & 0xFF])

    def _measure(self, at: float) -> tuple[int, int]:
        temp, rh, _ = self.offsets.apply(self.weather(at))
        temp = round(10 * (temp + self.random.gauss(0, NOISE_C)))
        rh = round(10 * (rh + self.random.gauss(0, NOISE_RH)))
        return max(0, min(MAX_RH, rh)), max(MIN_TEMP, min(MAX_TEMP, temp))
