"""Samples out of the journal, judgements into it. Readings are never changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gateway.journal import rows
from gateway.journal.spans import READINGS_OF_TIMES
from gateway.quality.checks.bits import PROVISIONAL
from gateway.quality.checks.hours import Hour
from gateway.quality.checks.judge import Version
from gateway.quality.checks.sample import COLUMNS, Sample

JUDGED = "judged"
_CHANGE = "change"
_SELECT = f"SELECT {COLUMNS} FROM readings JOIN nodes ON nodes.id = readings.node_id"  # noqa: S608
_HOUR = Hour._fields
_UPSERT = (
    "INSERT INTO quality (reading_id, version, qc, change) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
    " version = excluded.version, qc = excluded.qc, change = excluded.change"
)
_PUT_HOUR = (
    f"INSERT OR REPLACE INTO quality_hours ({', '.join(_HOUR)}) VALUES ({', '.join('?' * len(_HOUR))})"  # noqa: S608
)
# Of an hour that is counted anew, what the neighbours had stays.
_PUT_HOUR_AGAIN = (
    f"INSERT INTO quality_hours ({', '.join(_HOUR)}) VALUES ({', '.join('?' * len(_HOUR))})"  # noqa: S608
    " ON CONFLICT DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _HOUR[3:] if not name.startswith("near"))
)


@dataclass(slots=True)
class Judgements:
    """What one transaction writes. `qc` by reading; `added` bits of readings judged before.

    `upto` moves the cursor. `again`: the hours were counted before.
    """

    qc: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    added: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    hours: list[Hour] = field(default_factory=list[Hour])
    again: bool = False
    upto: int | None = None

    def __bool__(self) -> bool:
        return bool(self.qc or self.added or self.hours or self.upto is not None)


@dataclass(slots=True)
class Span:
    """Times (UTC s) of a node's readings that came late."""

    since: int
    until: int


def samples_after(db: sqlite3.Connection, id: int, limit: int) -> list[Sample]:
    """In the order of ids, which is that of arrival."""
    query = f"{_SELECT} WHERE readings.id > ? ORDER BY readings.id LIMIT ?"
    return list(map(Sample._make, db.execute(query, (id, limit))))


def samples_between(db: sqlite3.Connection, since: int, until: int) -> list[Sample]:
    """Of all nodes those with since < t <= until (UTC s), in the order of (t, id)."""
    query = (
        f"SELECT {COLUMNS} FROM {READINGS_OF_TIMES} JOIN nodes ON nodes.id = readings.node_id"  # noqa: S608
        " WHERE readings.t > ? AND readings.t <= ? ORDER BY readings.t, readings.id"
    )
    return list(map(Sample._make, db.execute(query, (since, until, since, until))))


def samples_of_node(
    db: sqlite3.Connection, node_id: int, after: tuple[int, int], until: int, upto_id: int, limit: int
) -> list[tuple[Sample, int | None]]:
    """In the order of (t, id), from behind `after`, with t <= until and id <= upto_id; with their qc."""
    query = (
        f"SELECT {COLUMNS}, quality.qc FROM readings"  # noqa: S608
        " JOIN nodes ON nodes.id = readings.node_id LEFT JOIN quality ON quality.reading_id = readings.id"
        f" WHERE readings.id IN (SELECT readings.id FROM {READINGS_OF_TIMES}"
        " WHERE readings.node_id = ? AND readings.t >= ? AND readings.t <= ?"
        " AND (readings.t > ? OR readings.id > ?) AND readings.id <= ?"
        " ORDER BY readings.t, readings.id LIMIT ?) ORDER BY readings.t, readings.id"
    )
    t, id = after
    found = db.execute(query, (t, until, node_id, t, until, t, id, upto_id, limit))
    return [(Sample._make(row[:-1]), row[-1]) for row in found]


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


def hours_since(db: sqlite3.Connection, hour: int) -> Iterable[tuple[Hour, str]]:
    """The hours from that one on with their nodes' names, in the order of hours."""
    columns = ", ".join(f"quality_hours.{name}" for name in _HOUR)
    query = (
        f"SELECT {columns}, nodes.name FROM quality_hours JOIN nodes ON nodes.id = node_id"  # noqa: S608
        " WHERE hour >= ? ORDER BY hour"
    )
    for *row, name in db.execute(query, (hour,)):
        yield Hour._make(row), str(name)


def newest_hour(db: sqlite3.Connection) -> int:
    row = db.execute("SELECT max(hour) FROM quality_hours").fetchone()
    return int(row[0] or 0)


def write(db: sqlite3.Connection, version: Version, what: Judgements) -> None:
    """The caller holds the transaction."""
    number = _version_id(db, version)
    change = (cursor(db, _CHANGE) or 0) + 1
    judged = _still_there(db, what.qc)
    db.executemany(_UPSERT, [(id, number, qc, change + i) for i, (id, qc) in enumerate(judged)])
    change += len(judged)
    db.executemany(
        "UPDATE quality SET qc = qc | ?, change = ? WHERE reading_id = ?",
        [(bits, change + i, id) for i, (id, bits) in enumerate(what.added)],
    )
    change += len(what.added)
    db.executemany(_PUT_HOUR_AGAIN if what.again else _PUT_HOUR, what.hours)
    if judged or what.added:
        set_cursor(db, _CHANGE, change - 1)
    if what.upto is not None:
        set_cursor(db, JUDGED, what.upto)


def _version_id(db: sqlite3.Connection, version: Version) -> int:
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
