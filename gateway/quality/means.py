"""Means of an hour and of a day, and when there are too few values for one: 75 %.

An hour counts when 75 % of its readings are there, a day when 75 % of its hours are (the one-hour and 24-hour
values of Directive 2008/50/EC). A reading's `t` is the END of its window, so the one of exactly 11:00:00
belongs to the hour that begins at 10:00. A window that begins in one hour and ends in the next belongs to the
next as a whole.

How many readings an hour should have comes from the node's cadence: the seconds from one reading to the next,
which is the window for a node that measures on and on, and the whole cycle (warm-up, window, sleep) for one
that sleeps. An hour then holds floor(3600 / cadence) readings or one more; the smaller number is what an
undisturbed node is sure to deliver, so that is expected. `dt` alone will not do: a 60 s window every 10
minutes is a complete record of 6. A cadence that is read off the data wavers, so 1 % is let pass: 601 s still
means 6 an hour.

Raw and corrected values are never in one mean. An hour has a mean of corrected values beside the raw one when
75 % of its good readings have one, by `corrected_mean`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median_low
from typing import NamedTuple
from zoneinfo import ZoneInfo

HOUR = 3600
NEEDED = (3, 4)  # 75 %, as a fraction
WAVER = 0.01


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean that begins at `start` (UTC seconds). `value` is None when fewer than `needed` of `expected` are
    there.

    `have` counts what was there: readings of an hour with distinct times, or valid hours of a day.
    """

    start: int
    value: float | None
    have: int
    expected: int
    needed: int

    @property
    def reason(self) -> str | None:
        if self.value is not None:
            return None
        if self.expected == 0:
            return "nothing is due in it"
        return f"{self.have} of {self.expected} are there, {self.needed} are needed"


def needed(expected: int) -> int:
    """75 %, rounded up; at least one."""
    share, whole = NEEDED
    return max(1, -(-expected * share // whole))


def hour_of(t: float) -> int:
    """Start of the hour that a reading belongs to whose window ends at `t`; both in UTC seconds."""
    return (math.ceil(t / HOUR) - 1) * HOUR


def expected_in_an_hour(cadence: float) -> int:
    """How many readings an undisturbed node delivers in any hour; `cadence` in seconds, above 0."""
    exact = HOUR / cadence
    nearest = round(exact)
    return nearest if abs(exact - nearest) <= WAVER * nearest else int(exact)


def cadence_of(times: Iterable[float], dt: float) -> float:
    """Seconds from one reading to the next: the lower median of the gaps, and not below the window `dt`.

    For a node whose settings are not known. Give it a day: gaps then do not sway it, as long as fewer than
    half of the steps are longer than they should be. A node that loses every second reading looks like one of
    half the pace.
    """
    ordered = sorted(set(times))
    gaps = [b - a for a, b in pairwise(ordered)]
    return max(dt, median_low(gaps)) if gaps else dt


def hourly_means(readings: Iterable[tuple[float, float | None]], cadence: float) -> dict[int, Mean]:
    """Means by the hour's start, from (t, value) of one sensor in any order.

    `cadence` in seconds, above 0. A value of None is a reading without that value: it does not count.
    ValueError for a value or a time that is not finite. A node slower than an hour has no hourly means:
    nothing is due in an hour. Hours without any reading do not appear.
    """
    if not (math.isfinite(cadence) and cadence > 0):
        raise ValueError(f"a cadence of {cadence} s is none")
    hours: dict[int, list[tuple[float, float]]] = {}
    for t, value in readings:
        if value is None:
            hours.setdefault(hour_of(t), [])
            continue
        if not math.isfinite(value):
            raise ValueError(f"the value at {t} is {value}")
        hours.setdefault(hour_of(t), []).append((t, value))
    expected = expected_in_an_hour(cadence)
    return {start: _hour(start, found, expected) for start, found in sorted(hours.items())}


def _hour(start: int, found: list[tuple[float, float]], expected: int) -> Mean:
    have = len({t for t, _ in found})
    least = needed(expected)
    enough = expected > 0 and have >= least
    return Mean(start, _mean([value for _, value in found]) if enough else None, have, expected, least)


class CorrectedMean(NamedTuple):
    """ug/m3; `n` counts the corrected values that were there. `by`: name and version of what made the mean,
    ", " between several, "" when there is none. `factor`: the shared error's, in the value already; None
    without one, or when there were several."""

    value: float | None
    n: int
    by: str
    factor: float | None


def corrected_mean(values: Sequence[tuple[float, tuple[str, float | None]]], good: int) -> CorrectedMean:
    """Of the corrected values of an hour that has so many good readings; each with its name and factor.

    When 75 % of the good ones are corrected alike, by one name and factor, the mean is of these. When 75 %
    are by several together, as in the hour in which a calibration follows another, it is of all of them and
    names them all. Else there is none, and the hour is one of raw values.
    """
    n, least = len(values), needed(good)
    if n < least:
        return CorrectedMean(None, n, "", None)
    alike, most = Counter(how for _, how in values).most_common(1)[0]
    if most >= least:
        mean = _mean([value for value, how in values if how == alike])
        return CorrectedMean(round(mean, 3), n, *alike)
    names = ", ".join(sorted({name for _, (name, _) in values}))
    return CorrectedMean(round(_mean([value for value, _ in values]), 3), n, names, None)


def day_bounds(day: date, zone: ZoneInfo) -> tuple[int, int]:
    """UTC seconds from local midnight to the next: 23, 24 or 25 hours, and none for a day that a zone
    skipped.
    """
    ends = [datetime(d.year, d.month, d.day, tzinfo=zone) for d in (day, day + timedelta(days=1))]
    return int(ends[0].timestamp()), int(ends[1].timestamp())


def daily_mean(hours: Mapping[int, Mean], day: date, zone: ZoneInfo) -> Mean:
    """The mean of the valid hourly means of a local day.

    The day has the hours that begin in it: 23 when the clock goes forward and 25 when it goes back, of which
    18 and 19 are needed. In a zone that is half an hour off, the hour across midnight belongs to the day in
    which it begins.
    """
    begin, end = day_bounds(day, zone)
    first = -(-begin // HOUR) * HOUR
    starts = range(first, end, HOUR)
    values = [mean.value for at in starts if (mean := hours.get(at)) is not None and mean.value is not None]
    least = needed(len(starts))
    enough = len(starts) > 0 and len(values) >= least
    return Mean(begin, _mean(values) if enough else None, len(values), len(starts), least)


def newest_first(hours: Mapping[int, Mean], newest: int, count: int = 12) -> list[float | None]:
    """Hourly values for the NowCast: the hour that begins at `newest`, and those before it; None where none
    counts.
    """
    found = (hours.get(newest - ago * HOUR) for ago in range(count))
    return [None if mean is None else mean.value for mean in found]


def _mean(values: list[float]) -> float:
    """fsum adds without loss, so the order of the readings does not change the mean."""
    return math.fsum(values) / len(values)
