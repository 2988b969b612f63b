"""Is the file sound? A glance after an orderly stop, a bounded look after a crash, all of it on demand."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gateway.journal import spans
from gateway.journal.held import held_by_rows, read_all_extents
from gateway.journal.schema import CLEAN, JournalError, advice, is_damage

# The start waits for no more than that; some million of the newest readings.
START_SECONDS = 5.0
_STEP = 5000
_SMALL_TABLES = (
    *("meta", "nodes", "latest", "extents", "claims", "status", "cursors", "gone", "quarantine"),
    *("quality_versions", "quality_cursors", "quality_corrections", "quality_runs", "quality_shared"),
    *("spans", "seen"),
)
_TELL = 20


class DamagedError(JournalError):
    """The file is damaged; the message has the command to run."""


@dataclass(slots=True, frozen=True)
class StartCheck:
    """`orderly`: after an orderly stop a glance is enough. `complete`: nothing was left unread for time."""

    orderly: bool
    complete: bool
    seconds: float


def check_at_start(db: sqlite3.Connection, path: Path, limit_s: float = START_SECONDS) -> StartCheck:
    """Look at the file as closely as its last end asks for, and take the mark of an orderly stop away.

    Raises DamagedError.
    """
    began = time.monotonic()
    try:
        orderly = _take_mark(db)
        complete = _glance(db) if orderly else _look(db, began + limit_s)
    except sqlite3.Error as error:
        if not is_damage(error):
            raise JournalError(f"journal {path}: cannot be checked ({error}); {advice(error)}") from error
        raise DamagedError(f"journal {path}: {error}; {advice(error)}") from error
    return StartCheck(orderly, complete, time.monotonic() - began)


def mark_clean(db: sqlite3.Connection) -> None:
    """The last thing to be written. Without it, as on a full disk, the next start looks closely."""
    with suppress(sqlite3.Error):
        db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (CLEAN, str(int(time.time()))))


def _take_mark(db: sqlite3.Connection) -> bool:
    found = db.execute("SELECT 1 FROM meta WHERE key = ?", (CLEAN,)).fetchone()
    if found is not None:
        db.execute("DELETE FROM meta WHERE key = ?", (CLEAN,))
    return found is not None


def glance(db: sqlite3.Connection, path: Path) -> None:
    """The look that a start takes after an orderly stop, which changes nothing. Raises DamagedError."""
    try:
        _glance(db)
    except sqlite3.Error as error:
        if is_damage(error):
            raise DamagedError(f"journal {path}: {error}; {advice(error)}") from error
        raise JournalError(f"journal {path}: cannot be read ({error}); {advice(error)}") from error


def _glance(db: sqlite3.Connection) -> bool:
    """Touch every table, and the newest readings, where the next go. SQLite itself sees a cut-off file."""
    for table in _SMALL_TABLES:
        db.execute(f"SELECT * FROM {table} LIMIT 1").fetchall()  # noqa: S608
    db.execute("SELECT * FROM readings ORDER BY id DESC LIMIT 100").fetchall()
    db.execute("SELECT * FROM quality ORDER BY reading_id DESC LIMIT 100").fetchall()
    return True


def _look(db: sqlite3.Connection, deadline: float) -> bool:
    """Check the small tables, then the readings, newest first: a crash hits what was written last.

    SQLite's own check of a table of readings cannot be stopped on the way, so it is not used for that one.
    """
    with _until(db, deadline):
        for table in _SMALL_TABLES:
            for (text,) in db.execute(f"PRAGMA quick_check({table})"):
                if text != "ok":
                    raise sqlite3.DatabaseError(f"database disk image is malformed: {table}: {text}")
        below = 1 + (db.execute("SELECT max(id) FROM readings").fetchone()[0] or 0)
        while below > 1:
            below = _read_below(db, below)
        return True
    return False


def _read_below(db: sqlite3.Connection, below: int) -> int:
    """Read a step of readings whole, and find each by its identity; the lowest id read."""
    # The last column: SQLite goes through all before it. In SQL, not row by row in Python: ten times as fast.
    found, lowest, highest, _ = db.execute(
        "SELECT count(*), min(id), max(id), total(length(flags)) + total(press)"
        " FROM (SELECT id, flags, press FROM readings WHERE id < ? ORDER BY id DESC LIMIT ?)",
        (below, _STEP),
    ).fetchone()
    if not found:
        return 0
    (indexed,) = db.execute(
        "SELECT count(*) FROM readings a CROSS JOIN readings b INDEXED BY readings_by_span"  # noqa: S608
        f" ON b.id >> {spans.SPAN_BITS} = a.id >> {spans.SPAN_BITS} AND b.node_id = a.node_id"
        " AND b.boot = a.boot AND b.seq = a.seq AND b.id = a.id WHERE a.id BETWEEN ? AND ?",
        (lowest, highest),
    ).fetchone()
    if indexed != found:
        raise sqlite3.DatabaseError("database disk image is malformed: readings are missing in their index")
    return int(lowest)


@contextmanager
def _until(db: sqlite3.Connection, deadline: float) -> Generator[None]:
    """Stop what runs at the deadline, without an error."""
    db.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
    try:
        yield
    except sqlite3.OperationalError as error:
        if "interrupted" not in str(error):
            raise
    finally:
        db.set_progress_handler(None, 0)


def check_fully(db: sqlite3.Connection) -> list[str]:
    """Every page, every index, and whether the tables agree with each other; what is wrong, [] when sound."""
    try:
        found = [str(text) for (text,) in db.execute(f"PRAGMA integrity_check({_TELL})")]
        if found != ["ok"]:
            return found
        return _disagreements(db)
    except sqlite3.Error as error:
        return [str(error)]


def _disagreements(db: sqlite3.Connection) -> list[str]:
    wrong: list[str] = []
    (homeless,) = db.execute(
        "SELECT count(*) FROM readings WHERE node_id NOT IN (SELECT id FROM nodes)"
    ).fetchone()
    if homeless:
        wrong.append(f"{homeless} readings are of no known node")
    (baseless,) = db.execute(
        "SELECT count(*) FROM quality WHERE reading_id NOT IN (SELECT id FROM readings)"
        " OR version NOT IN (SELECT id FROM quality_versions)"
    ).fetchone()
    if baseless:
        wrong.append(f"{baseless} judgements are of no reading or by no known checks")
    (baseless,) = db.execute(
        "SELECT count(*) FROM quality_aside WHERE reading_id NOT IN (SELECT id FROM readings)"
        " OR run NOT IN (SELECT id FROM quality_runs UNION SELECT 0)"
    ).fetchone()
    if baseless:
        wrong.append(f"{baseless} judgements that are not in use are of no reading or of no known run")
    unnoted = spans.unnoted(db)
    if unnoted:
        wrong.append(f"{unnoted} hours of readings cannot be found by their time")
    doubled: list[tuple[int, int, int]] = []
    said, true = read_all_extents(db), held_by_rows(db, doubled)
    wrong += [
        f"node {node_id} boot {boot}: seq {seq} is stored twice" for node_id, boot, seq in doubled[:_TELL]
    ]
    for node_id, boot in sorted(said.keys() | true.keys()):
        if said.get((node_id, boot)) != true.get((node_id, boot)):
            wrong.append(f"node {node_id} boot {boot}: the seqs said to be held are not those that are")
    return wrong[:_TELL]
