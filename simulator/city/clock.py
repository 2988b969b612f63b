"""The town's clock: Central European Time with the EU's rule for summer time (directive 2000/84/EC)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np

from simulator.city.stable import Floats, Ints

HOUR_S = 3600.0


def local(hours: Ints) -> tuple[Floats, Ints]:
    """(hour of the day, weekday from Monday 0) of whole hours since 1970 (UTC)."""
    shift = np.array([1 + _is_summer(int(hour)) for hour in hours.ravel()], dtype=np.int64)
    at = hours + shift.reshape(hours.shape)
    return (at % 24).astype(np.float64), (at // 24 + 3) % 7  # 1970 began on a Thursday


@lru_cache(maxsize=512)
def _bounds(year: int) -> tuple[int, int]:
    """Whole hours since 1970 at which summer time begins and ends: 01:00 UTC on the last Sundays."""
    ends: list[int] = []
    for month in (3, 10):
        last = datetime(year, month, 31, 1, tzinfo=UTC)
        last -= timedelta(days=(last.weekday() + 1) % 7)
        ends.append(int(last.timestamp()) // 3600)
    return ends[0], ends[1]


@lru_cache(maxsize=65536)
def _is_summer(hour: int) -> bool:
    year = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=hour)).year
    start, end = _bounds(year)
    return start <= hour < end
