"""Do the sensors of one light node disagree? By the rule of the firmware's agree.py: EPA's for PurpleAir.

Means over the last hour that differ by 5 ug/m3 or more and by 61 % or more of their mean (Barkjohn et al.
2021, doi 10.5194/amt-14-4617-2021, section 3.2.3, for means of 24 h). The firmware keeps the hour in bins;
here it is the hour to the window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.city.seen import Seen, Sensors
from simulator.city.stable import Bools, Floats

if TYPE_CHECKING:
    from simulator.city.light import LightFleet

LEAST, PERCENT = 5.0, 61.0


class Disagreement:
    def __init__(self, lights: LightFleet) -> None:
        self.lights = lights
        self.groups = [own for own in lights.columns.values() if len(own) > 1]
        self.pairs = [number for own in self.groups for number in own]
        self.sensors = Sensors(lights.city, [lights.units[number] for number in self.pairs], lights.faults)

    def of(self, first: int, rows: int, seen: Seen) -> Bools:
        """Which readings of windows `first` to before `first + rows` are to be flagged, (rows, units)."""
        out = np.zeros(seen.pm25.shape, dtype=np.bool_)
        if not self.pairs:
            return out
        lights = self.lights
        span = max(1, 3600 // lights.period)
        before = min(first, span - 1)
        values, there = seen.pm25[:, self.pairs], ~seen.no_frame[:, self.pairs]
        if before:
            ends = lights.ends(first - before, before)[:, self.pairs]
            old = self.sensors.see(lights.middles(ends), lights.window)
            values, there = np.vstack([old.pm25, values]), np.vstack([~old.no_frame, there])
        means = _trailing(values, there, span)[before:]
        place = {number: at for at, number in enumerate(self.pairs)}
        for own in self.groups:
            mine = [means[:, place[number]] for number in own]
            against = [sum(_differ(one, other).astype(np.int64) for other in mine) for one in mine]
            for a, number in enumerate(own):
                for b in range(len(own)):
                    out[:, number] |= _differ(mine[a], mine[b]) & (against[b] <= against[a])
        return out


def _trailing(values: Floats, there: Bools, span: int) -> Floats:
    """Means over the last `span` rows of what is there; NaN with less than two."""
    total, count = np.zeros_like(values), np.zeros_like(values)
    for lag in range(min(span, len(values))):
        rows = slice(0, len(values) - lag)
        total[lag:] += np.where(there[rows], values[rows], 0.0)
        count[lag:] += there[rows]
    return np.where(count >= 2, total / np.maximum(count, 1), np.nan)


def _differ(a: Floats, b: Floats) -> Bools:
    off = np.abs(a - b)
    return (off >= LEAST) & (200.0 * off >= PERCENT * (a + b))
