"""Sensirion SHT30, SHT31, SHT35 on I2C (0x44, or 0x45), from the SHT3x-DIS datasheet version 5 (2018).

Single shot: 4.3 and table 9. Times of measurement: section 2.2, typical to maximum; a device keeps to one
of its own. Read too early: without clock stretching no acknowledge; with it the clock is held until the
values are there, which at 15 ms no master minds: the answer is that of the end. Values are given once.
Periodic mode and fetch: 4.5, 4.6; break: 4.8; soft reset: 4.9; heater: 4.10; status: 4.11. Between two
commands 1 ms must pass. Serial number: 0x3780 and 0x3682 (Sensirion's "Electronic identification code").
Noise: "repeatability" is three standard deviations. Alert limits are not there: not acknowledged, with the
command's status bit set.
"""

from __future__ import annotations

import math

from simulator.sensors.base import NO_AIR, Air, Weather
from simulator.sensors.i2c import Nack
from simulator.sensors.sensirion import WordDevice
from simulator.weather import WARSAW, Offsets

HIGH, MEDIUM, LOW = 0, 1, 2
TIMES_S = ((0.0125, 0.015), (0.0045, 0.006), (0.0025, 0.004))
NOISE = ((0.04, 0.08), (0.08, 0.15), (0.15, 0.21))  # degC and %, 3 standard deviations
SHOTS = {0x2400: HIGH, 0x240B: MEDIUM, 0x2416: LOW}
STRETCHED = {0x2C06: HIGH, 0x2C0D: MEDIUM, 0x2C10: LOW}
# Seconds between measurements and how good they are.
PERIODIC = {
    0x2032: (2.0, HIGH),
    0x2024: (2.0, MEDIUM),
    0x202F: (2.0, LOW),
    0x2130: (1.0, HIGH),
    0x2126: (1.0, MEDIUM),
    0x212D: (1.0, LOW),
    0x2236: (0.5, HIGH),
    0x2220: (0.5, MEDIUM),
    0x222B: (0.5, LOW),
    0x2334: (0.25, HIGH),
    0x2322: (0.25, MEDIUM),
    0x2329: (0.25, LOW),
    0x2737: (0.1, HIGH),
    0x2721: (0.1, MEDIUM),
    0x272A: (0.1, LOW),
}
FETCH, BREAK, RESET, HEATER_ON, HEATER_OFF = 0xE000, 0x3093, 0x30A2, 0x306D, 0x3066
STATUS, CLEAR = 0xF32D, 0x3041
SERIALS = (0x3780, 0x3682)
ALERT, HEATER, RESET_SEEN, COMMAND_FAILED = 1 << 15, 1 << 13, 1 << 4, 1 << 1
START_UP_S, GAP_S = 0.0015, 0.001
HEATED_C = 3.0  # "a few degrees"


class Sht3x(WordDevice):
    """Public for tests and faults: serial, status, offsets."""

    model = "sht3x"
    spared = WordDevice.spared | NO_AIR | {"no_value"}
    address = 0x44

    def __init__(
        self, air: Air, seed: int = 0, *, weather: Weather = WARSAW, offsets: Offsets | None = None
    ) -> None:
        """`offsets`: None draws them as of an SHT31, +/-0.3 degC and +/-2 %."""
        super().__init__(air, seed)
        self.weather = weather
        self.serial = self.random.getrandbits(32).to_bytes(4, "big")
        self.offsets = offsets or Offsets.draw(self.random, temp=0.3, rh=2.0)
        self._pace = self.random.random()
        self._last: bytes | None = None
        self._boot(0.0)

    def _boot(self, now: float) -> None:
        self.status = ALERT | RESET_SEEN
        self._busy_until = now + START_UP_S
        self._command = None
        self._gap_until = now
        self._due: float | None = None  # the end of the measurement under way
        self._quality = HIGH
        self._period = 0.0
        self._values: bytes | None = None  # measured, not yet read

    def write(self, data: bytes, now: float) -> None:
        if now < self._gap_until or (self._due is not None and not self._period and now < self._due):
            raise Nack  # it measures, or has just got another command
        super().write(data, now)
        if data:
            self._gap_until = now + GAP_S

    def read(self, n: int, now: float) -> bytes:
        if self._command in STRETCHED and self._due is not None and n > 0:
            self._run(self._due)
        return super().read(n, now)

    def _run(self, now: float) -> None:
        if self._due is None or now < self._due:
            return
        if self._period:
            self._due += self._period * math.floor((now - self._due) / self._period)
        self._values = self._measure(self._due)
        self._due = self._due + self._period if self._period else None

    def _measure(self, at: float) -> bytes:
        if self.faults.stuck and self._last is not None:
            return self._last
        temp, rh, _ = self.offsets.apply(self.weather(at))
        if self.status & HEATER:
            temp, rh = temp + HEATED_C, rh * 0.83  # the same vapour in warmer air
        noise_c, noise_rh = NOISE[self._quality]
        temp += self.random.gauss(0, noise_c / 3)
        rh = 100.0 if self.faults.saturated else rh + self.random.gauss(0, noise_rh / 3)
        self._last = word((temp + 45) / 175) + word(rh / 100)
        return self._last

    def _execute(self, command: int, words: bytes, now: float) -> float:
        if self._period and command in SHOTS | STRETCHED:
            return self._refuse()  # only break and fetch in periodic mode
        self.status &= ~COMMAND_FAILED
        if command in SHOTS or command in STRETCHED:
            self._quality = SHOTS.get(command, STRETCHED.get(command, HIGH))
            self._values = None
            self._due = now + self._time()
        elif command in PERIODIC:
            self._period, self._quality = PERIODIC[command]
            self._values = None
            self._due = now + self._time()
        elif command == BREAK:
            self._period, self._due = 0.0, None
        elif command == RESET:
            self._boot(now)
            return START_UP_S
        elif command in (HEATER_ON, HEATER_OFF):
            self.status = self.status & ~HEATER | (HEATER if command == HEATER_ON else 0)
        elif command == CLEAR:
            self.status &= ~(ALERT | RESET_SEEN)
        elif command not in (FETCH, STATUS, *SERIALS):
            return self._refuse()
        return 0.0

    def _refuse(self) -> float:
        self.status |= COMMAND_FAILED
        raise Nack

    def _time(self) -> float:
        typical, most = TIMES_S[self._quality]
        return typical + self._pace * (most - typical)

    def _answer(self, command: int, now: float) -> bytes:
        if command == STATUS:
            return self.status.to_bytes(2, "big")
        if command in SERIALS:
            return self.serial
        if (command in SHOTS or command in STRETCHED or command == FETCH) and self._values is not None:
            values, self._values = self._values, None
            return values
        raise Nack


def word(share: float) -> bytes:
    """0 to 1 as 16 bits."""
    return max(0, min(0xFFFF, round(0xFFFF * share))).to_bytes(2, "big")
