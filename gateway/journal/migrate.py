"""From the journal of an older Dustline to the present one, in one transaction, without copying readings."""

from __future__ import annotations

import re
import sqlite3

import structlog

from gateway.journal import spans

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.journal")

FIRST_VERSION = 1

# The tables that version 2 has more than version 1.
V2_ADDS = """
-- What was held and has gone because the journal or the quarantine is bounded: ranges of seqs, by what they
-- were, 'stored' or 'quarantined'. newest_t is the latest time among the readings of a range.
CREATE TABLE gone (
    node_id INTEGER NOT NULL,
    boot INTEGER NOT NULL,
    was TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    newest_t INTEGER,
    PRIMARY KEY (node_id, boot, was, first)
) WITHOUT ROWID;
-- Entries that the quarantine's bound has pushed out.
CREATE TABLE quarantine_dropped (
    reason TEXT PRIMARY KEY,
    entries INTEGER NOT NULL,
    last_ms INTEGER NOT NULL
) WITHOUT ROWID;
-- What another program asks of the gateway that has the journal open; the gateway writes the answer.
CREATE TABLE requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    asked_ms INTEGER NOT NULL,
    request TEXT NOT NULL,
    answer TEXT
);"""

_TO_2 = f"""
ALTER TABLE quarantine ADD COLUMN fixed TEXT;
ALTER TABLE quarantine ADD COLUMN fixed_topic TEXT;
ALTER TABLE quarantine ADD COLUMN replayed_ms INTEGER;
ALTER TABLE cursors ADD COLUMN seen_ms INTEGER NOT NULL DEFAULT 0;
{V2_ADDS}
"""


# The tables that version 3 has more than version 2: what readings are worth, beside the readings.
V3_ADDS = """
-- Which checks judged: name, version and settings of each, as JSON.
CREATE TABLE quality_versions (
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    checks TEXT NOT NULL,
    made_ms INTEGER NOT NULL
);
-- qc: bits of gateway/quality/checks/bits.py. pm25, pm10: corrected, by that calibration; NULL without one.
-- change: grows with each row written, so that a destination finds what was judged anew.
CREATE TABLE quality (
    reading_id INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    qc INTEGER NOT NULL,
    change INTEGER NOT NULL,
    pm25 REAL,
    pm10 REAL,
    calibration INTEGER
);
CREATE INDEX quality_by_change ON quality (change);
-- Judged out of order, and to be judged anew.
CREATE INDEX quality_provisional ON quality (reading_id) WHERE qc & 268435456;
-- One hour of one series; hour 0 began in 1970. Columns: gateway/quality/checks/hours.py.
CREATE TABLE quality_hours (
    node_id INTEGER NOT NULL,
    slot TEXT NOT NULL,
    hour INTEGER NOT NULL,
    model TEXT NOT NULL,
    expected INTEGER NOT NULL,
    have INTEGER NOT NULL,
    pm25 REAL,
    pm25_median REAL,
    pm10 REAL,
    temp REAL,
    rh REAL,
    near REAL,
    near_mad REAL,
    near_n INTEGER NOT NULL,
    qc INTEGER NOT NULL,
    PRIMARY KEY (node_id, hour, slot)
) WITHOUT ROWID;
CREATE INDEX quality_hours_by_hour ON quality_hours (hour);
-- How far: 'judged' counts readings' ids, 'change' the last change given, any other name is a destination's
-- and counts changes.
CREATE TABLE quality_cursors (name TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;"""

# The tables that version 4 has more than version 3.
V4_ADDS = f"""{spans.TABLE}
-- When a node was last heard, and in which boot. Each message changes it, and rows of `status` are wide.
CREATE TABLE seen (node_id INTEGER PRIMARY KEY, boot INTEGER, seen_ms INTEGER);"""

# In version 4 readings are found by spans. What there was before is the table's own constraint, which SQLite
# cannot drop. Its index is one like any other, so it gets a name and is dropped by that. The readings stay
# where they are: a journal need not have its size once more on the disk.
_TO_4 = f"""
PRAGMA writable_schema = ON;
UPDATE sqlite_master SET sql = {{without_unique}} WHERE type = 'table' AND name = 'readings';
UPDATE sqlite_master SET name = 'readings_by_identity',
    sql = 'CREATE UNIQUE INDEX readings_by_identity ON readings (node_id, boot, seq)'
    WHERE type = 'index' AND name = 'sqlite_autoindex_readings_1';
PRAGMA writable_schema = RESET;
DROP INDEX readings_by_identity;
DROP INDEX readings_by_time;
{spans.INDEXES}
{V4_ADDS}
{spans.FILL}
INSERT INTO seen SELECT node_id, boot, seen_ms FROM status;
"""  # noqa: S608
_UNIQUE = re.compile(r",\s*UNIQUE \(node_id, boot, seq\)")

# What version 5 has more than version 4: corrections by name, and judgements that are not in use.
V5_ADDS = """
-- By what a reading's pm25 and pm10 were corrected: names with their versions, '' for none.
CREATE TABLE quality_corrections (
    id INTEGER PRIMARY KEY,
    pm25 TEXT NOT NULL,
    pm10 TEXT NOT NULL,
    UNIQUE (pm25, pm10)
);
-- factor: of the error that all units share; it is in pm25 already. run: which of quality_runs judged, 0 the
-- stream.
ALTER TABLE quality ADD COLUMN factor REAL;
ALTER TABLE quality ADD COLUMN run INTEGER NOT NULL DEFAULT 0;
ALTER TABLE quality_hours ADD COLUMN run INTEGER NOT NULL DEFAULT 0;
-- Each `dustline reprocess`: of readings with since < t <= until, judged up to upto. Columns and states:
-- gateway/quality/reprocess/runs.py. AUTOINCREMENT: a number is never used twice.
CREATE TABLE quality_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    made_ms INTEGER NOT NULL,
    version INTEGER NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    open_end INTEGER NOT NULL,
    node TEXT NOT NULL,
    state TEXT NOT NULL,
    upto INTEGER NOT NULL,
    readings INTEGER NOT NULL DEFAULT 0,
    first_id INTEGER,
    last_id INTEGER
);
-- Judgements of readings that are judged by another run in `quality`, or will be.
CREATE TABLE quality_aside (
    reading_id INTEGER NOT NULL,
    run INTEGER NOT NULL,
    version INTEGER NOT NULL,
    qc INTEGER NOT NULL,
    pm25 REAL,
    pm10 REAL,
    calibration INTEGER,
    factor REAL,
    PRIMARY KEY (reading_id, run)
) WITHOUT ROWID;
CREATE TABLE quality_hours_aside (
    node_id INTEGER NOT NULL,
    slot TEXT NOT NULL,
    hour INTEGER NOT NULL,
    run INTEGER NOT NULL,
    model TEXT NOT NULL,
    expected INTEGER NOT NULL,
    have INTEGER NOT NULL,
    pm25 REAL,
    pm25_median REAL,
    pm10 REAL,
    temp REAL,
    rh REAL,
    near REAL,
    near_mad REAL,
    near_n INTEGER NOT NULL,
    qc INTEGER NOT NULL,
    PRIMARY KEY (node_id, hour, slot, run)
) WITHOUT ROWID;
-- The factor that a run took for an hour, and from how many hours before it.
CREATE TABLE quality_shared (
    run INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    factor REAL NOT NULL,
    hours INTEGER NOT NULL,
    PRIMARY KEY (run, hour)
) WITHOUT ROWID;"""


_CORRECTED_HOURS = "\n".join(
    f"ALTER TABLE {table} ADD COLUMN {column};"
    for table in ("quality_hours", "quality_hours_aside")
    for column in (
        "pm25_cor REAL",
        "pm25_cor_n INTEGER NOT NULL DEFAULT 0",
        "pm25_by TEXT NOT NULL DEFAULT ''",
        "factor REAL",
        "pm10_cor REAL",
        "pm10_cor_n INTEGER NOT NULL DEFAULT 0",
        "pm10_by TEXT NOT NULL DEFAULT ''",
    )
)
# What version 6 has more than version 5: means of corrected values. Hours of before have none; `dustline
# reprocess` counts them anew.
V6_ADDS = f"""
-- Means of corrected values beside the raw ones, of how many, by what, and the shared error's factor.
{_CORRECTED_HOURS}"""


def migrate(db: sqlite3.Connection, found: int) -> None:
    """Bring a file of version `found` to the present one; all or nothing."""
    steps = {1: _TO_2, 2: V3_ADDS, 3: _to_4(db) if found < 4 else "", 4: V5_ADDS, 5: V6_ADDS}
    present = max(steps) + 1
    text = "".join(step for version, step in steps.items() if version >= found)
    newest = db.execute("SELECT max(id) FROM readings").fetchone()[0]
    log.info("bringing the journal to a newer schema", found=found, schema=present, newest_id=newest)
    db.executescript(
        f"BEGIN IMMEDIATE; {text} UPDATE meta SET value = '{present}' WHERE key = 'schema'; COMMIT;"  # noqa: S608
    )
    log.info("the journal has the newer schema", schema=present)


def _to_4(db: sqlite3.Connection) -> str:
    """The step, with the text of the file's own table."""
    (sql,) = db.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'readings'").fetchone()
    without, times = _UNIQUE.subn("", sql)
    if times != 1:
        raise sqlite3.DatabaseError("the table of readings is not that of any version")
    (quoted,) = db.execute("SELECT quote(?)", (without,)).fetchone()
    return _TO_4.format(without_unique=quoted)
