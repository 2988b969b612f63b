"""Samples out of the journal, judgements into it. Readings are never changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gateway.journal import rows
from gateway.journal.spans import READINGS_OF_TIMES
from gateway.quality.calibration.shared import Shared
from gateway.quality.checks.bits import PROVISIONAL
from gateway.quality.checks.hours import Hour
from gateway.quality.checks.judge import Version
from gateway.quality.checks.sample import COLUMNS, Sample
from gateway.quality.corrected.corrector import Made

JUDGED = "judged"
CHANGE = "change"
_SELECT = f"SELECT {COLUMNS} FROM readings JOIN nodes ON nodes.id = readings.node_id"  # noqa: S608
_WIDTH = len(Sample._fields)
# Corrected values in use, beside readings.
_MADE = "quality.pm25, quality.pm10, by.pm25, by.pm10, factor"
_WITH_MADE = (
    "LEFT JOIN quality ON quality.reading_id = readings.id"
    " LEFT JOIN quality_corrections AS by ON by.id = quality.calibration"
)
_HOUR = Hour._fields
_UPSERT = (
    "INSERT OR REPLACE INTO quality (reading_id, version, qc, change, pm25, pm10, calibration, factor)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_NOTHING = (None, None, None, None)
_PUT_HOUR = (
    f"INSERT OR REPLACE INTO quality_hours ({', '.join(_HOUR)}) VALUES ({', '.join('?' * len(_HOUR))})"  # noqa: S608
)
# Of an hour that is counted anew, what the neighbours had stays.
_PUT_HOUR_AGAIN = (
    f"INSERT INTO quality_hours ({', '.join(_HOUR)}) VALUES ({', '.join('?' * len(_HOUR))})"  # noqa: S608
    " ON CONFLICT DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _HOUR[3:] if not name.startswith("near"))
    + ", run = 0"
)


@dataclass(slots=True)
class Judgements:
    """What one transaction writes. `qc` by reading; `made`: corrected values of those that have some; `added`
    bits of readings judged before; `factors`: of the shared error, by hour.

    `upto` moves the cursor. `again`: the hours were counted before.
    """

    qc: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    added: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    hours: list[Hour] = field(default_factory=list[Hour])
    made: dict[int, Made] = field(default_factory=dict[int, Made])
    factors: list[tuple[int, Shared]] = field(default_factory=list[tuple[int, Shared]])
    again: bool = False
    upto: int | None = None

    def __bool__(self) -> bool:
        return bool(self.qc or self.added or self.hours or self.factors or self.upto is not None)


@dataclass(slots=True)
class Span:
    """Times (UTC s) of a node's readings that came late."""

    since: int
    until: int


def samples_after(db: sqlite3.Connection, id: int, limit: int) -> list[Sample]:
    """In the order of ids, which is that of arrival."""
    query = f"{_SELECT} WHERE readings.id > ? ORDER BY readings.id LIMIT ?"
    return list(map(Sample._make, db.execute(query, (id, limit))))


def judged_samples_after(db: sqlite3.Connection, id: int, limit: int) -> list[tuple[Sample, Made | None]]:
    """The same, with the corrected values in use."""
    query = (
        f"SELECT {COLUMNS}, {_MADE} FROM readings JOIN nodes ON nodes.id = readings.node_id {_WITH_MADE}"  # noqa: S608
        " WHERE readings.id > ? ORDER BY readings.id LIMIT ?"
    )
    return [(Sample._make(row[:_WIDTH]), _made(row[_WIDTH:])) for row in db.execute(query, (id, limit))]


def samples_between(db: sqlite3.Connection, since: int, until: int) -> list[Sample]:
    """Of all nodes those with since < t <= until (UTC s), in the order of (t, id)."""
    query = (
        f"SELECT {COLUMNS} FROM {READINGS_OF_TIMES} JOIN nodes ON nodes.id = readings.node_id"  # noqa: S608
        " WHERE readings.t > ? AND readings.t <= ? ORDER BY readings.t, readings.id"
    )
    return list(map(Sample._make, db.execute(query, (since, until, since, until))))


def has_readings(db: sqlite3.Connection, since: int, until: int, node: str = "") -> bool:
    """Whether there are any with since < t <= until (UTC s), of one node or of all."""
    query = (
        f"SELECT 1 FROM nodes CROSS JOIN {READINGS_OF_TIMES} WHERE (? = '' OR nodes.name = ?)"  # noqa: S608
        " AND readings.node_id = nodes.id AND readings.t > ? AND readings.t <= ? LIMIT 1"
    )
    return db.execute(query, (since, until, node, node, since, until)).fetchone() is not None


def samples_of_node(
    db: sqlite3.Connection, node_id: int, after: tuple[int, int], until: int, upto_id: int, limit: int
) -> list[tuple[Sample, int | None, Made | None]]:
    """In the order of (t, id), from behind `after`, with t <= until and id <= upto_id; with their qc and
    corrected values in use."""
    query = (
        f"SELECT {COLUMNS}, {_MADE}, quality.qc FROM readings"  # noqa: S608
        f" JOIN nodes ON nodes.id = readings.node_id {_WITH_MADE}"
        f" WHERE readings.id IN (SELECT readings.id FROM {READINGS_OF_TIMES}"
        " WHERE readings.node_id = ? AND readings.t >= ? AND readings.t <= ?"
        " AND (readings.t > ? OR readings.id > ?) AND readings.id <= ?"
        " ORDER BY readings.t, readings.id LIMIT ?) ORDER BY readings.t, readings.id"
    )
    t, id = after
    found = db.execute(query, (t, until, node_id, t, until, t, id, upto_id, limit))
    return [(Sample._make(row[:_WIDTH]), row[-1], _made(row[_WIDTH:-1])) for row in found]


def cursor(db: sqlite3.Connection, name: str) -> int | None:
    row = db.execute("SELECT at FROM quality_cursors WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row[0])


def set_cursor(db: sqlite3.Connection, name: str, at: int) -> None:
    db.execute("INSERT OR REPLACE INTO quality_cursors VALUES (?, ?)", (name, at))


def provisional(db: sqlite3.Connection) -> dict[int, Span]:
    """By node_id, what is still to be judged anew."""
    query = (
        "SELECT node_id, min(t), max(t) FROM quality JOIN readings ON readings.id = quality.reading_id"  # noqa: S608
        f" WHERE quality.qc & {PROVISIONAL} AND t IS NOT NULL GROUP BY node_id"
    )
    return {int(node_id): Span(first, last) for node_id, first, last in db.execute(query)}


def hours_since(db: sqlite3.Connection, hour: int, run: int = 0) -> Iterable[tuple[Hour, str]]:
    """The hours from that one on with their nodes' names, in the order of hours: those in use, or a run's own
    in place of them.
    """
    columns = ", ".join(f"h.{name}" for name in _HOUR)
    select = f"SELECT {columns}, nodes.name FROM {{}} h JOIN nodes ON nodes.id = node_id WHERE hour >= :hour"  # noqa: S608
    query = select.format("quality_hours")
    if run:
        own = "quality_hours_aside"
        query += (
            f" AND NOT EXISTS (SELECT 1 FROM {own} a WHERE a.run = :run AND a.node_id = h.node_id"  # noqa: S608
            f" AND a.hour = h.hour AND a.slot = h.slot) UNION ALL {select.format(own)} AND h.run = :run"
        )
    for *row, name in db.execute(f"{query} ORDER BY hour", {"hour": hour, "run": run}):
        yield Hour._make(row), str(name)


def newest_hour(db: sqlite3.Connection) -> int:
    row = db.execute("SELECT max(hour) FROM quality_hours").fetchone()
    return int(row[0] or 0)


def factors_of(db: sqlite3.Connection, run: int) -> list[tuple[int, Shared]]:
    """By hour, what that run took for the shared error; 0 is the stream."""
    found = db.execute("SELECT hour, factor, hours FROM quality_shared WHERE run = ?", (run,))
    return [(int(hour), Shared(factor, hours)) for hour, factor, hours in found]


def write(db: sqlite3.Connection, version: Version, what: Judgements) -> None:
    """What the stream judged. The caller holds the transaction."""
    number = version_id(db, version)
    change = (cursor(db, CHANGE) or 0) + 1
    judged = _still_there(db, what.qc)
    values = values_of(db, what)
    db.executemany(
        _UPSERT,
        [(id, number, qc, change + i, *values.get(id, _NOTHING)) for i, (id, qc) in enumerate(judged)],
    )
    change += len(judged)
    db.executemany(
        "UPDATE quality SET qc = qc | ?, change = ? WHERE reading_id = ?",
        [(bits, change + i, id) for i, (id, bits) in enumerate(what.added)],
    )
    change += len(what.added)
    db.executemany(_PUT_HOUR_AGAIN if what.again else _PUT_HOUR, what.hours)
    _forget_aside(db, judged, what.hours)
    write_factors(db, 0, what)
    if judged or what.added:
        set_cursor(db, CHANGE, change - 1)
    if what.upto is not None:
        set_cursor(db, JUDGED, what.upto)


def write_factors(db: sqlite3.Connection, run: int, what: Judgements) -> None:
    db.executemany(
        "INSERT OR REPLACE INTO quality_shared VALUES (?, ?, ?, ?)",
        [(run, hour, found.factor, found.hours) for hour, found in what.factors],
    )


def values_of(
    db: sqlite3.Connection, what: Judgements
) -> dict[int, tuple[float | None, float | None, int, float | None]]:
    """The columns pm25, pm10, calibration and factor, by reading."""
    numbers: dict[tuple[str, str], int] = {}
    for by in {each.by for each in what.made.values()}:
        db.execute("INSERT OR IGNORE INTO quality_corrections (pm25, pm10) VALUES (?, ?)", by)
        row = db.execute("SELECT id FROM quality_corrections WHERE pm25 = ? AND pm10 = ?", by).fetchone()
        numbers[by] = int(row[0])
    return {id: (it.pm25, it.pm10, numbers[it.by], it.factor) for id, it in what.made.items()}


def _made(row: tuple[float | None, float | None, str | None, str | None, float | None]) -> Made | None:
    """Of the columns _MADE."""
    pm25, pm10, by25, by10, factor = row
    return None if by25 is None or by10 is None else Made(pm25, pm10, (by25, by10), factor)


def _forget_aside(db: sqlite3.Connection, judged: Sequence[tuple[int, int]], hours: Sequence[Hour]) -> None:
    """What the stream said of these before, if a reprocessing has put it aside: it has just said it anew."""
    if db.execute("SELECT 1 FROM quality_runs LIMIT 1").fetchone() is None:
        return
    db.executemany("DELETE FROM quality_aside WHERE reading_id = ? AND run = 0", [(id,) for id, _ in judged])
    db.executemany(
        "DELETE FROM quality_hours_aside WHERE node_id = ? AND slot = ? AND hour = ? AND run = 0",
        [each[:3] for each in hours],
    )


def version_id(db: sqlite3.Connection, version: Version) -> int:
    """Its number, a new one if it is new."""
    found = db.execute("SELECT id FROM quality_versions WHERE hash = ?", (version.hash,)).fetchone()
    if found is None:
        made = db.execute(
            "INSERT INTO quality_versions (hash, checks, made_ms) VALUES (?, ?, ?)",
            (version.hash, version.checks, rows.now_ms()),
        )
        return int(made.lastrowid or 0)
    return int(found[0])


def _still_there(db: sqlite3.Connection, judged: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    """Without those that were pruned meanwhile."""
    row = db.execute("SELECT value FROM meta WHERE key = 'pruned_upto'").fetchone()
    if row is None or not judged or min(judged)[0] > int(row[0]):
        return judged
    return [
        each
        for each in judged
        if db.execute("SELECT 1 FROM readings WHERE id = ?", (each[0],)).fetchone() is not None
    ]


def qc_of_run(db: sqlite3.Connection, run: int, reading_id: int, in_use: int | None) -> int | None:
    """What a run says of a reading, or what is in use where it says nothing."""
    if not run:
        return in_use
    row = db.execute(
        "SELECT qc FROM quality_aside WHERE reading_id = ? AND run = ?", (reading_id, run)
    ).fetchone()
    return in_use if row is None else int(row[0])
