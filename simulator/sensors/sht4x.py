"""Sensirion SHT40, SHT41, SHT45 on I2C (address 0x44), from the SHT4x datasheet version 6 (2023). No I/O.

One byte is a command; the answer is two words with CRC each, given once; read too early, or while it is
busy, it does not acknowledge. Times of measurement: typical to maximum; a device keeps to one of its own.
Heater: for 0.1 s or 1 s, then a measurement of high precision. Noise: "repeatability" is three standard
deviations. How warm the heater makes it is read off the datasheet's figure, roughly.
"""

from __future__ import annotations

from simulator.sensors.base import NO_AIR, Air, Weather
from simulator.sensors.i2c import I2cDevice, Nack
from simulator.sensors.sensirion import LAST_BIT_S, with_crcs
from simulator.sensors.sht3x import word
from simulator.weather import WARSAW, Offsets, vapour_hpa

SERIAL, RESET = 0x89, 0x94
# Command: typical and longest time in s, noise in degC and % (3 standard deviations).
SHOTS = {
    0xFD: (0.0069, 0.0083, 0.04, 0.08),
    0xF6: (0.0037, 0.0045, 0.07, 0.15),
    0xE0: (0.0013, 0.0016, 0.10, 0.25),
}
# Command: seconds, degC warmer at the end.
HEATS = {0x39: (1.0, 60.0), 0x32: (0.1, 45.0), 0x2F: (1.0, 35.0), 0x24: (0.1, 25.0), 0x1E: (1.0, 7.0)}
HEATS[0x15] = (0.1, 5.0)
START_UP_S = 0.001


class Sht4x(I2cDevice):
    """Public for tests and faults: serial, offsets."""

    model = "sht4x"
    spared = I2cDevice.spared | NO_AIR | {"no_value"}
    address = 0x44

    def __init__(
        self, air: Air, seed: int = 0, *, weather: Weather = WARSAW, offsets: Offsets | None = None
    ) -> None:
        """`offsets`: None draws them as of an SHT40, +/-0.2 degC and +/-1.8 %."""
        super().__init__(air, seed)
        self.weather = weather
        self.serial = self.random.getrandbits(32).to_bytes(4, "big")
        self.offsets = offsets or Offsets.draw(self.random, temp=0.2, rh=1.8)
        self._pace = self.random.random()
        self._last: bytes | None = None
        self._boot(0.0)

    def _boot(self, now: float) -> None:
        self._busy_until = now + START_UP_S
        self._doing: int | None = None  # the command whose answer nobody has read

    def write(self, data: bytes, now: float) -> None:
        if now < self._busy_until - LAST_BIT_S:
            raise Nack
        if not data:
            return
        command = data[0]
        if command == RESET:
            self._boot(now)
            return
        if command != SERIAL and command not in SHOTS and command not in HEATS:
            self._doing = None
            raise Nack
        self._doing = command
        typical, most, _, _ = SHOTS.get(command, SHOTS[0xFD])
        seconds = typical + self._pace * (most - typical) + HEATS.get(command, (0.0, 0.0))[0]
        self._busy_until = now if command == SERIAL else now + seconds

    def read(self, n: int, now: float) -> bytes:
        if now < self._busy_until - LAST_BIT_S or self._doing is None:
            raise Nack
        if n <= 0:
            return b""
        command, self._doing = self._doing, None
        answer = bytearray(with_crcs(self.serial if command == SERIAL else self._measure(command)))
        if self._happens(self.faults.crc_error):
            answer[self.random.choice((2, 5))] ^= 1 << self.random.randrange(8)
        return bytes(answer[:n]).ljust(n, b"\xff")

    def _measure(self, command: int) -> bytes:
        """As it was when the measurement ended."""
        if self.faults.stuck and self._last is not None:
            return self._last
        temp, rh, _ = self.offsets.apply(self.weather(self._busy_until))
        if command in HEATS:
            warm = temp + HEATS[command][1]
            temp, rh = warm, rh * vapour_hpa(temp) / vapour_hpa(warm)
        _, _, noise_c, noise_rh = SHOTS.get(command, SHOTS[0xFD])
        temp += self.random.gauss(0, noise_c / 3)
        rh = 100.0 if self.faults.saturated else rh + self.random.gauss(0, noise_rh / 3)
        self._last = word((temp + 45) / 175) + word((rh + 6) / 125)
        return self._last
