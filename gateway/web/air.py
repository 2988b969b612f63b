"""What /api/air answers: the air now of each node and of the network, by one index."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, TypedDict

from gateway.journal.schema import open_reader
from gateway.quality import air
from gateway.quality.air import CHOICES, HOURS_OF, Air, Asked, Hourly, HourMean, Of
from gateway.quality.checks.bits import QC_BITS
from gateway.quality.indices import POLLUTANTS
from gateway.stations.judgements import last_hour

_HOURS = (
    "SELECT nodes.name, slot, hour, expected, have, qc, pm25, pm25_cor, pm25_cor_n, pm25_by, factor,"
    " pm10, pm10_cor, pm10_cor_n, pm10_by, NULL FROM quality_hours JOIN nodes ON nodes.id = node_id"
    " WHERE hour > ? AND hour <= ?"
)
_IN_ROWS = ("pm25", "pm10")
_INCOMPLETE = QC_BITS["incomplete"]


class PollutantView(TypedDict):
    """`mean` in ug/m3: what the index is of. `value` null with a `reason`; `level` from 1, the best.

    `of`: of which values the mean is, null without one. `raw`: the mean of raw ones.
    """

    mean: float | None
    of: Of | None
    raw: float | None
    value: float | None
    category: str | None
    level: int | None
    reason: str | None


class SensorView(PollutantView):
    """`by`: names and versions of what corrected the mean, [] for a raw one; `factors`: lowest and highest of
    the shared error's in it. `good`: readings in its hours, of which `corrected` have a corrected value."""

    by: list[str]
    factors: list[float]
    good: int
    corrected: int


class NetworkView(PollutantView):
    """`nodes` have a mean, which is of corrected values at `corrected` of them."""

    nodes: int
    corrected: int


class AirView(TypedDict):
    """`hour`: start of the last hour, UTC s, null when none was judged. `network.nodes` have a PM2.5 mean."""

    now: int
    hour: int | None
    index: dict[str, Any]
    choices: list[str]
    network: dict[str, Any]
    nodes: list[dict[str, Any]]


def air_view(journal: Path, name: str, now: int) -> AirView:
    """`name`: one of CHOICES. Raises JournalError, sqlite3.Error."""
    with closing(open_reader(journal)) as db:
        last = _newest(db, now)
        rows = [] if last is None else _slots(db, last, HOURS_OF[CHOICES[name]])
    hour = None if last is None else air.hour_start(last)
    asked = Asked(name, now if hour is None else hour)
    nodes: dict[str, list[Hourly]] = {}
    for one in rows:
        nodes.setdefault(one.node, []).append(one)
    found = {node: air.best_slot(asked, slots) for node, slots in sorted(nodes.items())}
    network = air.of_network(asked, [each for _, each in found.values()])
    return {
        "now": now,
        "hour": hour,
        "index": asked.about(),
        "choices": list(CHOICES),
        "network": {
            "worst": network.worst,
            **{each: _of_network(network, each) for each in POLLUTANTS},
            "nodes": network.taken["pm25"].good,
        },
        "nodes": [
            {
                "node": node,
                "slot": slot,
                "worst": each.worst,
                **{pollutant: _of_sensor(each, pollutant) for pollutant in POLLUTANTS},
            }
            for node, (slot, each) in found.items()
        ],
    }


def _newest(db: sqlite3.Connection, now: int) -> int | None:
    """The last hour that is over, or the one before while it is being counted."""
    over = last_hour(now)
    row = db.execute("SELECT max(hour) FROM quality_hours WHERE hour <= ?", (over,)).fetchone()
    if row[0] is None:
        return None
    return int(row[0]) if int(row[0]) >= over - 1 else over


def _slots(db: sqlite3.Connection, last: int, hours: int) -> list[Hourly]:
    means: dict[tuple[str, str], tuple[dict[int, HourMean], dict[int, HourMean]]] = {}
    for node, slot, hour, expected, have, qc, *values in db.execute(_HOURS, (last - hours, last)):
        of_slot = means.get((node, slot))
        if of_slot is None:
            of_slot = means[node, slot] = ({}, {})
        start = air.hour_start(hour)
        for each, at in zip(of_slot, (0, 5), strict=True):
            raw, corrected, n, by, factor = values[at : at + 5]
            if qc & _INCOMPLETE:
                raw = corrected = None
            each[start] = HourMean(raw, have, expected, corrected, n, by, factor)
    return [Hourly(*key, dict(zip(_IN_ROWS, each, strict=True))) for key, each in means.items()]


def _of_sensor(found: Air, each: str) -> SensorView:
    taken = found.taken[each]
    return {
        **_pollutant(found, each),
        "by": list(taken.by),
        "factors": list(taken.factors),
        "good": taken.good,
        "corrected": taken.corrected,
    }


def _of_network(found: Air, each: str) -> NetworkView:
    taken = found.taken[each]
    return {**_pollutant(found, each), "nodes": taken.good, "corrected": taken.corrected}


def _pollutant(found: Air, each: str) -> PollutantView:
    result, taken = found.results[each], found.taken[each]
    return {
        "mean": None if taken.mean is None else round(taken.mean, 2),
        "of": None if taken.mean is None else taken.of,
        "raw": None if taken.raw is None else round(taken.raw, 2),
        "value": result.value,
        "category": result.category,
        "level": found.levels[each],
        "reason": result.reason,
    }
