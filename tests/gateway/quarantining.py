"""Have things come into the quarantine, and look at what became of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from dustline.cli import main
from gateway import topics
from gateway.journal import Journal, JournalReader, LedgerRow, Quarantined
from gateway.pipeline import Pipeline
from gateway.receive import Inbox, Incoming
from tests.gateway.talker import reading

NODE = "node-1"
T = 1_790_000_000
RECEIVED_MS = (T + 400) * 1000


def arrive(
    path: Path, *messages: bytes, node: str = NODE, topic: str | None = None, at_ms: int = RECEIVED_MS
) -> None:
    """Take messages through the pipeline's stages into the journal."""
    from gateway.check import Limits

    nowhere: Any = None
    to = topic or topics.build("warsaw", node, "readings")
    incoming = [Incoming(to, each, 1, False, 1, 1, at_ms) for each in messages]
    work = Pipeline("warsaw", Inbox(1), nowhere, nowhere, limits=Limits(), most=10).sort(incoming)
    with Journal(path) as journal:
        journal.commit(work.batch)


def message(*items: Any, boot: int = 1) -> bytes:
    return json.dumps({"v": 1, "boot": boot, "readings": items}).encode()


def entries(path: Path) -> list[Quarantined]:
    with JournalReader(path) as reader:
        return reader.quarantined()


def ledger(path: Path) -> dict[int, LedgerRow]:
    with JournalReader(path) as reader:
        return {row.boot: row for row in reader.ledger()}


def counts(path: Path, boot: int = 1) -> tuple[int, int, int, int]:
    row = ledger(path)[boot]
    return row.born, row.stored, row.quarantined, row.missing


def stored(path: Path) -> dict[tuple[int, int], Any]:
    with JournalReader(path) as reader:
        return {(each.boot, each.seq): each for each in reader.after(0, 100)}


def good(seq: int, **changes: Any) -> dict[str, Any]:
    return reading(seq, t=T + seq, **changes)


def runner(path: Path) -> Callable[..., Any]:
    """`dustline gateway quarantine ...` with that journal."""
    config = path.with_name("gateway.toml")
    config.write_text(f"[journal]\npath = '{path}'\n")

    def call(*words: str, **more: Any) -> Any:
        return CliRunner().invoke(main, ["gateway", "quarantine", *words, "--config", str(config)], **more)

    return call
