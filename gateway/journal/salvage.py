"""Make a sound journal of a damaged one: what reads is kept under its old ids, what does not is counted.

The damaged file stays beside the new one under another name.
"""

from __future__ import annotations

import os
import sqlite3
import time
from dataclasses import dataclass, field
from pathlib import Path

from gateway import extents
from gateway.contract import MAX_SEQ
from gateway.extents import Range
from gateway.journal import rows, spans
from gateway.journal.held import Held, held_by_rows
from gateway.journal.integrity import check_fully
from gateway.journal.rescue import read_all, read_by_id, top_id
from gateway.journal.salvage_readings import NO_LONGER_UNIQUE, UNIQUE, salvage_readings
from gateway.journal.schema import (
    CLEAN,
    SALVAGE_ENDING,
    JournalError,
    check_is_there,
    create,
    lock_for_writing,
)

_BY_ID = {
    "nodes": "id",
    "quarantine": "id",
    "status": "node_id",
    "seen": "node_id",
    "quality_versions": "id",
    "quality_corrections": "id",
    "quality_runs": "id",
}
_BY_KEY = {
    "meta": "key",
    "latest": "node_id, slot",
    "claims": "node_id, boot",
    "cursors": "destination",
    "gone": "node_id, boot, was, first",
    "quarantine_dropped": "reason",
    "quality_hours": "node_id, hour, slot",
    "quality_cursors": "name",
    "quality_aside": "reading_id, run",
    "quality_hours_aside": "node_id, hour, slot, run",
    "quality_shared": "run, hour",
}


@dataclass(slots=True)
class Report:
    """`kept` and `damaged` by table: rows taken over, and places at which reading failed.

    `lost`: (node, boot, ranges) of what was held and is not any more. `oddities`: rows that went into the
    quarantine.
    """

    aside: Path
    kept: dict[str, int] = field(default_factory=dict[str, int])
    damaged: dict[str, int] = field(default_factory=dict[str, int])
    lost: list[tuple[str, int, list[Range]]] = field(default_factory=list[tuple[str, int, list[Range]]])
    oddities: int = 0

    @property
    def lost_readings(self) -> int:
        return sum(extents.total(ranges) for _, _, ranges in self.lost)


def salvage(path: Path) -> Report:
    """Put a sound file in the journal's place. Raises JournalError, and then the journal is as it was."""
    check_is_there(path)
    with lock_for_writing(path):
        fresh = path.with_name(path.name + SALVAGE_ENDING)
        aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
        _remove(fresh)
        report = Report(aside)
        try:
            _rebuild(path, fresh, report)
        except (OSError, sqlite3.Error) as error:
            _remove(fresh)
            raise JournalError(
                f"journal {path}: cannot be salvaged ({error}); that needs as much free disk as the file "
                "has, and a first page that reads. The file is as it was: move it away and put a backup in "
                "its place, or start again with a new one"
            ) from error
        _swap(path, fresh, aside)
        return report


def _rebuild(path: Path, fresh: Path, report: Report) -> None:
    old = sqlite3.connect(path, isolation_level=None)
    new = sqlite3.connect(fresh, isolation_level=None)
    try:
        # A text that is none becomes one; the row's other columns may be good.
        old.text_factory = _text
        _refuse_other_files(old)
        new.execute("PRAGMA synchronous = OFF")  # it is synced at the end, before it gets its name
        create(new)
        new.execute("BEGIN")
        for table, key in _BY_ID.items():
            _copy(old, new, table, key, report)
        for table, key in _BY_KEY.items():
            _copy(old, new, table, key, report)
        _copy_missing_nodes(old, new, report)
        new.execute(UNIQUE)
        found = salvage_readings(path, old, new)
        new.execute(NO_LONGER_UNIQUE)
        new.execute(spans.FILL)
        report.oddities = found.oddities
        _count(report, "readings", found.kept, found.damaged)
        _copy(old, new, "quality", "reading_id", report)
        _settle(old, new, report)
        new.execute("COMMIT")
        wrong = check_fully(new)
        if wrong:
            raise sqlite3.DatabaseError(f"the new file is not sound: {wrong[0]}")
    finally:
        new.close()
        old.close()


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _refuse_other_files(old: sqlite3.Connection) -> None:
    tables = {str(row[0]) for row in old.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not {"readings", "nodes", "extents"} <= tables:
        raise sqlite3.DatabaseError("it is no journal")


def _copy(old: sqlite3.Connection, new: sqlite3.Connection, table: str, key: str, report: Report) -> None:
    """Take a table over, by the columns that both files have: the old one may be of an earlier version."""
    try:
        known = [str(row[1]) for row in old.execute(f"PRAGMA table_info({table})")]
    except sqlite3.DatabaseError:
        known = []
    columns = ", ".join(row[1] for row in new.execute(f"PRAGMA table_info({table})") if row[1] in known)
    if not columns:
        return
    read = read_by_id if table in _BY_ID or table == "quality" else read_all
    insert = f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({', '.join('?' * (columns.count(',') + 1))})"  # noqa: S608
    found = read(old, table, key, columns)
    kept = 0
    for row in found:
        if table == "meta" and row[0] in ("schema", CLEAN):
            continue
        try:
            kept += new.execute(insert, row).rowcount
        except sqlite3.IntegrityError:
            found.damaged += 1
    _count(report, table, kept, found.damaged)


def _copy_missing_nodes(old: sqlite3.Connection, new: sqlite3.Connection, report: Report) -> None:
    """A node's name stands in the index, too; without it, all its readings would be nobody's."""
    if not report.damaged.get("nodes"):
        return
    index = "nodes INDEXED BY sqlite_autoindex_nodes_1"
    for row in read_all(old, index, "network, name", "id, network, name"):
        report.kept["nodes"] += new.execute("INSERT OR IGNORE INTO nodes VALUES (?, ?, ?)", row).rowcount


def _settle(old: sqlite3.Connection, new: sqlite3.Connection, report: Report) -> None:
    """What follows from the rows: the seqs held and lost, the newest reading of each slot, the next id."""
    # What is lost of it is judged anew by `dustline reprocess`; nothing measured goes with it.
    new.execute(
        "DELETE FROM quality WHERE reading_id NOT IN (SELECT id FROM readings)"
        " OR version NOT IN (SELECT id FROM quality_versions)"
    )
    new.execute(
        "DELETE FROM quality_aside WHERE reading_id NOT IN (SELECT id FROM readings)"
        " OR run NOT IN (SELECT id FROM quality_runs UNION SELECT 0)"
    )
    held = held_by_rows(new)
    for (node_id, boot), ranges in held.items():
        rows.write_extents(new, [((node_id, boot), [], ranges)])
    said = _said_to_be_held(old, report)
    names = {int(id): str(name) for id, name in new.execute("SELECT id, name FROM nodes")}
    for (node_id, boot), ranges in sorted(said.items()):
        have = held.get((node_id, boot), [])
        lost = [each for low, high in ranges for each in extents.gaps(have, low, high)]
        if lost:
            report.lost.append((names.get(node_id, f"number {node_id}"), boot, lost))
        # What was born stays born: lost readings are missing ones.
        new.execute(
            "INSERT INTO claims VALUES (?, ?, ?, 0)"
            " ON CONFLICT DO UPDATE SET last = max(last, excluded.last)",
            (node_id, boot, ranges[-1][1]),
        )
    new.execute("DELETE FROM latest")
    new.execute(
        "INSERT INTO latest SELECT node_id, slot, at, id FROM (SELECT node_id, slot, id,"
        " coalesce(t, received_ms / 1000) AS at, row_number() OVER ("
        "PARTITION BY node_id, slot ORDER BY coalesce(t, received_ms / 1000) DESC, id DESC) AS place"
        " FROM readings) WHERE place = 1"
    )
    for table in ("readings", "quarantine"):
        _keep_counting(old, new, table)


def _said_to_be_held(old: sqlite3.Connection, report: Report) -> Held:
    said: Held = {}
    found = read_all(old, "extents", "node_id, boot, first", "node_id, boot, first, last")
    for node_id, boot, first, last in sorted(found):
        if not 1 <= first <= last <= MAX_SEQ:
            continue
        said.setdefault((node_id, boot), []).append((first, last))
    if found.damaged:
        report.damaged["extents"] = found.damaged
    return said


def _keep_counting(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> None:
    """An id must never be used twice: go on behind the highest that anything knows of."""
    highest = [new.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0]]  # noqa: S608
    if table == "readings":
        highest.append(new.execute("SELECT coalesce(max(reading_id), 0) FROM cursors").fetchone()[0])
    highest += top_id(old, table).values()
    new.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
    new.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", (table, max(highest)))


def _swap(path: Path, fresh: Path, aside: Path) -> None:
    """The new file into the old one's place. A log left beside it would be taken for the new file's."""
    _sync(fresh)
    for ending in ("-wal", "-shm", ""):
        part = path.with_name(path.name + ending)
        if part.exists():
            part.rename(aside.with_name(aside.name + ending))
    fresh.rename(path)
    _sync(path.parent)


def _remove(fresh: Path) -> None:
    for ending in ("", "-journal"):
        fresh.with_name(fresh.name + ending).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _count(report: Report, table: str, kept: int, damaged: int) -> None:
    report.kept[table] = kept
    if damaged:
        report.damaged[table] = damaged
