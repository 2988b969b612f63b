"""What is known of each reprocessing: its span, how far it is, whether it is in use. The table quality_runs.

    judging -> ready -> coming -> in use -> going -> ready

`coming` and `going` are half way, as after a kill; the same command finishes them. Of one reading the run
that came into use last is in use; 0 is what the stream says. Judgements not in use lie in quality_aside.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from gateway.journal import rows
from gateway.quality.checks.hours import Hour
from gateway.quality.follow import store
from gateway.quality.follow.store import Judgements

JUDGING, READY, COMING, IN_USE, GOING = "judging", "ready", "coming", "in use", "going"
STREAM = 0
_SELECT = (
    "SELECT id, made_ms, version, since, until, open_end, node, state, upto, readings, first_id, last_id"
    " FROM quality_runs"
)
_HOUR = Hour._fields
_PUT = (
    "INSERT OR REPLACE INTO quality_aside (reading_id, run, version, qc, pm25, pm10, calibration, factor)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_PUT_HOUR = (
    f"INSERT OR REPLACE INTO quality_hours_aside ({', '.join(_HOUR)}, run)"  # noqa: S608
    f" VALUES ({', '.join('?' * (len(_HOUR) + 1))})"
)
_NOTHING = (None, None, None, None)


@dataclass(frozen=True, slots=True)
class Run:
    """Readings with since < t <= until (UTC s) of `node`, "" for all. `open_end`: until was the time of its
    begin. `upto`: judged so far. `readings`, `first_id`, `last_id`: of what it has judged."""

    id: int
    made_ms: int
    version: int
    since: int
    until: int
    open_end: bool
    node: str
    state: str
    upto: int
    readings: int
    first_id: int | None
    last_id: int | None


def all_runs(db: sqlite3.Connection) -> list[Run]:
    """In the order of their numbers."""
    return [_run(row) for row in db.execute(f"{_SELECT} ORDER BY id")]


def find(db: sqlite3.Connection, id: int) -> Run | None:
    row = db.execute(f"{_SELECT} WHERE id = ?", (id,)).fetchone()
    return None if row is None else _run(row)


def unfinished(db: sqlite3.Connection, version: int, since: int, until: int | None, node: str) -> Run | None:
    """One of the same span, checks and corrections that was cut off; `until` None: that had an open end."""
    row = db.execute(
        f"{_SELECT} WHERE version = ? AND since = ? AND node = ?"
        " AND state IN (?, ?) AND (open_end AND ? IS NULL OR NOT open_end AND until = ?)"
        " ORDER BY id DESC LIMIT 1",
        (version, since, node, JUDGING, COMING, until, until),
    ).fetchone()
    return None if row is None else _run(row)


def begin(db: sqlite3.Connection, version: int, since: int, until: int, open_end: bool, node: str) -> Run:
    made = db.execute(
        "INSERT INTO quality_runs (made_ms, version, since, until, open_end, node, state, upto)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (rows.now_ms(), version, since, until, open_end, node, JUDGING, since),
    )
    found = find(db, int(made.lastrowid or 0))
    assert found is not None
    return found


def write(db: sqlite3.Connection, run: Run, what: Judgements, upto: int) -> None:
    """A piece of it, complete up to `upto`. The caller holds the transaction."""
    ids = [id for id, _ in what.qc]
    gone = _gone(db, ids)
    values = store.values_of(db, what)
    db.executemany(
        _PUT,
        [
            (id, run.id, run.version, qc, *values.get(id, _NOTHING))
            for id, qc in what.qc
            if not gone or id not in gone
        ],
    )
    db.executemany(
        "UPDATE quality_aside SET qc = qc | ? WHERE reading_id = ? AND run = ?",
        [(bits, id, run.id) for id, bits in what.added],
    )
    db.executemany(_PUT_HOUR, [(*each, run.id) for each in what.hours])
    store.write_factors(db, run.id, what)
    low, high = min(ids, default=None), max(ids, default=None)
    db.execute(
        "UPDATE quality_runs SET upto = ?, readings = readings + ?,"
        " first_id = min(coalesce(first_id, ?), coalesce(?, first_id)),"
        " last_id = max(coalesce(last_id, ?), coalesce(?, last_id)) WHERE id = ?",
        (upto, len(ids) - len(gone), low, low, high, high, run.id),
    )


def set_upto(db: sqlite3.Connection, id: int, upto: int) -> None:
    """Where judging begins, before the run's span: for what it must know, and says nothing of."""
    db.execute("UPDATE quality_runs SET upto = ? WHERE id = ?", (upto, id))


def set_state(db: sqlite3.Connection, id: int, state: str) -> None:
    db.execute("UPDATE quality_runs SET state = ? WHERE id = ?", (state, id))


def count_in_use(db: sqlite3.Connection) -> dict[int, int]:
    """Of how many readings each run's judgement is in use."""
    row = db.execute("SELECT min(first_id), max(last_id) FROM quality_runs").fetchone()
    return dict(
        db.execute(
            "SELECT run, count(*) FROM quality WHERE reading_id BETWEEN ? AND ? AND run > 0 GROUP BY run", row
        ).fetchall()
    )


def _gone(db: sqlite3.Connection, ids: list[int]) -> set[int]:
    """Readings that were pruned meanwhile."""
    row = db.execute("SELECT value FROM meta WHERE key = 'pruned_upto'").fetchone()
    if row is None or not ids or min(ids) > int(row[0]):
        return set()
    return {id for id in ids if db.execute("SELECT 1 FROM readings WHERE id = ?", (id,)).fetchone() is None}


def _run(row: tuple[int, int, int, int, int, int, str, str, int, int, int | None, int | None]) -> Run:
    return Run(*row[:5], bool(row[5]), *row[6:])
