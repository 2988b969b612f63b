"""What the sensors measure: masses, counts and weather that hang together in time.

A third is clean air with many zeros, a third a usual city, a third winter smog. The shares of the sizes and
the counts per mass are judgements near those of the captured frames in tests/vectors.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

MEDIANS = (0.8, 12.0, 150.0)  # PM2.5 in ug/m3


@dataclass(frozen=True)
class Sample:
    """Masses in ug/m3, degC, %, hPa."""

    pm1: float
    pm25: float
    pm4: float
    pm10: float
    temp: float
    rh: float
    press: float


def series(chance: random.Random) -> Iterator[Sample]:
    """Samples about a second apart, for ever."""
    median = chance.choice(MEDIANS)
    fine, coarse = chance.uniform(0.6, 0.85), chance.uniform(1.1, 1.8)
    level, temp = 0.0, chance.uniform(-18, 36)
    rh, press = chance.uniform(15, 98), chance.uniform(960, 1035)
    while True:
        level = 0.995 * level + chance.gauss(0, 0.06)
        pm25 = max(0.0, min(480.0, median * math.exp(level) * chance.gauss(1, 0.03) - 0.4))
        temp += chance.gauss(0, 0.03) + 0.0005 * (12 - temp)
        rh = min(99.0, max(8.0, rh + chance.gauss(0, 0.08)))
        press += chance.gauss(0, 0.02) + 0.0005 * (1000 - press)
        pm10 = pm25 * coarse
        yield Sample(pm25 * fine, pm25, pm25 + (pm10 - pm25) * 0.7, pm10, temp, rh, press)
