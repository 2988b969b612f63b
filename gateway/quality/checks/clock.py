"""Is a reading's time to be believed?"""

from __future__ import annotations

from typing import Any, ClassVar

from gateway.quality.checks.base import Check, Series, Step
from gateway.quality.checks.sample import Sample
from gateway.quality.checks.settings import ClockSettings


class Clock(Check[ClockSettings]):
    """No time at all, a time ahead of the reading's arrival, or one that parted from the node's uptime.

    Within a boot, t minus uptime stands still. What a synchronised reading (`tq` ntp) shows of it is held
    against those of a free-running clock (`held`) and those worked out afterwards (`back`). A clock that was
    wrong from the start and runs behind looks like a backlog, and is not found. Own rule; state is one boot
    of a node.
    """

    name: ClassVar[str] = "clock"

    def watch(self, series: Series) -> Step:
        bit, ahead_s, jump_s = self.bit, self.settings.ahead_s, self.settings.jump_s
        # [boot, t minus uptime by the last synchronised reading of it]
        known: list[Any] = series.shared.setdefault(self.name, [None, 0])
        series.memory.clock = known

        def step(s: Sample) -> int:
            t = s.t
            if t is None or t - ahead_s > s.received_ms // 1000:
                return bit
            if s.tq == "ntp":
                known[0], known[1] = s.boot, t - s.up
                return 0
            if known[0] == s.boot and not -jump_s <= t - s.up - known[1] <= jump_s:
                return bit
            return 0

        return step
