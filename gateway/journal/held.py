"""Which seqs are held, worked out from the rows: readings, quarantine, and what has gone from both."""

from __future__ import annotations

import sqlite3
from itertools import groupby

from gateway import extents
from gateway.extents import Range

Held = dict[tuple[int, int], list[Range]]


def read_all_extents(db: sqlite3.Connection) -> Held:
    """What the journal says is held, by (node_id, boot)."""
    found: Held = {}
    query = "SELECT node_id, boot, first, last FROM extents ORDER BY node_id, boot, first"
    for node_id, boot, first, last in db.execute(query):
        found.setdefault((node_id, boot), []).append((first, last))
    return found


def held_by_rows(db: sqlite3.Connection, doubled: list[tuple[int, int, int]] | None = None) -> Held:
    """What `extents` must say, from all other tables. Reads the whole index: for a check or a salvage.

    Readings whose (node_id, boot, seq) is there twice are added to `doubled`.
    """
    found: Held = {}
    query = "SELECT node_id, boot, seq FROM readings ORDER BY node_id, boot, seq"
    for key, rows in groupby(db.execute(query), lambda row: (row[0], row[1])):
        ranges = found[key] = []
        for _, _, seq in rows:
            if not extents.add(ranges, seq) and doubled is not None:
                doubled.append((*key, seq))
    for node_id, boot, first, last in db.execute("SELECT node_id, boot, first, last FROM gone"):
        add_range(found.setdefault((node_id, boot), []), (first, last))
    ids = node_ids(db)
    for topic, node, boot, seq in db.execute(
        "SELECT topic, node, boot, seq FROM quarantine"
        " WHERE seq IS NOT NULL AND boot IS NOT NULL AND topic <> ''"
    ):
        node_id = ids.get((network_of(topic), node))
        if node_id is not None:
            extents.add(found.setdefault((node_id, boot), []), seq)
    return found


def add_range(ranges: list[Range], new: Range) -> None:
    """Add a whole range in place, joining what it touches."""
    first, last = new
    apart = [each for each in ranges if each[1] < first - 1 or each[0] > last + 1]
    joined = [each for each in ranges if each not in apart]
    apart.append((min([first, *(each[0] for each in joined)]), max([last, *(each[1] for each in joined)])))
    ranges[:] = sorted(apart)


def node_ids(db: sqlite3.Connection) -> dict[tuple[str, str], int]:
    return {(network, name): id for id, network, name in db.execute("SELECT id, network, name FROM nodes")}


def network_of(topic: str) -> str:
    """The network in a topic, "" where there is none."""
    parts = topic.split("/")
    return parts[2] if len(parts) > 2 else ""
