"""From the journal of an older Dustline to the present one, in one transaction, without copying readings."""

from __future__ import annotations

import sqlite3

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


def migrate(db: sqlite3.Connection) -> None:
    """Bring a version 1 file to version 2; all or nothing."""
    db.executescript(f"BEGIN IMMEDIATE; {_TO_2} UPDATE meta SET value = '2' WHERE key = 'schema'; COMMIT;")  # noqa: S608
