"""Hours of each series: means of what may be trusted, and whether enough of it is there.

A reading's t is the end of its window, so the one of exactly 11:00:00 belongs to the hour that begins at
10:00. Hours are numbered from 1970: number n begins at n * 3600.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from gateway.quality.checks.bits import BAD, PROVISIONAL, QC_BITS
from gateway.quality.checks.sample import Sample
from gateway.quality.checks.settings import CompleteSettings

HOUR_S = 3600
_GAPS = 15
# A cadence that is read off the data wavers.
_WAVER = 0.01


def hour_of(t: int) -> int:
    """Number of the hour that a window belongs to that ends at t (UTC s)."""
    return -(-t // HOUR_S) - 1


class Hour(NamedTuple):
    """One hour of one series, as the journal keeps it.

    `have` counts the readings whose value is not bad, of `expected`; means and the median are theirs, None
    where there is none. `near` is the median of the `near_n` neighbours' medians, `near_mad` their MAD scaled
    to a standard deviation, ug/m3. `qc` has the bits
    that half of the hour's readings have, and `incomplete`.
    """

    node_id: int
    slot: str
    hour: int
    model: str
    expected: int
    have: int
    pm25: float | None
    pm25_median: float | None
    pm10: float | None
    temp: float | None
    rh: float | None
    near: float | None
    near_mad: float | None
    near_n: int
    qc: int


Entry = tuple[int, float | None, float | None, float | None, float | None]


class Cadence:
    """Seconds from one reading of a series to the next: the lower median of the last steps."""

    __slots__ = ("_dt", "_gaps", "_last")

    def __init__(self) -> None:
        self._gaps: deque[int] = deque(maxlen=_GAPS)
        self._last = 0
        self._dt = 1

    def add(self, t: int, dt: int) -> None:
        if t > self._last:
            if self._last:
                self._gaps.append(t - self._last)
            self._last, self._dt = t, dt

    def expected(self) -> int:
        """Readings that an undisturbed hour has; at least one."""
        gaps = sorted(self._gaps)
        seconds = max(1, self._dt, gaps[(len(gaps) - 1) // 2] if gaps else 1)
        exact = HOUR_S / seconds
        nearest = round(exact)
        return max(1, nearest if abs(exact - nearest) <= _WAVER * nearest else int(exact))


class Completeness:
    """An hour needs 75 % of its readings, a day 75 % of its hours.

    The share for hourly and daily values of Directive 2008/50/EC, annex XI. Bad readings do not count.
    """

    name = "incomplete"
    version = 1

    def __init__(self, settings: CompleteSettings) -> None:
        self.settings = settings
        self.bit = QC_BITS[self.name]

    def judge(self, have: int, expected: int) -> int:
        """The bit, or 0 when enough of `expected` is there."""
        if not self.settings.enabled:
            return 0
        return 0 if have >= max(1, -(-expected * self.settings.share // 1)) else self.bit

    def judge_day(self, hours: Sequence[Hour], expected: int = 24) -> int:
        """The same for a day of one series; 23 and 25 hours are possible where clocks change."""
        return self.judge(sum(not each.qc & self.bit for each in hours), expected)


class HourBook:
    """The readings of the hours under way, by hour, series and reading."""

    def __init__(self) -> None:
        self.open: dict[int, dict[tuple[int, str], dict[int, Entry]]] = {}
        self.models: dict[tuple[int, str], str] = {}
        self._cadences: dict[tuple[int, str], Cadence] = {}

    def add(self, s: Sample, t: int, qc: int) -> None:
        key = (s.node_id, s.slot)
        hour = -(-t // HOUR_S) - 1
        series = self.open.get(hour)
        if series is None:
            series = self.open[hour] = {}
        entries = series.get(key)
        if entries is None:
            entries = series[key] = {}
            self.models[key] = s.model
        entries[s.id] = (qc, s.pm25, s.pm10, s.temp, s.rh)
        cadence = self._cadences.get(key)
        if cadence is None:
            cadence = self._cadences[key] = Cadence()
        cadence.add(t, s.dt)

    def amend(self, s: Sample, bit: int) -> None:
        """A later reading has decided on `s`."""
        if s.t is None:
            return
        entries = self.open.get(hour_of(s.t), {}).get((s.node_id, s.slot), {})
        entry = entries.get(s.id)
        if entry is not None:
            entries[s.id] = (entry[0] | bit, *entry[1:])

    def take(self, hour: int, complete: Completeness) -> list[Hour]:
        """Close an hour: what became of each series in it, without neighbours."""
        found: list[Hour] = []
        for key, entries in self.open.pop(hour, {}).items():
            good = [each for each in entries.values() if not each[0] & BAD]
            values = sorted([each[1] for each in good if each[1] is not None])
            expected = max(self._cadences[key].expected(), 1)
            qc = _common([each[0] for each in entries.values()]) | complete.judge(len(values), expected)
            found.append(
                Hour(
                    *key,
                    hour,
                    self.models[key],
                    expected,
                    len(values),
                    _mean(values),
                    values[len(values) // 2] if values else None,
                    _mean([each[2] for each in good]),
                    _mean([each[3] for each in good]),
                    _mean([each[4] for each in good]),
                    None,
                    None,
                    0,
                    qc,
                )
            )
        return found


def _common(each_qc: list[int]) -> int:
    """The bits that at least half of them have."""
    together = 0
    for qc in each_qc:
        together |= qc
    together &= ~PROVISIONAL
    found, bit = 0, 1
    while bit <= together:
        if together & bit and 2 * sum(1 for qc in each_qc if qc & bit) >= len(each_qc):
            found |= bit
        bit <<= 1
    return found


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return round(sum(there) / len(there), 3) if there else None
