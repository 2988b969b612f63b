"""Which run's judgements are in use: they change places with those that are, some thousand at a time.

A kill leaves some of both in use; doing it again finishes it. What comes into use is numbered as changed, so
that destinations get it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from gateway.quality.checks.hours import Hour
from gateway.quality.follow import store
from gateway.quality.reprocess import runs
from gateway.quality.reprocess.beside import Beside
from gateway.quality.reprocess.runs import COMING, GOING, IN_USE, READY, STREAM, Run

PAGE = 4000
NODES = 10
Tell = Callable[[float], None]
_ROW = "reading_id, version, qc, pm25, pm10, calibration, factor, run"
_HOUR = ", ".join((*Hour._fields, "run"))
_HOUR_OF_BOTH = "a.node_id = h.node_id AND a.hour = h.hour AND a.slot = h.slot"
_COME = (
    f"INSERT OR REPLACE INTO quality ({_ROW}, change)"  # noqa: S608
    f" SELECT {_ROW}, ? + row_number() OVER (ORDER BY reading_id) FROM quality_aside"
    " WHERE reading_id > ? AND reading_id <= ? AND run = ?"
)


def use(
    beside: Beside, run: Run, tell: Tell = lambda _: None, carry: Callable[[], None] = lambda: None
) -> None:
    """Bring a run into use, where it has judged. `carry` carries it on; until it has, the run is half way."""
    with beside.writing() as db:
        runs.set_state(db, run.id, COMING)
    at, last = (run.first_id or 1) - 1, run.last_id or 0
    whole = max(1, last - at)
    while at < last:
        with beside.writing() as db:
            upto = _page(db, at, last, run.id)
            db.execute(
                f"INSERT OR REPLACE INTO quality_aside ({_ROW})"  # noqa: S608
                f" SELECT {', '.join('q.' + name for name in _ROW.split(', '))} FROM quality_aside a"
                " JOIN quality q ON q.reading_id = a.reading_id"
                " WHERE a.reading_id > ? AND a.reading_id <= ? AND a.run = ? AND q.run <> a.run",
                (at, upto, run.id),
            )
            _come(db, at, upto, run.id)
        at = upto
        tell(1 - (last - at) / whole)
    for nodes in _nodes(beside, run.id):
        with beside.writing() as db:
            for node_id in nodes:
                db.execute(
                    f"INSERT OR REPLACE INTO quality_hours_aside ({_HOUR})"  # noqa: S608
                    f" SELECT {', '.join('h.' + name for name in _HOUR.split(', '))}"
                    f" FROM quality_hours_aside a JOIN quality_hours h ON {_HOUR_OF_BOTH}"
                    " WHERE a.node_id = ? AND a.run = ? AND h.run <> a.run",
                    (node_id, run.id),
                )
                _come_hours(db, node_id, run.id)
    carry()
    with beside.writing() as db:
        runs.set_state(db, run.id, IN_USE)


def use_stream(
    beside: Beside, tell: Tell = lambda _: None, carry: Callable[[], None] = lambda: None
) -> list[Run]:
    """Bring what the stream said into use again, everywhere; the runs that were in use. `carry`: see use."""
    with beside.writing() as db:
        going = [each for each in runs.all_runs(db) if each.state in (IN_USE, COMING, GOING)]
        for each in going:
            runs.set_state(db, each.id, GOING)
    at = min([each.first_id for each in going if each.first_id], default=1) - 1
    last = max([each.last_id for each in going if each.last_id], default=0)
    whole = max(1, last - at)
    while at < last:
        upto = min(last, at + PAGE)
        with beside.writing() as db:
            span = (at, upto)
            db.execute(
                f"INSERT OR REPLACE INTO quality_aside ({_ROW}) SELECT {_ROW} FROM quality"  # noqa: S608
                " WHERE reading_id > ? AND reading_id <= ? AND run > 0",
                span,
            )
            db.execute("DELETE FROM quality WHERE reading_id > ? AND reading_id <= ? AND run > 0", span)
            _come(db, at, upto, STREAM)
        at = upto
        tell(1 - (last - at) / whole)
    for nodes in _nodes(beside, None):
        with beside.writing() as db:
            for node_id in nodes:
                db.execute(
                    f"INSERT OR REPLACE INTO quality_hours_aside ({_HOUR}) SELECT {_HOUR}"  # noqa: S608
                    " FROM quality_hours WHERE node_id = ? AND run > 0",
                    (node_id,),
                )
                db.execute("DELETE FROM quality_hours WHERE node_id = ? AND run > 0", (node_id,))
                _come_hours(db, node_id, STREAM)
    carry()
    with beside.writing() as db:
        for each in going:
            runs.set_state(db, each.id, READY)
    return going


def drop(beside: Beside, run: Run, tell: Tell = lambda _: None) -> None:
    """Forget a run that is nowhere in use."""
    at, last = (run.first_id or 1) - 1, run.last_id or 0
    whole = max(1, last - at)
    while at < last:
        upto = min(last, at + PAGE)
        with beside.writing() as db:
            db.execute(
                "DELETE FROM quality_aside WHERE reading_id > ? AND reading_id <= ? AND run = ?",
                (at, upto, run.id),
            )
        at = upto
        tell(1 - (last - at) / whole)
    with beside.writing() as db:
        db.execute("DELETE FROM quality_hours_aside WHERE run = ?", (run.id,))
        db.execute("DELETE FROM quality_shared WHERE run = ?", (run.id,))
        db.execute("DELETE FROM quality_runs WHERE id = ?", (run.id,))


def _page(db: sqlite3.Connection, at: int, last: int, run: int) -> int:
    """The id with which the next PAGE judgements of a run behind `at` end."""
    row = db.execute(
        "SELECT reading_id FROM quality_aside WHERE reading_id > ? AND reading_id <= ? AND run = ?"
        " ORDER BY reading_id LIMIT 1 OFFSET ?",
        (at, last, run, PAGE - 1),
    ).fetchone()
    return last if row is None else int(row[0])


def _come(db: sqlite3.Connection, at: int, upto: int, run: int) -> None:
    """From aside into use, with new numbers of change."""
    change = store.cursor(db, store.CHANGE) or 0
    came = db.execute(_COME, (change, at, upto, run)).rowcount
    db.execute(
        "DELETE FROM quality_aside WHERE reading_id > ? AND reading_id <= ? AND run = ?", (at, upto, run)
    )
    store.set_cursor(db, store.CHANGE, change + came)


def _come_hours(db: sqlite3.Connection, node_id: int, run: int) -> None:
    db.execute(
        f"INSERT OR REPLACE INTO quality_hours ({_HOUR}) SELECT {_HOUR} FROM quality_hours_aside"  # noqa: S608
        " WHERE node_id = ? AND run = ?",
        (node_id, run),
    )
    db.execute("DELETE FROM quality_hours_aside WHERE node_id = ? AND run = ?", (node_id, run))


def _nodes(beside: Beside, run: int | None) -> list[list[int]]:
    """Numbers of the nodes that have hours aside of a run, or of all nodes: some at a time."""
    with beside.writing() as db:
        found = db.execute(
            "SELECT id FROM nodes WHERE ? IS NULL OR EXISTS (SELECT 1 FROM quality_hours_aside"
            " WHERE node_id = nodes.id AND run = ?) ORDER BY id",
            (run, run),
        ).fetchall()
    numbers = [int(id) for (id,) in found]
    return [numbers[at : at + NODES] for at in range(0, len(numbers), NODES)]
