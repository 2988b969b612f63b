"""Plantower PMSA003I, from its data manual V2.6: the PMSA003's 32 bytes, read over I2C from address 0x12.

100 kHz. The manual numbers the bytes as registers 0x00 to 0x1F. A read begins with the first, or with the one
whose number was written just before (a judgement, for masters that do so). No commands: SET and RESET are
pins. It does not answer for about 3 s after power-on (meshtastic/firmware, pull 4743).
"""

from __future__ import annotations

from simulator.sensors.base import Air
from simulator.sensors.chamber import Chamber
from simulator.sensors.i2c import I2cDevice, Nack
from simulator.sensors.plantower import Pmsa003, data_frame
from simulator.sensors.unit import Unit

BOOT_S = 3.0
LENGTH = 32


class Pmsa003i(I2cDevice):
    model = "pmsa003i"
    address = 0x12

    def __init__(self, air: Air, seed: int = 0, *, unit: Unit | None = None, fast: bool = False) -> None:
        """`unit`: None draws one from the seed; `fast` keeps the rate of 200 ms."""
        super().__init__(air, seed)
        self.chamber = Chamber(self, unit, fast)
        self._awake_at = 0.0
        self._register = 0

    def _boot(self, now: float) -> None:
        self._awake_at = now + BOOT_S
        self._register = 0
        self.chamber.start(now)

    def write(self, data: bytes, now: float) -> None:
        self._answer(now)
        if data:
            self._register = data[-1]

    def read(self, n: int, now: float) -> bytes:
        self._answer(now)
        at = now
        while self.chamber.next <= now:
            at = self.chamber.measure()
        frame = bytearray(data_frame(self, [*self.chamber.words(), self._version_error(at)]))
        if self._happens(self.faults.crc_error):
            frame[-1] ^= 1 << self.random.randrange(8)
        sent = bytes(frame[self._register : self._register + n])
        self._register = 0
        return sent.ljust(n, b"\xff")

    def _version_error(self, at: float) -> int:
        return Pmsa003.version << 8 | self.chamber.error(at)

    def _answer(self, now: float) -> None:
        if now < self._awake_at:
            raise Nack
