"""A journal of some hundred pages, and ways to spoil it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from dustline.cli import main
from gateway.journal import Claim, Journal
from tests.gateway.batches import bad, batch, new

PAGE = 4096
NODES = 3
EACH = 1000


def sound(folder: Path) -> Path:
    """A journal of some hundred pages, closed in good order. Every reading's model is its own."""
    made = folder / "journal.sqlite"
    with Journal(made, synchronous="NORMAL") as journal:
        for first in range(1, EACH + 1, 100):
            for node in range(NODES):
                seqs = range(first, first + 100)
                items = [new(seq, f"n{node}", model=f"m-{node}-{seq}-") for seq in seqs]
                journal.commit(batch(*items))
        journal.commit(batch(bad(EACH + 1, "n0"), bad(None, boot=None, reason="not_json")))
        journal.commit(batch(*[Claim(1, f"n{node}", 1, EACH + 5) for node in range(NODES)]))
        journal.delivered("influx", 2000)
    return made


def crash(path: Path) -> None:
    """As if the last end had not been orderly."""
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM meta WHERE key = 'clean'")
        db.commit()
    db.close()


def page_of(path: Path, text: str) -> int:
    """Where the page with that text begins."""
    return path.read_bytes().index(text.encode()) // PAGE * PAGE


def root_of(path: Path, table: str) -> int:
    with sqlite3.connect(path) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    db.close()
    return (page - 1) * PAGE


def spoil(path: Path, places: Iterable[int], size: int = PAGE) -> None:
    with path.open("r+b") as file:
        for place in places:
            file.seek(place)
            file.write(b"\xa5" * size)


def invoke(*words: str, path: Path) -> Any:
    config = path.with_name("gateway.toml")
    config.write_text(f"[journal]\npath = '{path}'\n")
    return CliRunner().invoke(main, [*words, "--config", str(config)])
