"""The journal's tables, and opening the file with clear words when it is not what it should be."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path
from typing import IO, Literal

from gateway.journal import spans
from gateway.journal.migrate import FIRST_VERSION, V2_ADDS, V3_ADDS, V4_ADDS, V5_ADDS, V6_ADDS, migrate
from gateway.reading import FIELDS

VERSION = 6
# SQLite waits this long for another connection's lock before it gives up.
BUSY_SECONDS = 5.0
# The write-ahead log is cut back to this after a long reader let it grow.
MOST_WAL_BYTES = 64 * 1024 * 1024
# Readings of many nodes touch as many pages of the two indexes as there are nodes, again and again. SQLite's
# defaults (2 MB, 1,000 pages) read and copy each of them at nearly every commit.
_CACHE_KIB = 65536
_CHECKPOINT_PAGES = 8000
# Set while nobody writes after an orderly stop.
CLEAN = "clean"
# A salvage writes its new file under this ending.
SALVAGE_ENDING = ".salvage"
SALVAGE = "stop the gateway and run `dustline gateway journal salvage`"

_VALUE_COLUMNS = ",\n    ".join(f"{name} REAL" for name in FIELDS)

TABLES = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE nodes (
    id INTEGER PRIMARY KEY,
    network TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (network, name)
);
-- AUTOINCREMENT: a destination's cursor counts ids, so none may ever be used twice.
-- No (node_id, boot, seq) is there twice: what is not among `extents` is new, see rows.write_extents.
CREATE TABLE readings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    received_ms INTEGER NOT NULL,
    node_id INTEGER NOT NULL REFERENCES nodes (id),
    boot INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    t INTEGER,
    tq TEXT NOT NULL,
    up INTEGER NOT NULL,
    dt INTEGER NOT NULL,
    n INTEGER NOT NULL,
    slot TEXT NOT NULL,
    model TEXT NOT NULL,
    flags TEXT NOT NULL,
    {_VALUE_COLUMNS}
);
{spans.INDEXES}
-- The newest reading of each node and slot, so that the map needs no search.
-- at = t, or the second of arrival when there is no t.
CREATE TABLE latest (
    node_id INTEGER NOT NULL,
    slot TEXT NOT NULL,
    at INTEGER NOT NULL,
    reading_id INTEGER NOT NULL,
    PRIMARY KEY (node_id, slot)
) WITHOUT ROWID;
-- Ranges of seqs held: stored or quarantined.
CREATE TABLE extents (
    node_id INTEGER NOT NULL,
    boot INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (node_id, boot, first)
) WITHOUT ROWID;
-- What a node says it has measured: the highest seq born in each boot.
CREATE TABLE claims (
    node_id INTEGER NOT NULL,
    boot INTEGER NOT NULL,
    last INTEGER NOT NULL,
    seen_ms INTEGER NOT NULL,
    PRIMARY KEY (node_id, boot)
) WITHOUT ROWID;
-- topic holds the node's name even when it is no valid one; destination is set when a destination refused.
-- fixed is a corrected message for fixed_topic; the payload stays as it came.
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    received_ms INTEGER NOT NULL,
    topic TEXT NOT NULL,
    node TEXT,
    boot INTEGER,
    seq INTEGER,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    payload BLOB NOT NULL,
    size INTEGER NOT NULL,
    destination TEXT,
    fixed TEXT,
    fixed_topic TEXT,
    replayed_ms INTEGER
);
CREATE INDEX quarantine_by_reading ON quarantine (node, boot, seq) WHERE seq IS NOT NULL;
-- boot and seen_ms: of what tells a status or health message. Of all messages: `seen`.
CREATE TABLE status (
    node_id INTEGER PRIMARY KEY,
    online INTEGER,
    boot INTEGER,
    seen_ms INTEGER,
    status TEXT,
    health TEXT
);
-- seen_ms: when the destination was last configured.
CREATE TABLE cursors (
    destination TEXT PRIMARY KEY,
    reading_id INTEGER NOT NULL,
    seen_ms INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
{V2_ADDS}
{V3_ADDS}
{V4_ADDS}
{V5_ADDS}
{V6_ADDS}
"""


class JournalError(Exception):
    """The journal cannot be used; the message says which file, why, and what to do."""


class JournalBusyError(JournalError):
    """Another process has it open for writing."""


def lock_for_writing(path: Path) -> IO[bytes]:
    """Take the journal's writer lock, held until the returned file is closed or the process ends."""
    lock_path = path.with_name(path.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = lock_path.open("ab")
    except OSError as error:
        raise JournalError(
            f"journal {path}: {error.filename} cannot be written ({error.strerror}); "
            "give the gateway's user that right, there and in its directory, or set journal.path elsewhere"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise JournalBusyError(
            f"journal {path}: another gateway has it open for writing; stop that one, or set journal.path "
            "to a file of this gateway's own"
        ) from error
    return lock


def open_writer(
    path: Path, synchronous: Literal["FULL", "NORMAL"], *, change: bool = True
) -> sqlite3.Connection:
    """Open or create the journal. The caller holds the writer lock and commits explicitly.

    A file of an older schema is brought up to date, unless `change` is False.
    """
    unfinished = path.with_name(path.name + SALVAGE_ENDING)
    if not path.exists() and unfinished.exists():
        raise JournalError(
            f"journal {path}: is gone, and {unfinished} is there: a salvage was cut off at its last step; "
            "rename that file to the journal's name"
        )
    try:
        db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise JournalError(
            f"journal {path}: cannot be opened ({error}); check the path and its rights"
        ) from error
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA synchronous = {synchronous}")
        db.execute(f"PRAGMA journal_size_limit = {MOST_WAL_BYTES}")
        db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        db.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        found = _version(db, path)
        if found is None:
            create(db)
        elif found < VERSION and change:
            migrate(db, found)
    except sqlite3.Error as error:
        db.close()
        raise JournalError(f"journal {path}: cannot be used ({error}); {advice(error)}") from error
    except JournalError:
        db.close()
        raise
    return db


def create(db: sqlite3.Connection) -> None:
    """Make the tables in an empty file. One transaction: a kill in the middle leaves it empty."""
    db.executescript(
        f"BEGIN IMMEDIATE; {TABLES}"  # noqa: S608
        f"INSERT INTO meta VALUES ('schema', '{VERSION}'), ('{CLEAN}', 'new'); COMMIT;"
    )


def check_is_there(path: Path) -> None:
    """Raises JournalError."""
    if path.is_dir():
        raise JournalError(f"journal {path}: is a directory; name the file in it")
    if not path.is_file():
        raise JournalError(
            f"journal {path}: there is no such file; has a gateway run with this configuration?"
        )


def open_reader(path: Path) -> sqlite3.Connection:
    """Open an existing journal read-only; it may be in use by a gateway."""
    check_is_there(path)
    if not os.access(path, os.R_OK):
        raise JournalError(f"journal {path}: no right to read it; run as the gateway's user")
    try:
        db = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS, isolation_level=None
        )
        found = _version(db, path)
    except sqlite3.Error as error:
        raise JournalError(f"journal {path}: cannot be read ({error}); {advice(error)}") from error
    if found is None:
        db.close()
        raise JournalError(f"journal {path}: is empty; has a gateway run with this configuration?")
    if found < VERSION:
        db.close()
        raise JournalError(
            f"journal {path}: has the older schema {found}; start the gateway once, it brings it to {VERSION}"
        )
    return db


def _version(db: sqlite3.Connection, path: Path) -> int | None:
    """The schema's version, None for an empty file; raises when this program cannot work with it."""
    tables = {str(row[0]) for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return None
    row = db.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone() if "meta" in tables else None
    if row is None:
        raise JournalError(
            f"journal {path}: is an SQLite file but not a journal; set journal.path to another file"
        )
    try:
        found = int(row[0])
    except ValueError as error:
        raise JournalError(
            f"journal {path}: its schema reads {row[0]!r}: the file is damaged: {SALVAGE}"
        ) from error
    if not FIRST_VERSION <= found <= VERSION:
        raise JournalError(
            f"journal {path}: has schema {found}, this program knows schema {VERSION}; "
            f"use the Dustline that wrote it, or set journal.path to a new file"
        )
    return found


def is_present(db: sqlite3.Connection) -> bool:
    """Whether an open journal has the present schema."""
    return db.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone() == (str(VERSION),)


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file is at fault, and not the disk's room or another program's lock."""
    return "malformed" in str(error) or "not a database" in str(error)


def advice(error: sqlite3.Error) -> str:
    if "not a database" in str(error):
        return (
            "it is no SQLite file, or its first page is destroyed: move the file away and keep it, put a "
            "backup in its place, or start again with a new one"
        )
    if is_damage(error):
        return f"the file is damaged: {SALVAGE}"
    if "full" in str(error):
        return "free disk space"
    if "readonly" in str(error):
        return (
            "run as the gateway's user, who must be able to write the file and its directory: SQLite wants "
            "that also to look into it. From a medium that cannot be written, copy it first"
        )
    return "check the path, its rights and the disk"
