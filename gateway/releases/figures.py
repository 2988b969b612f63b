"""Updates in numbers, for Prometheus. docs/operation.md lists them."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from gateway.releases.rollouts import STATES, Rollout, newest
from gateway.releases.store import Store, StoreError
from gateway.releases.updates import Updates


def figures(updates: Updates, stalled: bool) -> Iterator[Metric]:
    """Of this gateway's pieces, and of the machine's roll-outs."""
    counts = updates.server.counts
    for name, help, value in (
        ("update_fetches", "Questions of nodes for a piece of a release.", counts.fetches),
        ("update_bad_messages", "Of these and of replies, those that break the contract.", counts.bad),
        ("update_fetches_dropped", "Left alone because too many waited.", updates.waiting.dropped),
        ("update_fetches_unsent", "Left alone for want of a connection.", counts.unsent),
        ("update_fetches_not_offered", "Answered with: not offered.", counts.not_offered),
        ("update_pieces", "Pieces sent to nodes.", counts.pieces),
        ("update_bytes", "Bytes of releases sent to nodes.", counts.bytes),
        ("update_refused", "Messages of updates that the broker refused.", updates.line.refused),
        ("update_failures", "Looks at the roll-outs that failed.", updates.failures),
    ):
        yield CounterMetricFamily(f"dustline_{name}", help, value=value)
    yield GaugeMetricFamily(
        "dustline_updates_stalled", "1 while a thread of updates has ended.", value=stalled
    )
    yield from _rollouts(updates)


def _rollouts(updates: Updates) -> Iterator[Metric]:
    label = ["channel"]
    nodes = GaugeMetricFamily(
        "dustline_rollout_nodes", "Nodes of the channel's newest roll-out.", labels=["channel", "state"]
    )
    stage = GaugeMetricFamily("dustline_rollout_stage", "Its stage, from 1; 0 once it is over.", labels=label)
    stopped = GaugeMetricFamily("dustline_rollout_stopped", "1 when it has stopped by itself.", labels=label)
    for each in _newest(updates):
        counted = Counter(member.state for member in each.members.values())
        for state in STATES:
            nodes.add_metric([each.channel, state], counted[state])
        stage.add_metric([each.channel], 0 if each.state in ("stopped", "done") else each.stage + 1)
        stopped.add_metric([each.channel], each.by_itself)
    yield from (nodes, stage, stopped)


def _newest(updates: Updates) -> list[Rollout]:
    if not updates.path.is_file():
        return []  # no release was ever added
    try:
        with Store(updates.path) as store:
            return newest(store.db)
    except (StoreError, sqlite3.Error):
        return []  # update_failures and the log tell of it
