"""The account of what was held and has been taken out, as ranges of seqs, so that the ledger stays exact."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Literal

from gateway import extents

Was = Literal["stored", "quarantined"]


def note_gone(
    db: sqlite3.Connection, node_id: int, boot: int, was: Was, seqs: Iterable[tuple[int, int | None]]
) -> None:
    """Note (seq, t) of one boot as taken out. The caller holds the transaction."""
    before: list[tuple[int, int, int | None]] = db.execute(
        "SELECT first, last, newest_t FROM gone WHERE node_id = ? AND boot = ? AND was = ? ORDER BY first",
        (node_id, boot, was),
    ).fetchall()
    ranges = [(first, last) for first, last, _ in before]
    times = [(seq, t) for seq, t in seqs if extents.add(ranges, seq)]
    after = set(ranges)
    db.executemany(
        "DELETE FROM gone WHERE node_id = ? AND boot = ? AND was = ? AND first = ?",
        [(node_id, boot, was, first) for first, last, _ in before if (first, last) not in after],
    )
    known = {(first, last) for first, last, _ in before}
    for first, last in after - known:
        inside = [t for old, _, t in before if first <= old <= last and t is not None]
        inside += [t for seq, t in times if first <= seq <= last and t is not None]
        db.execute(
            "INSERT INTO gone VALUES (?, ?, ?, ?, ?, ?)",
            (node_id, boot, was, first, last, max(inside, default=None)),
        )


def stored_and_gone(
    db: sqlite3.Connection, node_id: int, boot: int, since: int | None
) -> tuple[list[tuple[int, int]], int]:
    """Ranges of readings that were stored and have been pruned, and the last seq of those older than `since`.

    A range has one time, that of its newest reading: a `since` within it takes all of it as not older.
    """
    rows: list[tuple[int, int, int | None]] = db.execute(
        "SELECT first, last, newest_t FROM gone WHERE node_id = ? AND boot = ? AND was = 'stored'"
        " ORDER BY first",
        (node_id, boot),
    ).fetchall()
    older = [last for _, last, t in rows if since is not None and t is not None and t < since]
    return [(first, last) for first, last, _ in rows], max(older, default=0)
