"""The ledger over several journals, as of gateways that took a shard over from each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gateway.journal.account import ledger_row
from gateway.journal.reader import JournalReader
from gateway.records import Account, LedgerRow


def ledger_of(paths: Sequence[Path], node: str | None = None, since: int | None = None) -> list[LedgerRow]:
    """As JournalReader.ledger, over all these journals. Each is read at a moment of its own.

    Raises JournalError.
    """
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
        row = ledger_row(name, boot, accounts, since)
        if row is not None:
            rows.append(row)
    return rows
