"""The demo's ledger: every reading that the nodes say was born, looked for in the store by its identity."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """born = stored + quarantined + missing."""

    node: str
    born: int
    stored: int
    quarantined: int
    missing: int


def balance(
    node: str, born: dict[int, int], stored: set[tuple[int, int]], quarantined: set[tuple[int, int]]
) -> Row:
    """Compare a node's own counts (boot -> last seq) with the (boot, seq) that the store has. A reading in
    the store that the node did not speak of was born too."""
    claimed = {(boot, seq) for boot, last in born.items() for seq in range(1, last + 1)}
    known = claimed | stored | quarantined
    aside = quarantined - stored
    return Row(node, len(known), len(stored), len(aside), len(known - stored - aside))


def verdict(rows: list[Row], holding: list[str]) -> str | None:
    """None when nothing is missing and every node has a reading; else what is wrong, in a sentence. `holding`
    names the nodes that never said that their outbox is empty: they may hold readings that nobody counted."""
    silent = [row.node for row in rows if not row.stored]
    lossy = [f"{row.node} ({row.missing})" for row in rows if row.missing]
    if silent:
        return f"no reading arrived from {', '.join(silent)}"
    if lossy:
        return f"readings are missing from {', '.join(lossy)}"
    if holding:
        return f"not counted to the end: {', '.join(holding)} did not report an empty outbox"
    return None


def write(path: Path, rows: list[Row]) -> None:
    """Write `{"nodes": [{"node", "born", "stored", "quarantined", "missing"}]}`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"nodes": [asdict(row) for row in rows]}, indent=1) + "\n")
