"""What all emulated serial sensors share: power, an outgoing queue in time, and faults of the line. No I/O.

Times are seconds on any clock that only grows; the air function is asked with the same clock.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

# (PM1, PM2.5, PM10) in ug/m3 at a time in seconds: the truth that the sensor then measures badly.
Air = Callable[[float], tuple[float, float, float]]

# A device listens to a few dozen bytes; what never becomes a command must not pile up.
MAX_HEARD = 256


@dataclass
class Faults:
    """Faults on demand; the defaults are a healthy device."""

    mute: bool = False  # says nothing until it is power-cycled, which clears this
    stuck: bool = False  # repeats the values it last measured
    byte_loss: float = 0.0  # probability per byte
    bit_flip: float = 0.0  # probability per byte
    garbage: float = 0.0  # probability per frame of a burst of 1 to 40 random bytes before it
    # The place for clogged, saturated, fan error, byte shift, truncated frame, brown-out.


@dataclass(order=True)
class _Waiting:
    due: float
    order: int
    data: bytes = field(compare=False)


class Sensor(ABC):
    """An emulated device on a serial line. Powered off until power(True, now)."""

    model: str

    def __init__(self, air: Air, seed: int = 0) -> None:
        self.air = air
        self.random = random.Random(seed)
        self.faults = Faults()
        self.powered = False
        self._heard = bytearray()
        self._waiting: list[_Waiting] = []
        self._order = 0

    def power(self, on: bool, now: float) -> None:
        """Switch the supply. A cut loses what was heard and what was not yet sent, and ends muteness."""
        if on == self.powered:
            return
        self.powered = on
        self._heard.clear()
        self._waiting.clear()
        if on:
            self.faults.mute = False
            self._boot(now)

    def receive(self, data: bytes, now: float) -> None:
        """Bytes that arrived at the device."""
        if not self.powered:
            return
        self._run(now)
        self._heard += data
        self._obey(now)
        del self._heard[:-MAX_HEARD]

    def advance(self, now: float) -> bytes:
        """All bytes that the device has sent by `now` and that were not returned before."""
        if not self.powered:
            return b""
        self._run(now)
        self._waiting.sort()
        sent = bytearray()
        while self._waiting and self._waiting[0].due <= now:
            sent += self._line(self._waiting.pop(0).data)
        return b"" if self.faults.mute else bytes(sent)

    def _send(self, data: bytes, due: float) -> None:
        self._order += 1
        self._waiting.append(_Waiting(due, self._order, data))

    def _line(self, data: bytes) -> bytes:
        """What becomes of a frame on a bad line."""
        faults = self.faults
        out = bytearray()
        if faults.garbage and self.random.random() < faults.garbage:
            out += self.random.randbytes(self.random.randint(1, 40))
        for byte in data:
            if faults.byte_loss and self.random.random() < faults.byte_loss:
                continue
            flipped = faults.bit_flip and self.random.random() < faults.bit_flip
            out.append(byte ^ (1 << self.random.randrange(8)) if flipped else byte)
        return bytes(out)

    @abstractmethod
    def _boot(self, now: float) -> None:
        """Start as after power-on."""

    @abstractmethod
    def _run(self, now: float) -> None:
        """Do by itself what is due until `now`."""

    @abstractmethod
    def _obey(self, now: float) -> None:
        """Take whole commands off self._heard."""
