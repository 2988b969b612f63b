"""Keep the quarantine bounded: the oldest entries go first, counted by reason, their identities kept."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from itertools import groupby

import structlog

from gateway.journal import Journal, gone, rows
from gateway.journal.held import network_of, node_ids

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.quarantine")

STEP = 200
_BYTES = "length(payload) + length(detail) + coalesce(length(fixed), 0)"
# The newest entry that is one too many.
_FIRST_OUT = f"""
SELECT id FROM (
    SELECT id, row_number() OVER newest AS entries, sum({_BYTES}) OVER newest AS bytes
    FROM quarantine WINDOW newest AS (ORDER BY id DESC)
) WHERE entries > ? OR bytes > ? ORDER BY id DESC LIMIT 1"""  # noqa: S608


@dataclass(slots=True, frozen=True)
class QuarantineBounds:
    entries: int = 1 << 62
    bytes: int = 1 << 62


class Trimmer:
    """One thread uses it. `dropped` counts entries since the start."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._bounds = QuarantineBounds()
        self._upto = 0
        self._newest = -1
        self._dropping = False
        self.dropped = 0

    def begin(self, bounds: QuarantineBounds) -> None:
        """At the start and when settings change."""
        self._bounds, self._newest = bounds, -1

    def look(self, reader: sqlite3.Connection) -> None:
        """Find out what is too much; `reader` is a connection of the caller's, so that no commit waits."""
        (newest,) = reader.execute("SELECT coalesce(max(id), 0) FROM quarantine").fetchone()
        if newest == self._newest:
            return
        self._newest = newest
        found = reader.execute(_FIRST_OUT, (self._bounds.entries, self._bounds.bytes)).fetchone()
        if found is None:
            self._dropping = False
            return
        self._upto = int(found[0])
        if not self._dropping:
            self._dropping = True
            log.warning(
                "the quarantine is full: its oldest entries are dropped and counted",
                path=str(self._journal.path),
                max_entries=self._bounds.entries,
                max_mb=self._bounds.bytes // 1_000_000,
                advice="see what fills it: dustline gateway quarantine; or raise quarantine.max_mb",
            )

    def step(self) -> bool:
        """Drop some; whether there may be more."""
        if not self._upto:
            return False
        with self._journal.writing() as db:
            dropped = _drop(db, self._upto)
        self.dropped += dropped
        if not dropped:
            self._upto = 0
        return bool(dropped)


def _drop(db: sqlite3.Connection, upto: int) -> int:
    entries = db.execute(
        "SELECT id, reason, topic, node, boot, seq FROM quarantine WHERE id <= ? ORDER BY id LIMIT ?",
        (upto, STEP),
    ).fetchall()
    ids = node_ids(db) if entries else {}
    identities: set[tuple[int, int, int]] = set()
    for id, reason, topic, node, boot, seq in entries:
        db.execute("DELETE FROM quarantine WHERE id = ?", (id,))
        db.execute(
            "INSERT INTO quarantine_dropped VALUES (?, 1, ?) ON CONFLICT DO UPDATE"
            " SET entries = entries + 1, last_ms = excluded.last_ms",
            (reason, rows.now_ms()),
        )
        node_id = ids.get((network_of(topic), node))
        if node_id is None or boot is None or seq is None:
            continue
        # Some are stored, too: the ledger looks. To look here would take a commit's time for each.
        identities.add((node_id, boot, seq))
    for (node_id, boot), each in groupby(sorted(identities), lambda identity: identity[:2]):
        gone.note_gone(db, node_id, boot, "quarantined", [(seq, None) for _, _, seq in each])
    return len(entries)
