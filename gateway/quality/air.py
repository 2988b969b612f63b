"""The air now by an index of the reader's choice: of each node and of the network. Pure.

From the hours that the checks have closed: their means leave out what is bad, and an hour with too little
left has none. Nothing of it is a value of a single reading.

An index is of corrected means or of raw ones, never of both: of corrected ones when 75 % of the hours that
have a mean have a corrected one, and these alone are enough for the index's own rule. Each result says which.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from statistics import median
from typing import Any, Literal, NamedTuple

from gateway.quality.indices import INDICES, POLLUTANTS, Bands, Index, NowCast, Result, UsAqi, Who
from gateway.quality.means import HOUR, needed

Over = Literal["hour", "nowcast", "day"]
Of = Literal["raw", "corrected", "mixed"]

# What each index is of, docs/quality.md; the first is shown unless the reader chooses.
CHOICES: dict[str, Over] = {
    "eu-2024": "hour",
    "gios": "hour",
    "us-aqi-2024": "nowcast",
    "eu-old": "day",
    "who-2021": "day",
}
HOURS_OF: dict[Over, int] = {"hour": 1, "nowcast": 12, "day": 24}


@lru_cache(64)  # asked for each node of a network
def _held(name: str, at: int) -> Index:
    """The entry that held on the day of that time, UTC s."""
    return INDICES.pick(name, datetime.fromtimestamp(at, UTC).date())


@dataclass(frozen=True, slots=True)
class Asked:
    """An index, one of CHOICES, for the hour that begins at `newest` (UTC s), by the entry that held then."""

    name: str
    newest: int

    @property
    def over(self) -> Over:
        return CHOICES[self.name]

    @property
    def entry(self) -> Index:
        return _held(self.name, self.newest)

    @property
    def nowcast(self) -> NowCast:
        found = _held("nowcast", self.newest)
        assert isinstance(found, NowCast)
        return found

    def about(self) -> dict[str, Any]:
        """What stands beside the values: the index's entry, and the NowCast's where it goes through one."""
        entry = self.entry
        said = {**entry.about(), "input": entry.input, "over": self.over, "hours": HOURS_OF[self.over]}
        return said | {"nowcast": self.nowcast.about() if self.over == "nowcast" else None}


class HourMean(NamedTuple):
    """A pollutant's hour: means in ug/m3, None where it has none, of `have` good readings of `expected`.

    `n` of these have a corrected value; `by`: what made the corrected mean, `factor`: the shared error's.
    """

    raw: float | None
    have: int
    expected: int
    corrected: float | None
    n: int
    by: str
    factor: float | None


@dataclass(frozen=True, slots=True)
class Hourly:
    """The hours of one sensor, by pollutant and the hour's start, UTC s."""

    node: str
    slot: str
    means: Mapping[str, Mapping[int, HourMean]]


@dataclass(frozen=True, slots=True)
class Taken:
    """The mean that an index is of: `mean` in ug/m3, None with a `reason`; `of` says of which values.

    `raw`: what the raw values give, by the same rule. `by`: names and versions of what corrected it,
    `factors`: the lowest and the highest of the shared error that are in it. `good` readings there are in its
    hours, of which `corrected` have a corrected value. Of the network these two count nodes.
    """

    mean: float | None
    reason: str | None
    of: Of
    raw: float | None
    by: tuple[str, ...] = ()
    factors: tuple[float, ...] = ()
    good: int = 0
    corrected: int = 0


@dataclass(frozen=True, slots=True)
class Air:
    """Of one node or the network. `results` have a `value`, or a `reason`.

    `level` counts the index's categories from 1, the best. By pollutant; `worst` has the highest level.
    """

    taken: Mapping[str, Taken]
    results: Mapping[str, Result]
    levels: Mapping[str, int | None]
    worst: str | None


def air_of(asked: Asked, one: Hourly) -> Air:
    """Of one sensor."""
    return _air(asked, {each: take(asked, one.means.get(each, {}), each) for each in POLLUTANTS})


def of_network(asked: Asked, nodes: Iterable[Air]) -> Air:
    """Of the medians of the nodes' means, each of what the node's is of."""
    lists: dict[str, list[Taken]] = {each: [] for each in POLLUTANTS}
    for node in nodes:
        for each, taken in node.taken.items():
            if taken.mean is not None:
                lists[each].append(taken)
    return _air(asked, {each: _median_of(found) for each, found in lists.items()})


def _median_of(found: list[Taken]) -> Taken:
    if not found:
        return Taken(None, "no node has a mean", "raw", None)
    corrected = sum(each.of == "corrected" for each in found)
    of: Of = "raw" if not corrected else "corrected" if corrected == len(found) else "mixed"
    means = [each.mean for each in found if each.mean is not None]
    raw = [each.raw for each in found if each.raw is not None]
    return Taken(
        round(median(means), 3), None, of, round(median(raw), 3), good=len(found), corrected=corrected
    )


def take(asked: Asked, means: Mapping[int, HourMean], pollutant: str) -> Taken:
    """Of corrected hours if there are enough, else of raw ones."""
    hours = [means.get(asked.newest - ago * HOUR) for ago in range(HOURS_OF[asked.over])]
    there = [one for one in hours if one is not None and one.raw is not None]
    good, done = sum(one.have for one in there), sum(one.n for one in there)
    raw = mean_over(asked, [None if one is None else one.raw for one in hours], pollutant)
    used = [one for one in there if one.corrected is not None]
    if used and len(used) >= needed(len(there)):
        found = mean_over(asked, [None if one is None else one.corrected for one in hours], pollutant)
        if found.value is not None:
            by = {name for names in {one.by for one in used} for name in names.split(", ")}
            factors = {one.factor for one in used if one.factor is not None}
            ends = tuple(sorted({min(factors), max(factors)})) if factors else ()
            return Taken(found.value, None, "corrected", raw.value, tuple(sorted(by)), ends, good, done)
    reason = raw.reason
    if asked.over == "hour" and (one := hours[0]) is not None and one.raw is None:
        reason = f"{one.have} of {one.expected} good readings are there"
    return Taken(raw.value, reason, "raw", raw.value, good=good, corrected=done)


def mean_over(asked: Asked, values: Sequence[float | None], pollutant: str) -> Result:
    """The mean that the index is of, ug/m3, of hours from the newest back; without a value the reason."""
    if asked.over == "hour":
        return Result(values[0], reason=None if values[0] is not None else "no reading is there")
    if asked.over == "nowcast":
        # A sensor's noise may lie below zero; the air does not.
        hours = [None if each is None else max(0.0, each) for each in values]
        return asked.nowcast.compute_hours(hours, pollutant)
    there = [each for each in values if each is not None]
    least = needed(len(values))
    if len(there) < least:
        return Result(None, reason=f"{len(there)} of {len(values)} hours are there, {least} are needed")
    return Result(math.fsum(there) / len(there))


def best_slot(asked: Asked, slots: Iterable[Hourly]) -> tuple[str, Air]:
    """Of a node's sensors the first with an index, else the first."""
    found = [(one.slot, air_of(asked, one)) for one in sorted(slots, key=lambda one: one.slot)]
    return next(((slot, air) for slot, air in found if air.worst is not None), found[0])


def hour_start(hour: int) -> int:
    """UTC s of an hour's number."""
    return hour * HOUR


def _air(asked: Asked, taken: Mapping[str, Taken]) -> Air:
    results: dict[str, Result] = {}
    levels: dict[str, int | None] = {}
    for each, mean in taken.items():
        results[each], levels[each] = _index(asked.entry, mean, each)
    known = [(level, results[each].value or 0, each) for each, level in levels.items() if level is not None]
    # Of equal ones PM2.5, which is the first.
    worst = max(known, key=lambda it: it[:2])[2] if known else None
    return Air(taken, results, levels, worst)


def _index(entry: Index, taken: Taken, pollutant: str) -> tuple[Result, int | None]:
    """The result and its category's number."""
    if taken.mean is None:
        return Result(None, reason=taken.reason), None
    value = max(0.0, taken.mean)
    if isinstance(entry, Bands):
        result = entry.compute(value, pollutant)
        return result, None if result.value is None else int(result.value)
    if isinstance(entry, UsAqi):
        result = entry.compute(value, pollutant)
        names = tuple(dict.fromkeys(row[4] for row in entry.tables[pollutant]))
    else:
        assert isinstance(entry, Who)
        result, names = entry.compute(value, pollutant), entry.categories
    return result, None if result.category is None else names.index(result.category) + 1
