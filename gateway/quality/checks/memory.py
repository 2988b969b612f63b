"""What the checks of one series remember of it."""

from __future__ import annotations

from collections import deque
from typing import Any

from gateway.quality.checks.sample import Sample

LONG_AGO = -(1 << 62)


class Memory:
    """In one object, so that a thousand series share the processor's cache. Each field is one check's, but
    for `newest_t`, the time that the series has come to, UTC s.
    """

    __slots__ = (
        "clock", "count", "last", "last_t", "n03", "near", "newest_t", "older", "older_t", "pending", "pm1",
        "pm10", "pm25", "seen_t", "since", "window",
    )  # fmt: skip

    def __init__(self) -> None:
        self.newest_t = -1
        # clock: [boot, t minus uptime by its last synchronised reading], shared by the node's series.
        self.clock: list[Any] = [None, 0]
        self.begin_rate()
        self.begin_spike(1)
        self.begin_stuck()

    def begin_rate(self) -> None:
        """The last two readings."""
        self.last = self.older = 0.0
        self.last_t = self.older_t = LONG_AGO

    def begin_spike(self, length: int) -> None:
        """A window of readings, of which the newest is `near`; candidates that wait for their successors."""
        self.window: deque[float] = deque(maxlen=length)
        self.near = 0.0
        self.pending: list[Sample] | None = None
        self.seen_t = 0

    def begin_stuck(self) -> None:
        """What it last said, since when, and how often."""
        self.pm25: float | None = None
        self.pm10: float | None = None
        self.pm1: float | None = None
        self.n03: float | None = None
        self.since = self.count = 0
