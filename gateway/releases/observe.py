"""What this gateway's journal knows of its nodes, for roll-outs: versions, who is there, who is silent."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.journal import JournalReader
from gateway.releases.rollouts import Seen, Told, save_seen
from gateway.releases.store import Store

# A broker that crashed may have forgotten to say that a node is away: who is not heard for so long, is.
HEARD_SECONDS = 3600.0


class Observer:
    """Reads the journal, on the side; a text that is as it was is not read again."""

    def __init__(self, journal: Path, network: str, mine: Callable[[str], bool]) -> None:
        self._journal, self._network, self._mine = journal, network, mine
        self._texts: dict[str, tuple[str | None, str | None]] = {}
        self._said: dict[str, tuple[str, int, Told]] = {}
        self._written: dict[str, Seen] = {}

    def look(self, store: Store, listening: float | None, now: float) -> None:
        """Write what has changed into the store. `listening`: since when (UTC s) nodes are heard without a
        break, None while they are not; nobody is silent for what was not heard."""
        patience = silence(store)
        found: list[Seen] = []
        with JournalReader(self._journal) as reader:
            rows = reader.status_texts(self._network)
        for node, online, boot, seen_ms, status, health in rows:
            if not self._mine(node):
                continue
            if self._texts.get(node) != (status, health):
                self._texts[node] = status, health
                self._said[node] = _read(status, health)
            fw, health_boot, update = self._said[node]
            since = max((seen_ms or 0) / 1000, now if listening is None else listening)
            silent = listening is not None and now - since > patience.get(node, float("inf"))
            there = bool(online) and now - since <= HEARD_SECONDS
            seen = Seen(node, fw, there, silent, max(boot or 0, health_boot), update)
            if self._written.get(node) != seen:
                found.append(seen)
        if found:
            with store.change() as db:
                save_seen(db, found)
            self._written.update({each.node: each for each in found})


def silence(store: Store) -> dict[str, float]:
    """How long each member of a roll-out in force may be silent, s."""
    rows = store.db.execute(
        "SELECT node, min(silent_s) FROM members JOIN rollouts ON rollouts.id = rollout"
        " WHERE rollouts.state IN ('running', 'paused', 'done') AND members.state NOT IN ('waiting', 'due')"
        " GROUP BY node"
    )
    return dict(rows.fetchall())


def _read(status: str | None, health: str | None) -> tuple[str, int, Told]:
    """(version, boot of the health message, what it says of an update)"""
    said: dict[str, Any] = json.loads(status) if status else {}
    fine: dict[str, Any] = json.loads(health) if health else {}
    update: dict[str, str] = fine.get("update") or {}
    told = Told(update.get("version", ""), update.get("state", ""), update.get("why", ""))
    return str(said.get("fw") or ""), int(fine.get("boot") or 0), told
