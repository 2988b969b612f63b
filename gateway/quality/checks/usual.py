"""What a series' ratio to its neighbours usually is, and what is remembered of it; bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from math import exp, log
from typing import NamedTuple

# What the usual ratio is taken from, and what is read of the past at a start.
HISTORY_DAYS = 14
# Half a day: what the median of the newest ratios is taken from at most.
RECENT_HOURS = 12
# Some ug/m3 more on both sides: in clean air a ratio is all noise.
_BASE = 2.0
# Of the log ratio; sound sensors of a city have 0.07 to 0.15, and a drift that is learned widens it.
_MOST_MAD = 0.15
# What is usual takes three days of hours.
_USUAL_HOURS = 72
MAD = 1.4826  # to a standard deviation


class Usual(NamedTuple):
    """Of a series' log ratios to its neighbours in the last two weeks: median and scaled MAD."""

    median: float
    mad: float


class Ratio(NamedTuple):
    """Of an hour: log of own over near, both with _BASE more; `near` with it, and the neighbours' scaled MAD,
    ug/m3.
    """

    log: float
    near: float
    spread: float

    def excess(self, usual: Usual) -> float:
        """How far the own value is above what is usual beside such neighbours, ug/m3."""
        return self.near * (exp(self.log) - exp(usual.median))


def ratio_of(own: float, near: float, spread: float) -> Ratio:
    """Of an hour's median, its neighbours', and their scaled MAD, ug/m3."""
    below = max(near, 0.0) + _BASE
    return Ratio(log((max(own, 0.0) + _BASE) / below), below, spread)


class Track:
    """What is remembered of one series."""

    __slots__ = ("day", "marked", "nothings", "ratios", "recent", "sides", "usual", "verdicts")

    def __init__(self, hours: int) -> None:
        self.sides: deque[int] = deque(maxlen=hours + 1)
        self.nothings = 0
        self.marked = False
        self.ratios: deque[float] = deque(maxlen=HISTORY_DAYS * 24)
        self.recent: deque[Ratio] = deque(maxlen=RECENT_HOURS)
        self.day = 0
        self.usual: Usual | None = None
        self.verdicts: dict[int, int] = {}

    def note(self, hour: int, ratio: Ratio) -> None:
        """Add an hour's ratio; what is usual is worked out once a day."""
        if hour // 24 != self.day:
            self.day = hour // 24
            if len(self.ratios) >= _USUAL_HOURS:
                middle = median(self.ratios)
                mad = MAD * median(abs(each - middle) for each in self.ratios)
                self.usual = Usual(middle, min(mad, _MOST_MAD))
        self.recent.append(ratio)
        # What is marked must not become the usual.
        if not self.marked:
            self.ratios.append(ratio.log)


def median(values: Iterable[float]) -> float:
    """The upper one of an even number; there must be one."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2]
