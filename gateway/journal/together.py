"""The ledger over several journals, as of gateways that took a shard over from each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from gateway import extents
from gateway.extents import Range
from gateway.journal.reader import JournalReader
from gateway.records import Account, LedgerRow


def ledger_of(paths: Sequence[Path], node: str | None = None, since: int | None = None) -> list[LedgerRow]:
    """As JournalReader.ledger, over all these journals: what several hold counts once, and what one stored
    and another quarantined is stored. Each is read at a moment of its own. Raises JournalError."""
    if len(paths) == 1:
        with JournalReader(paths[0]) as reader:
            return reader.ledger(node, since)
    found: dict[tuple[str, str, int], list[Account]] = {}
    for path in paths:
        with JournalReader(path) as reader:
            for key, account in reader.accounts(node, since).items():
                found.setdefault(key, []).append(account)
    rows: list[LedgerRow] = []
    for (_network, name, boot), accounts in sorted(found.items(), key=lambda item: (item[0][1], item[0])):
        row = _row(name, boot, accounts, since)
        if row is not None:
            rows.append(row)
    return rows


def _row(node: str, boot: int, accounts: Sequence[Account], since: int | None) -> LedgerRow | None:
    held = extents.union(*(each.held for each in accounts))
    if not held and since is not None and max(each.seen_ms for each in accounts) < since * 1000:
        return None
    last = max(max(each.claimed for each in accounts), held[-1][1] if held else 0)
    first = max(each.older for each in accounts) + 1
    if since is not None and first > last:
        return None
    stored = extents.total(_from(first, extents.union(*(each.stored for each in accounts))))
    missing = tuple(extents.gaps(held, first, last))
    born, lost = last - first + 1, extents.total(missing)
    return LedgerRow(node, boot, born, stored, born - lost - stored, lost, missing)


def _from(first: int, ranges: Iterable[Range]) -> list[Range]:
    return [(max(low, first), high) for low, high in ranges if high >= first]
