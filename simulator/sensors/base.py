"""What all emulated sensors share: power, faults on demand, age; and for serial ones a queue in time. No I/O.

Times are seconds on any clock that only grows; air and weather are asked with the same clock.
What a fault of the line does to a frame stands in faults.py.
"""

from __future__ import annotations

import math
import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

from simulator.sensors.faults import Faults, cut_short, on_the_line, through_noise

__all__ = ["NO_AIR", "Air", "Device", "Faults", "Sensor", "Weather"]

# (PM1, PM2.5, PM10) in ug/m3 at a time in seconds: the truth that the sensor then measures badly.
Air = Callable[[float], tuple[float, float, float]]
# (temperature in degC, relative humidity in %, pressure in hPa) at a time in seconds.
Weather = Callable[[float], tuple[float, float, float]]

# What cannot befall a device that measures the climate only.
NO_AIR = frozenset({"clogged", "fan_error"})
# A device listens to a few dozen bytes; what never becomes a command must not pile up.
MAX_HEARD = 256
# Nor do answers that nobody fetched: what comes on top of these is lost.
MAX_WAITING = 256


class Device(ABC):
    """An emulated device. Powered off until power(True, now).

    `spared`: faults that cannot befall it, by name; its own class's are added to those of its bus.
    `age_h`: the hours that its laser and fan, or its sensing element, have worked; may be set at any time.
    """

    model: str
    spared: frozenset[str] = frozenset()

    def __init__(self, air: Air, seed: int = 0) -> None:
        self.air = air
        self.random = random.Random(seed)
        self.faults = Faults()
        self.powered = False
        self.age_h: float = 0.0

    def power(self, on: bool, now: float) -> None:
        """Switch the supply. A cut loses what is in RAM, and ends muteness."""
        if on == self.powered:
            return
        self.powered = on
        if on:
            self.faults.mute = False
            self._boot(now)

    def brown_out(self, now: float) -> None:
        """The supply dips: the device starts anew as after power-on. A hung device (mute) stays hung."""
        if self.powered:
            self._boot(now)

    def _happens(self, fault: float) -> bool:
        """Whether a fault strikes now: False, True, or its probability."""
        return bool(fault) and self.random.random() < fault

    @abstractmethod
    def _boot(self, now: float) -> None:
        """Start as after power-on: nothing that was in RAM is left."""


@dataclass(order=True)
class _Waiting:
    due: float
    order: int
    data: bytes = field(compare=False)


class Sensor(Device):
    """An emulated device on a serial line."""

    baud = 9600
    spared = frozenset({"nack", "clock_stretch", "bus_stuck"})
    # Where a byte of a frame's check sum is, for faults.crc_error. None: the device spoils the sum itself,
    # by _happens(self.faults.crc_error), as SHDLC must before it stuffs bytes.
    sum_at: int | None = None

    def __init__(self, air: Air, seed: int = 0) -> None:
        super().__init__(air, seed)
        self._heard = bytearray()
        self._waiting: list[_Waiting] = []
        self._order = 0
        self._last = b""

    def power(self, on: bool, now: float) -> None:
        if on != self.powered:
            self._forget()
        super().power(on, now)

    def receive(self, data: bytes, now: float) -> None:
        """Bytes that arrived at the device."""
        if not self.powered:
            return
        self._run(now)
        self._heard += through_noise(data, self.faults, self.random)
        self._obey(now)
        del self._heard[:-MAX_HEARD]
        del self._waiting[MAX_WAITING:]

    def advance(self, now: float) -> bytes:
        """All bytes that the device has sent by `now` and that were not returned before."""
        if not self.powered:
            return b""
        self._run(now)
        self._waiting.sort()
        sent = bytearray()
        while self._waiting and self._waiting[0].due <= now:
            self._last = self._waiting.pop(0).data
            sent += on_the_line(self._last, self.faults, self.random, self.sum_at)
        return b"" if self.faults.mute else bytes(sent)

    def brown_out(self, now: float) -> None:
        """As Device's, in the middle of a frame: the line gets the first part of one."""
        if not self.powered:
            return
        self._run(now)
        self._waiting.sort()
        cut = cut_short(self._waiting[0].data if self._waiting else self._last, self.random)
        self._forget()
        super().brown_out(now)
        if cut:
            self._send(cut, now)

    def due(self) -> float:
        """When it next does or sends something if nobody writes to it; inf: never."""
        if not self.powered:
            return math.inf
        return min(self._due(), min((waiting.due for waiting in self._waiting), default=math.inf))

    def _due(self) -> float:
        """When it next does something by itself."""
        return math.inf

    def _forget(self) -> None:
        self._heard.clear()
        self._waiting.clear()
        self._last = b""

    def _send(self, data: bytes, due: float) -> None:
        self._order += 1
        self._waiting.append(_Waiting(due, self._order, data))

    @abstractmethod
    def _run(self, now: float) -> None:
        """Do by itself what is due until `now`."""

    @abstractmethod
    def _obey(self, now: float) -> None:
        """Take whole commands off self._heard."""
