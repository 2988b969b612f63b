"""The ledger: what is held of each boot of a node, and what of it is stored, from one journal or several."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from gateway import extents
from gateway.extents import Range
from gateway.journal.gone import stored_and_gone
from gateway.journal.held import network_of
from gateway.journal.spans import READINGS_NEWEST_FIRST, READINGS_OF_TIMES
from gateway.records import Account, LedgerRow

_LAST_T = 4294967295
_ByBoot = dict[int, list[Range]]


def ledger_row(node: str, boot: int, accounts: Sequence[Account], since: int | None) -> LedgerRow | None:
    """One boot by the accounts of all journals; None when nothing of it is as new as `since`.

    What several hold counts once, and what one stored and another quarantined is stored.
    """
    held = extents.union(*(each.held for each in accounts))
    if not held and since is not None and max(each.seen_ms for each in accounts) < since * 1000:
        return None
    last = max(max(each.claimed for each in accounts), held[-1][1] if held else 0)
    first = max(each.older for each in accounts) + 1
    if since is not None and first > last:
        return None
    stored = extents.total(extents.within(extents.union(*(each.stored for each in accounts)), first, last))
    missing = tuple(extents.gaps(held, first, last))
    born, lost = last - first + 1, extents.total(missing)
    # What is held and not stored is in quarantine.
    return LedgerRow(node, boot, born, stored, born - lost - stored, lost, missing)


def read_accounts(
    db: sqlite3.Connection, node: str | None, since: int | None
) -> dict[tuple[str, str, int], Account]:
    """By network, node and boot. The caller holds a transaction: all is of the same moment.

    Readings are not counted one by one: what is held is stored, but for what the quarantine has. That this is
    so of every row, `gateway journal check` looks at.
    """
    names: list[tuple[int, str, str]] = db.execute(
        "SELECT id, network, name FROM nodes WHERE ?1 IS NULL OR name = ?1", (node,)
    ).fetchall()
    found: dict[tuple[str, str, int], Account] = {}
    for node_id, network, name in names:
        claims: dict[int, tuple[int, int]] = {
            boot: (last, seen_ms)
            for boot, last, seen_ms in db.execute(
                "SELECT boot, last, seen_ms FROM claims WHERE node_id = ?", (node_id,)
            )
        }
        held = _by_boot(
            db.execute(
                "SELECT boot, first, last FROM extents WHERE node_id = ? ORDER BY boot, first", (node_id,)
            )
        )
        rejected = _rejected(db, node_id, network, name)
        newer = _not_older(db, node_id, since) if since is not None else {}
        for boot in claims.keys() | held.keys():
            claimed, seen_ms = claims.get(boot, (0, 0))
            ranges = held.get(boot, [])
            pruned, older = stored_and_gone(db, node_id, boot, since)
            stored = ranges
            if boot in rejected:
                also = _stored_among(db, node_id, boot, rejected[boot], pruned)
                stored = extents.without(ranges, extents.without(rejected[boot], also))
            if since is not None:
                left = extents.without(extents.without(stored, pruned), newer.get(boot, []))
                older = max(older, left[-1][1] if left else 0)
            found[network, name, boot] = Account(claimed, seen_ms, ranges, stored, older)
    return found


def _by_boot(rows: Iterable[tuple[int, int, int]]) -> _ByBoot:
    found: _ByBoot = {}
    for boot, first, last in rows:
        found.setdefault(boot, []).append((first, last))
    return found


def _rejected(db: sqlite3.Connection, node_id: int, network: str, name: str) -> _ByBoot:
    """Seqs that may be held because the quarantine has or had them. Some may be stored, too."""
    entries: Iterable[Any] = db.execute(
        "SELECT topic, boot, seq FROM quarantine WHERE node = ? AND boot IS NOT NULL AND seq IS NOT NULL",
        (name,),
    )
    rows = [(boot, seq, seq) for topic, boot, seq in entries if not topic or network_of(topic) == network]
    rows += db.execute(
        "SELECT boot, first, last FROM gone WHERE node_id = ? AND was = 'quarantined'", (node_id,)
    ).fetchall()
    return {boot: extents.union(ranges) for boot, ranges in _by_boot(rows).items()}


def _stored_among(
    db: sqlite3.Connection, node_id: int, boot: int, ranges: Sequence[Range], pruned: Sequence[Range]
) -> list[Range]:
    """What of the ranges is stored, or was and has been pruned; perhaps some more."""
    rows = db.execute(
        f"SELECT seq FROM {READINGS_NEWEST_FIRST} WHERE node_id = ? AND boot = ? AND seq BETWEEN ? AND ?",  # noqa: S608
        (node_id, boot, ranges[0][0], ranges[-1][1]),
    )
    return extents.union(((seq, seq) for (seq,) in rows), pruned)


def _not_older(db: sqlite3.Connection, node_id: int, since: int) -> _ByBoot:
    """The seqs of a node's stored readings with t >= since, and of those without a t."""
    rows: list[tuple[int, int, int]] = db.execute(
        f"SELECT boot, seq, seq FROM {READINGS_OF_TIMES} WHERE node_id = ? AND t >= ?"  # noqa: S608
        " UNION ALL SELECT boot, seq, seq FROM readings INDEXED BY readings_without_time"
        " WHERE node_id = ? AND t IS NULL",
        (since, _LAST_T, node_id, since, node_id),
    ).fetchall()
    return {boot: extents.union(ranges) for boot, ranges in _by_boot(rows).items()}
