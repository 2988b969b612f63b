"""The air now by an index of the reader's choice: of each node and of the network. Pure.

From the hours that the checks have closed: their means leave out what is bad, and an hour with too little
left has none. Nothing of it is a value of a single reading.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from statistics import median
from typing import Any, Literal

from gateway.quality.indices import INDICES, POLLUTANTS, Bands, Index, NowCast, Result, UsAqi, Who
from gateway.quality.means import HOUR, Mean, needed, newest_first

Means = Mapping[int, Mean]  # by the hour's start, UTC s
Over = Literal["hour", "nowcast", "day"]

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


@dataclass(frozen=True, slots=True)
class Hourly:
    """The hours of one sensor, by pollutant."""

    node: str
    slot: str
    means: Mapping[str, Means]


@dataclass(frozen=True, slots=True)
class Air:
    """Of one node or the network. `mean` in ug/m3, what the index is of; `value` is None with a `reason`.

    `level` counts the index's categories from 1, the best. By pollutant; `worst` has the highest level.
    """

    mean: Mapping[str, float | None]
    results: Mapping[str, Result]
    levels: Mapping[str, int | None]
    worst: str | None


def air_of(asked: Asked, means: Mapping[str, Means]) -> Air:
    """Of one sensor, by its hours of each pollutant."""
    return _air(asked, {each: mean_over(asked, means.get(each, {}), each) for each in POLLUTANTS})


def of_network(asked: Asked, nodes: Iterable[Air]) -> tuple[Air, int]:
    """Of the medians of the nodes' means, and how many nodes have one of PM2.5."""
    lists: dict[str, list[float]] = {each: [] for each in POLLUTANTS}
    for node in nodes:
        for each, mean in node.mean.items():
            if mean is not None:
                lists[each].append(mean)
    taken = {
        each: Result(round(median(values), 3) if values else None, reason="no node has a mean")
        for each, values in lists.items()
    }
    return _air(asked, taken), len(lists["pm25"])


def mean_over(asked: Asked, means: Means, pollutant: str) -> Result:
    """The mean that the index is of, ug/m3; without a value the reason."""
    values = newest_first(means, asked.newest, HOURS_OF[asked.over])
    if asked.over == "hour":
        mean = means.get(asked.newest)
        if mean is None or mean.value is None:
            have = "no reading is" if mean is None else f"{mean.have} of {mean.expected} good readings are"
            return Result(None, reason=f"{have} there")
        return Result(mean.value)
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
    found = [(one.slot, air_of(asked, one.means)) for one in sorted(slots, key=lambda one: one.slot)]
    return next(((slot, air) for slot, air in found if air.worst is not None), found[0])


def hour_start(hour: int) -> int:
    """UTC s of an hour's number."""
    return hour * HOUR


def _air(asked: Asked, taken: Mapping[str, Result]) -> Air:
    results: dict[str, Result] = {}
    levels: dict[str, int | None] = {}
    for each, mean in taken.items():
        results[each], levels[each] = _index(asked.entry, mean, each)
    known = [(level, results[each].value or 0, each) for each, level in levels.items() if level is not None]
    # Of equal ones PM2.5, which is the first.
    worst = max(known, key=lambda it: it[:2])[2] if known else None
    return Air({each: mean.value for each, mean in taken.items()}, results, levels, worst)


def _index(entry: Index, mean: Result, pollutant: str) -> tuple[Result, int | None]:
    """The result and its category's number."""
    if mean.value is None:
        return Result(None, reason=mean.reason), None
    value = max(0.0, mean.value)
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
