"""Hours of each series: means of what may be trusted, and whether enough of it is there.

A reading's t is the end of its window, so the one of exactly 11:00:00 belongs to the hour that begins at
10:00. Hours are numbered from 1970: number n begins at n * 3600.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import pairwise
from math import isnan
from typing import NamedTuple

from gateway.quality.checks.bits import BAD, PROVISIONAL, QC_BITS
from gateway.quality.checks.sample import Sample
from gateway.quality.checks.settings import CompleteSettings
from gateway.quality.means import CorrectedMean, corrected_mean, expected_in_an_hour

HOUR_S = 3600
FEWEST = 3  # readings that make a median
_NOT_COMPARED = BAD & ~QC_BITS["clogged"]


def hour_of(t: int) -> int:
    """Number of the hour that a window belongs to that ends at t (UTC s)."""
    return -(-t // HOUR_S) - 1


class Hour(NamedTuple):
    """One hour of one series, as the journal keeps it.

    `have` counts the readings whose value is not bad, of `expected`; the means are theirs, None where there
    is none. The median is held against the neighbours: of at least FEWEST readings that nothing but `clogged`
    calls bad, as a clogged sensor had else nothing to be found by in the next hour. `near` is the median of
    the `near_n` neighbours' medians, `near_mad` their MAD scaled to a standard deviation, ug/m3. `qc` has the
    bits that half of the hour's readings have, and `incomplete`.

    `pm25_cor`, `pm10_cor`: means of corrected values by means.corrected_mean, None where that gives none;
    `_n` counts the good readings that have a corrected value, `_by` names what made the mean, "" for nothing.
    `factor`: the shared error's, in pm25_cor already; None without one, or when it changed within the hour.
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
    pm25_cor: float | None = None
    pm25_cor_n: int = 0
    pm25_by: str = ""
    factor: float | None = None
    pm10_cor: float | None = None
    pm10_cor_n: int = 0
    pm10_by: str = ""


By = tuple[str, str, float | None]  # what made pm25 and pm10, and the factor in pm25


def expected_of(times: Sequence[int], dt: int, usual: int) -> tuple[int, int]:
    """Readings that an undisturbed hour has, at least one, and the seconds between two.

    By the lower median of the steps between `times` (UTC s, in order); `usual` where there are none. A step
    is never shorter than the window `dt`.
    """
    gaps = sorted([later - earlier for earlier, later in pairwise(times) if later > earlier])
    seconds = max(1, dt, gaps[(len(gaps) - 1) // 2] if gaps else usual)
    return max(1, expected_in_an_hour(seconds)), seconds


class Completeness:
    """An hour needs 75 % of its readings, by Directive 2008/50/EC, annex XI. Bad readings do not count.

    A day needs 75 % of its hours: means.daily_mean, where a mean of a day is made.
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


# What is kept of a reading: id, seconds into its hour, qc, PM2.5, PM10, temperature, RH; NaN where there is
# none. Bytes, as Python's own numbers take five times as much, and a busy hour of a city is all in memory.
_ROW = struct.Struct("<qHI4d")
_ID, _QC = struct.Struct("<q"), struct.Struct("<I")
_QC_AT = struct.calcsize("<qH")
_NAN = float("nan")
Cell = bytearray
# And of what was corrected: id, PM2.5, PM10, number of its By.
_CORRECTED = struct.Struct("<q2dI")


class _Made:
    """The corrected readings of a series' hour, and by what they were; mostly by one."""

    __slots__ = ("bys", "cell")

    def __init__(self) -> None:
        self.cell = Cell()
        self.bys: list[By] = []

    def add(self, id: int, pm25: float | None, pm10: float | None, by: By) -> None:
        bys = self.bys
        if not bys or bys[-1] != by:
            bys.append(by)
        self.cell += _CORRECTED.pack(
            id, _NAN if pm25 is None else pm25, _NAN if pm10 is None else pm10, len(bys) - 1
        )


class _Page:
    """One series: the cell that it writes in now; model, window and pace as last seen."""

    __slots__ = ("cell", "dt", "hour", "last_t", "made", "model", "seconds")

    def __init__(self) -> None:
        self.hour = -1
        self.cell = Cell()
        self.made: _Made | None = None
        self.model = ""
        self.dt = self.seconds = self.last_t = 0


class HourBook:
    """The readings of the hours under way, by hour and series."""

    def __init__(self) -> None:
        self.open: dict[int, dict[tuple[int, str], Cell]] = {}
        self._made: dict[int, dict[tuple[int, str], _Made]] = {}
        self._pages: dict[tuple[int, str], _Page] = {}

    def add(self, key: tuple[int, str], s: Sample, t: int, qc: int) -> None:
        """Take a sample into its hour; `key` is its node_id and slot."""
        page = self._pages.get(key)
        if page is None:
            page = self._pages[key] = _Page()
        hour = -(-t // HOUR_S) - 1
        if hour != page.hour:
            page.cell = self.open.setdefault(hour, {}).setdefault(key, Cell())
            page.hour, page.model, page.dt, page.made = hour, s.model, s.dt, None
        page.cell += _ROW.pack(
            s.id,
            t - hour * HOUR_S,
            qc,
            _NAN if s.pm25 is None else s.pm25,
            _NAN if s.pm10 is None else s.pm10,
            _NAN if s.temp is None else s.temp,
            _NAN if s.rh is None else s.rh,
        )

    def correct(self, key: tuple[int, str], id: int, pm25: float | None, pm10: float | None, by: By) -> None:
        """What the reading that was taken in last was corrected to; nothing if it is another one's id."""
        page = self._pages.get(key)
        if page is None or page.hour < 0 or _ID.unpack_from(page.cell, len(page.cell) - _ROW.size)[0] != id:
            return
        if page.made is None:
            page.made = self._made.setdefault(page.hour, {}).setdefault(key, _Made())
        page.made.add(id, pm25, pm10, by)

    def amend(self, s: Sample, bit: int) -> None:
        """A later reading has decided on `s`."""
        if s.t is None:
            return
        cell = self.open.get(hour_of(s.t), {}).get((s.node_id, s.slot), b"")
        for at in range(len(cell) - _ROW.size, -1, -_ROW.size):
            if _ID.unpack_from(cell, at)[0] == s.id:
                (qc,) = _QC.unpack_from(cell, at + _QC_AT)
                _QC.pack_into(cell, at + _QC_AT, qc | bit)
                return

    def take(self, hour: int, complete: Completeness) -> list[Hour]:
        """Close an hour: what became of each series in it, without neighbours."""
        made, cells = self._made.pop(hour, {}), self.open.pop(hour, {})
        return [self._close(key, hour, cell, made.get(key), complete) for key, cell in cells.items()]

    def _close(
        self, key: tuple[int, str], hour: int, cell: Cell, made: _Made | None, complete: Completeness
    ) -> Hour:
        page = self._pages[key]
        if page.hour == hour:
            page.hour = -1  # a late one begins another cell
        ids, seconds, qcs, pm25, pm10, temp, rh = zip(*_ROW.iter_unpack(cell), strict=True)
        times = [hour * HOUR_S + each for each in sorted(seconds)]
        before = [page.last_t] if 0 < page.last_t < times[0] else []
        expected, page.seconds = expected_of([*before, *times], page.dt, page.seconds)
        page.last_t = max(page.last_t, times[-1])

        def good(values: Sequence[float], bad: int = BAD) -> list[float]:
            return [value for value, qc in zip(values, qcs, strict=True) if not (isnan(value) or qc & bad)]

        values, compared = good(pm25), sorted(good(pm25, _NOT_COMPARED))
        closed = Hour(
            *key,
            hour,
            page.model,
            expected,
            len(values),
            _mean(values),
            compared[len(compared) // 2] if len(compared) >= FEWEST else None,
            _mean(good(pm10)),
            _mean(good(temp)),
            _mean(good(rh)),
            None,
            None,
            0,
            _common(qcs) | complete.judge(len(values), expected),
        )
        if made is None:
            return closed
        fine = _corrected(made, 0, _good_ids(ids, pm25, qcs))
        coarse = _corrected(made, 1, _good_ids(ids, pm10, qcs))
        return closed._replace(
            pm25_cor=fine.value,
            pm25_cor_n=fine.n,
            pm25_by=fine.by,
            factor=fine.factor,
            pm10_cor=coarse.value,
            pm10_cor_n=coarse.n,
            pm10_by=coarse.by,
        )


def _good_ids(ids: Sequence[int], values: Sequence[float], qcs: Sequence[int]) -> set[int]:
    """Of the readings whose value is there and not bad."""
    return {id for id, value, qc in zip(ids, values, qcs, strict=True) if not (isnan(value) or qc & BAD)}


def _corrected(made: _Made, species: int, good: set[int]) -> CorrectedMean:
    """`species`: 0 for PM2.5, 1 for PM10. The shared error is one of PM2.5 only."""
    names = [(by[1], None) if species else (by[0], by[2]) for by in made.bys]
    if not any(name for name, _ in names):
        return corrected_mean([], len(good))
    rows = [(id, values[species], values[2]) for id, *values in _CORRECTED.iter_unpack(made.cell)]
    found = [(value, names[int(by)]) for id, value, by in rows if id in good and not isnan(value)]
    return corrected_mean(found, len(good))


def _common(each_qc: Sequence[int]) -> int:
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


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 3) if values else None
