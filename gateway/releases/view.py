"""How the roll-outs of this machine stand, for everybody: no words of nodes, which may say more than is meant
for the public. `dustline gateway rollout status` has those.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TypedDict

from gateway.releases.rollouts import FAILED, OPEN, Rollout, newest
from gateway.releases.rules import stop_cause
from gateway.releases.store import STABLE, Store

# Failed nodes that are named.
MOST_NAMED = 20


class FailedView(TypedDict):
    """`state`: fell_back or silent."""

    node: str
    state: str


class CauseView(TypedDict):
    """Why it stopped by itself: in `stage` (from 1) `count` of `of` nodes that were told are `what`, which is
    failed or refused; `allowed` may be."""

    what: str
    stage: int
    count: int
    of: int
    allowed: int


class RolloutView(TypedDict):
    """`stage` from 1, of `stages` in percent. `state`: running, paused, done or stopped. Times in UTC s.

    Nodes that were chosen so far: `good`, `pending`, `failed`, `refused`; `nodes` are all of the channel.
    """

    version: str
    channel: str
    state: str
    by_itself: bool
    stage: int
    stages: list[float]
    started: int
    changed: int
    nodes: int
    good: int
    pending: int
    failed: int
    refused: int
    failed_nodes: list[FailedView]
    cause: CauseView | None


def rollouts_view(store: Path | None) -> list[RolloutView]:
    """The newest roll-out of each channel; [] without a file, as before the first release.

    Raises StoreError, sqlite3.Error.
    """
    if store is None or not store.is_file():
        return []
    with Store(store) as opened:
        return [_view(each, _nodes_of(opened.db, each.channel)) for each in newest(opened.db)]


def _nodes_of(db: sqlite3.Connection, channel: str) -> int:
    query = "SELECT count(*) FROM nodes LEFT JOIN channels USING (node) WHERE coalesce(channel, ?) = ?"
    return int(db.execute(query, (STABLE, channel)).fetchone()[0])


def _view(it: Rollout, nodes: int) -> RolloutView:
    members = sorted(it.members.values(), key=lambda one: (one.since, one.node))
    failed = [each for each in members if each.state in FAILED]
    states = [each.state for each in members]
    cause = stop_cause(it) if it.by_itself else None
    return {
        "version": it.version,
        "channel": it.channel,
        "state": it.state,
        "by_itself": it.by_itself,
        "stage": it.stage + 1,
        "stages": list(it.stages),
        "started": int(it.started),
        "changed": int(it.changed),
        "nodes": max(nodes, len(members)),
        "good": states.count("good"),
        "pending": sum(state == "waiting" or state in OPEN for state in states),
        "failed": len(failed),
        "refused": states.count("refused"),
        "failed_nodes": [{"node": each.node, "state": each.state} for each in failed[:MOST_NAMED]],
        "cause": None
        if cause is None
        else {
            "what": cause.what,
            "stage": cause.stage + 1,
            "count": len(cause.members),
            "of": cause.of,
            "allowed": cause.allowed,
        },
    }
