"""The side file `<journal>.past.sqlite`: readings read back from InfluxDB, with their judgements.

It has the journal's own schema, so that the past is judged, kept as versions and changed by the same code.
In place of a pipeline it has pieces, hours of readings that were read; and what was asked for, so that a
command that was cut off goes on. It may be deleted: InfluxDB and another run give the same again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.journal import rows, spans
from gateway.journal.schema import VERSION, JournalError, advice, open_reader, open_writer
from gateway.quality.reprocess.past.points import Point

ENDING = ".past.sqlite"
PIECE_S = 3600
_SOURCE = "past_source"
_ADDS = """
-- Readings with hour * 3600 < t <= (hour + 1) * 3600 are here as InfluxDB had them: points counted there when
-- they were read, readings that came of them, points that are none, readings without the time of arrival.
CREATE TABLE IF NOT EXISTS past_pieces (
    hour INTEGER PRIMARY KEY,
    read_ms INTEGER NOT NULL,
    counted INTEGER NOT NULL,
    readings INTEGER NOT NULL,
    only_judged INTEGER NOT NULL,
    foreign_points INTEGER NOT NULL,
    of_others INTEGER NOT NULL,
    no_arrival INTEGER NOT NULL
);
-- Each command: what was asked, the version that came of it here, and from when on the journal's part is.
CREATE TABLE IF NOT EXISTS past_asked (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    asked TEXT NOT NULL,
    run INTEGER NOT NULL,
    journal_since INTEGER,
    done INTEGER NOT NULL DEFAULT 0
);
"""
_PUT_QUALITY = (
    "INSERT INTO quality (reading_id, version, qc, change, pm25, pm10, run) VALUES (?, 0, ?, 0, ?, ?, 0)"
)


@dataclass(frozen=True, slots=True)
class Piece:
    """An hour that was read; the columns of past_pieces."""

    hour: int
    read_ms: int
    counted: int
    readings: int
    only_judged: int
    foreign: int
    of_others: int
    no_arrival: int


def path_beside(journal: Path) -> Path:
    return journal.with_name(journal.name + ENDING)


def prepare(path: Path, source: str) -> None:
    """Make the file, or see that it is of this source: server, bucket and network. Raises JournalError."""
    if path.exists() and path.stat().st_size:
        _refuse_older(path)
    db = open_writer(path, "NORMAL")
    try:
        db.executescript(f"BEGIN IMMEDIATE; {_ADDS} COMMIT;")
        db.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (_SOURCE, source))
        (found,) = db.execute("SELECT value FROM meta WHERE key = ?", (_SOURCE,)).fetchone()
    except sqlite3.Error as error:
        raise JournalError(f"{path}: cannot be written ({error}); {advice(error)}, or delete it") from error
    finally:
        db.close()
    if found != source:
        raise JournalError(
            f"{path}: holds readings of {found}, and those of {source} are asked for; delete it, "
            "or set [influx] and network as they were"
        )


def is_there(path: Path) -> bool:
    """Whether it was made: a kill at that may have left it empty. Raises JournalError."""
    if not path.exists():
        return False
    _refuse_older(path)
    return _first(path, "SELECT 1 FROM sqlite_master WHERE name = 'past_asked'") is not None


def reader(path: Path) -> sqlite3.Connection:
    """Read-only. Raises JournalError."""
    _refuse_older(path)
    return open_reader(path)


def _refuse_older(path: Path) -> None:
    found = _first(path, "SELECT value FROM meta WHERE key = 'schema'")
    if found is not None and found != (str(VERSION),):
        raise JournalError(f"{path}: was made by another version of Dustline; delete it, it can be made anew")


def _first(path: Path, query: str) -> tuple[Any, ...] | None:
    """The first row, None also where there is no such table: a kill at its making leaves the file empty."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            return db.execute(query).fetchone()
    except sqlite3.Error as error:
        if "no such table" in str(error):
            return None
        raise JournalError(f"{path}: cannot be read ({error}); delete it, it can be made anew") from error


def pieces(db: sqlite3.Connection, first: int, last: int) -> dict[int, Piece]:
    """Those read of the hours first to last, by hour."""
    found = db.execute("SELECT * FROM past_pieces WHERE hour BETWEEN ? AND ?", (first, last))
    return {row[0]: Piece(*row) for row in found}


def write_piece(db: sqlite3.Connection, piece: Piece, network: str, points: Sequence[Point]) -> None:
    """Put an hour's readings in the place of what was there of it; who is there already keeps its number and
    its judgements. The caller holds the transaction."""
    since = piece.hour * PIECE_S
    ids = _node_ids(db, network, {each.node for each in points})
    there = {
        (int(node_id), str(slot), int(t)): int(id)
        for id, node_id, slot, t in db.execute(
            f"SELECT readings.id, node_id, slot, t FROM {spans.READINGS_OF_TIMES}"  # noqa: S608
            " WHERE t > ? AND t <= ?",
            (since, since + PIECE_S, since, since + PIECE_S),
        )
    }
    next_id = rows.last_id(db) + 1
    made: list[tuple[object, ...]] = []
    again: list[tuple[int]] = []
    judged: list[tuple[int, int, float | None, float | None]] = []
    keys: set[tuple[int, int]] = set()
    for each in sorted(points, key=lambda one: one.order):
        node_id = ids[each.node]
        id = there.pop((node_id, each.slot, each.t), None)
        if id is not None:
            again.append((id,))
        else:
            id, next_id = next_id, next_id + 1
            if each.qc is not None:
                judged.append((id, each.qc, each.pm25_cor, each.pm10_cor))
        came, *rest = each.row
        made.append((id, came, node_id, *rest))
        keys.add(spans.key(id, each.t))
    db.executemany("DELETE FROM readings WHERE id = ?", again)
    # What InfluxDB has no more.
    for table in ("readings WHERE id", "quality WHERE reading_id", "quality_aside WHERE reading_id"):
        db.executemany(f"DELETE FROM {table} = ?", [(id,) for id in there.values()])  # noqa: S608
    rows.insert_readings(db, made)
    spans.note(db, keys)
    db.executemany(_PUT_QUALITY, judged)
    db.execute(
        "INSERT OR REPLACE INTO past_pieces VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            piece.hour,
            piece.read_ms,
            piece.counted,
            piece.readings,
            piece.only_judged,
            piece.foreign,
            piece.of_others,
            piece.no_arrival,
        ),
    )


def _node_ids(db: sqlite3.Connection, network: str, names: Iterable[str]) -> dict[str, int]:
    db.executemany(
        "INSERT OR IGNORE INTO nodes (network, name) VALUES (?, ?)",
        [(network, name) for name in sorted(names)],
    )
    return {
        str(name): int(id)
        for id, name in db.execute("SELECT id, name FROM nodes WHERE network = ?", (network,))
    }


@dataclass(frozen=True, slots=True)
class Asked:
    """A command. `run` is 0 before it has a version; `journal_since`: where the journal's part begins."""

    id: int
    run: int
    journal_since: int | None


def asked(db: sqlite3.Connection, text: str) -> Asked:
    """What is known of a command that was cut off, or a new one."""
    row = db.execute(
        "SELECT id, run, journal_since FROM past_asked WHERE asked = ? AND NOT done ORDER BY id DESC LIMIT 1",
        (text,),
    ).fetchone()
    if row is not None:
        return Asked(*row)
    made = db.execute("INSERT INTO past_asked (asked, run) VALUES (?, 0)", (text,))
    return Asked(int(made.lastrowid or 0), 0, None)


def note_run(db: sqlite3.Connection, asked_id: int, run: int) -> None:
    db.execute("UPDATE past_asked SET run = ? WHERE id = ?", (run, asked_id))


def note_journal(db: sqlite3.Connection, asked_id: int, since: int) -> None:
    db.execute("UPDATE past_asked SET journal_since = ? WHERE id = ?", (since, asked_id))


def note_done(db: sqlite3.Connection, asked_id: int) -> None:
    db.execute("UPDATE past_asked SET done = 1 WHERE id = ?", (asked_id,))
