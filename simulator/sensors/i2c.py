"""What all emulated I2C devices share: the address, and the faults that lie on the bus. No I/O.

A bus (simulator/board/i2c.py) calls begin(), then write() or read(), for each part of a transfer; a repeated
start makes a part of its own. An emulator gives address, write, read and what base.py's Device asks for. It
may raise Nack or Stretched itself; faults.nack, clock_stretch, bus_stuck and bit_flip are done here.
"""

from __future__ import annotations

from abc import abstractmethod

from simulator.sensors.base import Device

RELEASE_CLOCKS = 9  # the rest of a byte and its acknowledge (UM10204 rev. 7, 3.1.16 bus clear)


class Nack(Exception):  # noqa: N818 - the bus's name for it
    """The device does not acknowledge: its address, or a byte that was written."""


class Stretched(Exception):  # noqa: N818 - as above
    """The device holds SCL low for longer than any master waits."""


class I2cDevice(Device):
    """A device on an I2C bus. Powered off until power(True, now).

    faults.nack, faults.clock_stretch: True, or a probability per transfer. faults.bus_stuck: True holds SDA
    low until nine clocks or a power cycle, which clear it; a probability per transfer does so now and then.
    """

    address: int  # 7 bits
    _holding = False

    @abstractmethod
    def write(self, data: bytes, now: float) -> None:
        """The master wrote `data`, without the address; b"" is a probe. Raises Nack, Stretched."""

    @abstractmethod
    def read(self, n: int, now: float) -> bytes:
        """`n` bytes for the master. Raises Nack, Stretched; what has no more to give sends 0xFF."""

    @property
    def holds_sda(self) -> bool:
        """Whether it keeps SDA low, so that nobody can use the bus."""
        return self.powered and (self._holding or self.faults.bus_stuck >= 1)

    def begin(self, now: float) -> None:
        """The device's address is on the bus. Raises Nack or Stretched by its faults."""
        if not self.powered or self.faults.mute or self._happens(self.faults.nack):
            raise Nack
        if self._happens(self.faults.clock_stretch):
            raise Stretched
        if self._happens(self.faults.bus_stuck):
            self._holding = True
            raise Stretched

    def release(self) -> None:
        """Nine clocks came: SDA is let go."""
        self._holding = False
        if self.faults.bus_stuck >= 1:
            self.faults.bus_stuck = 0.0

    def power(self, on: bool, now: float) -> None:
        if on != self.powered:
            self.release()
        super().power(on, now)

    def spoiled(self, data: bytes) -> bytes:
        """What a master makes of the bytes on a noisy bus: faults.bit_flip, a probability per byte."""
        if not self.faults.bit_flip:
            return data
        return bytes(
            byte ^ (1 << self.random.randrange(8)) if self._happens(self.faults.bit_flip) else byte
            for byte in data
        )
