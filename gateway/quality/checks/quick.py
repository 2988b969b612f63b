"""A quick look: most readings are sound, and a little other than the one before. One look costs less than
twelve checks, each of which would find nothing.

It speaks for all that is COVERED; what a look says never differs from what these would have said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf
from typing import Any

from gateway.quality.checks.base import Check
from gateway.quality.checks.change import Rate, Spike
from gateway.quality.checks.clock import Clock
from gateway.quality.checks.memory import Memory
from gateway.quality.checks.models import Model
from gateway.quality.checks.plain import SCREENED, Humid, Warmup
from gateway.quality.checks.sample import Sample
from gateway.quality.checks.stuck import Stuck

COVERED = (*SCREENED, Clock, Rate, Spike, Stuck)

# What a look says: ask each check; none of SCREENED finds anything; none of COVERED does, and those of them
# that remember have been told.
ASK, PLAIN, CALM = range(3)
Look = Callable[[Sample, Memory], int]


def look_of(model: Model, checks: Iterable[Check[Any]]) -> Look:
    """The look at a series of that model, on behalf of those of `checks` that are COVERED."""
    warmup, humid, ahead_s = 0, 100.0, inf
    rate_ug = spike_ug = gap_s = inf
    for check in checks:
        if isinstance(check, Warmup):
            warmup = check.settings.seconds
        elif isinstance(check, Humid):
            humid = min(humid, check.settings.at)
        elif isinstance(check, Clock):
            ahead_s = check.settings.ahead_s
        elif isinstance(check, Rate):
            rate_ug = check.ug
        elif isinstance(check, Spike):
            spike_ug, gap_s = check.ug, check.gap_s
    top25, top10 = model.top25, model.top10

    def look(s: Sample, m: Memory) -> int:
        # All at once: a field by its name costs as much as a comparison.
        (
            _id, _node_id, _node, _slot, _model, boot, t, tq, received_ms, up, dt, _n, flags,
            pm1, pm25, pm10, _pm1_cf1, cf1, _pm10_cf1, n03, temp, rh, press,
        ) = s  # fmt: skip
        if (
            flags
            or pm25 is None
            or not 0.0 <= pm25 < top25
            or not (pm10 is None or pm25 <= pm10 < top10)
            or not (pm1 is None or 0.0 <= pm1 <= pm25)
            or not (cf1 is None or (0.0 <= cf1 < top25 and 0.62 * cf1 <= pm25 <= cf1))
            or not (rh is None or 0.0 <= rh < humid)
            or not (temp is None or -40.0 <= temp <= 85.0)
            or not (press is None or 300.0 <= press <= 1100.0)
            or up - dt < warmup
        ):
            return ASK
        if (
            t is None
            or tq != "ntp"
            or t < m.newest_t
            or t - ahead_s > received_ms // 1000
            or t - m.seen_t > gap_s
            or m.pending is not None
            or pm25 == m.pm25
            or not -rate_ug <= pm25 - m.last <= rate_ug
            or not -spike_ug <= pm25 - m.near <= spike_ug
        ):
            return PLAIN
        clock = m.clock
        clock[0], clock[1] = boot, t - up
        m.older, m.older_t = m.last, m.last_t
        m.newest_t = m.last_t = m.seen_t = t
        m.last = m.near = m.pm25 = pm25
        m.window.append(pm25)
        m.pm10, m.pm1, m.n03, m.since, m.count = pm10, pm1, n03, t - dt, 1
        return CALM

    return look
