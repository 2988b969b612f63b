"""What emulated devices on a single pin share: one question, one answer of 40 bits, or none. No I/O."""

from __future__ import annotations

from abc import abstractmethod

from simulator.sensors.base import Device


class NoAnswer(TimeoutError):  # noqa: N818 - what the line does
    """The pin stays silent, or the answer breaks off: the master's time-out."""


class PinDevice(Device):
    """A device on one data pin. Powered off until power(True, now).

    Faults of the line: nack (no answer), truncated (breaks off), byte_loss (breaks off), bit_flip per byte,
    crc_error (one bit of the sum).
    """

    spared = frozenset({"byte_shift", "garbage", "clock_stretch", "bus_stuck"})

    def read(self, now: float) -> bytes:
        """The 5 bytes that the device gives to a start signal at `now`. Raises NoAnswer."""
        faults = self.faults
        if not self.powered or faults.mute or self._happens(faults.nack):
            raise NoAnswer
        frame = bytearray(self._frame(now))
        if self._happens(faults.truncated) or any(self._happens(faults.byte_loss) for _ in frame):
            raise NoAnswer
        if self._happens(faults.crc_error):
            frame[-1] ^= 1 << self.random.randrange(8)
        for at in range(len(frame)):
            if self._happens(faults.bit_flip):
                frame[at] ^= 1 << self.random.randrange(8)
        return bytes(frame)

    @abstractmethod
    def _frame(self, now: float) -> bytes:
        """4 bytes and their sum. Raises NoAnswer when the device is not ready."""
