"""What all emulated I2C devices share: the address, and the faults that lie on the bus. No I/O.

A bus (simulator/board/i2c.py) calls begin(), then write() or read(), for each part of a transfer; a repeated
start makes a part of its own; what goes over the bus passes heard() or spoiled(). An emulator gives address,
write, read and what base.py's Device asks for. It may raise Nack or Stretched itself; faults.nack,
clock_stretch, bus_stuck and those of the line are done here.
"""

from __future__ import annotations

from abc import abstractmethod

from simulator.sensors.base import Device
from simulator.sensors.faults import cut_short, flipped, slipped

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

    spared = frozenset({"byte_loss", "garbage"})  # the master's clock makes as many bytes as it wants
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

    def heard(self, data: bytes) -> bytes:
        """What the device makes of the master's bytes on a noisy bus: faults.bit_flip."""
        return flipped(data, self.faults, self.random)

    def spoiled(self, data: bytes) -> bytes:
        """What the master makes of the device's bytes: bit_flip, byte_shift, and truncated, after which the
        device has let SDA go, so that ones follow."""
        if data and self._happens(self.faults.truncated):
            data = cut_short(data, self.random).ljust(len(data), b"\xff")
        if data and self._happens(self.faults.byte_shift):
            data = slipped(data, self.random)
        return flipped(data, self.faults, self.random)
