"""What /api/air answers: the air now of each node and of the network, by one index."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, TypedDict

from gateway.journal.schema import open_reader
from gateway.quality import air
from gateway.quality.air import CHOICES, HOURS_OF, Air, Asked, Hourly
from gateway.quality.checks.bits import QC_BITS
from gateway.quality.indices import POLLUTANTS
from gateway.quality.means import Mean, needed
from gateway.stations.judgements import last_hour

_HOURS = (
    "SELECT nodes.name, slot, hour, expected, have, pm25, pm10, qc FROM quality_hours"
    " JOIN nodes ON nodes.id = node_id WHERE hour > ? AND hour <= ?"
)
_INCOMPLETE = QC_BITS["incomplete"]


class PollutantView(TypedDict):
    """`mean` in ug/m3: what the index is of. `value` null with a `reason`; `level` from 1, the best."""

    mean: float | None
    value: float | None
    category: str | None
    level: int | None
    reason: str | None


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
    network, count = air.of_network(asked, [each for _, each in found.values()])
    return {
        "now": now,
        "hour": hour,
        "index": asked.about(),
        "choices": list(CHOICES),
        "network": {**_view(network), "nodes": count},
        "nodes": [{"node": node, "slot": slot, **_view(each)} for node, (slot, each) in found.items()],
    }


def _newest(db: sqlite3.Connection, now: int) -> int | None:
    """The last hour that is over, or the one before while it is being counted."""
    over = last_hour(now)
    row = db.execute("SELECT max(hour) FROM quality_hours WHERE hour <= ?", (over,)).fetchone()
    if row[0] is None:
        return None
    return int(row[0]) if int(row[0]) >= over - 1 else over


def _slots(db: sqlite3.Connection, last: int, hours: int) -> list[Hourly]:
    means: dict[tuple[str, str], dict[str, dict[int, Mean]]] = {}
    for node, slot, hour, expected, have, pm25, pm10, qc in db.execute(_HOURS, (last - hours, last)):
        of_slot = means.setdefault((node, slot), {each: {} for each in POLLUTANTS})
        start = air.hour_start(hour)
        for each, value in (("pm25", pm25), ("pm10", pm10)):
            kept = None if qc & _INCOMPLETE else value
            of_slot[each][start] = Mean(start, kept, have, expected, needed(expected))
    return [Hourly(node, slot, of_slot) for (node, slot), of_slot in means.items()]


def _view(found: Air) -> dict[str, Any]:
    return {"worst": found.worst, **{each: _pollutant(found, each) for each in POLLUTANTS}}


def _pollutant(found: Air, each: str) -> PollutantView:
    result, mean = found.results[each], found.mean[each]
    return {
        "mean": None if mean is None else round(mean, 2),
        "value": result.value,
        "category": result.category,
        "level": found.levels[each],
        "reason": result.reason,
    }
