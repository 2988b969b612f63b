"""Is this machine's clock behind? It shows in what nodes send: most of it is from the future, and refused."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

import structlog

from gateway.counters import Counters

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.clock")

WINDOW_SECONDS = 600.0
_LOOK_SECONDS = 20.0
# Fewer prove nothing: a node or two may have a wrong clock of their own.
_LEAST = 10
_ADVICE = (
    "set it right (timedatectl set-ntp true), then take them after all: "
    "dustline gateway quarantine replay --reason time_future --by-now"
)


@dataclass(slots=True, frozen=True)
class _Look:
    at: float
    taken: int
    refused: int


class ClockBehind:
    """`why` says so, None while nothing points to it. look() is for one thread, `why` for any."""

    def __init__(self, now: float | None = None) -> None:
        self._looks = deque([_Look(time.monotonic() if now is None else now, 0, 0)])
        self.why: str | None = None

    def look(self, counters: Counters, now: float | None = None) -> None:
        """To be called every second or so. `now`: seconds of a clock that nobody sets."""
        at = time.monotonic() if now is None else now
        newest = _Look(at, counters.stored + counters.duplicates, counters.quarantined.get("time_future", 0))
        if at - self._looks[-1].at >= _LOOK_SECONDS:
            self._looks.append(newest)
        while len(self._looks) > 1 and at - self._looks[1].at >= WINDOW_SECONDS:
            self._looks.popleft()
        oldest = self._looks[0]
        refused, taken = newest.refused - oldest.refused, newest.taken - oldest.taken
        before = self.why
        self.why = None
        if refused >= _LEAST and refused > taken:
            minutes = max(1, round((at - oldest.at) / 60))
            self.why = (
                f"{refused} of {refused + taken} readings of the last {minutes} min "
                f"are from this clock's future: it is probably behind; {_ADVICE}"
            )
        if self.why is not None and before is None:
            log.error("this machine's clock is probably behind", problem=self.why)
        elif self.why is None and before is not None:
            log.info("this machine's clock agrees with the nodes' again")
