"""What the journal knows of each node, one node after the other: a few small questions each, by index.

A node costs the same whatever the journal holds: the hours since `since`, and MOST_LOOKED_AT readings.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from gateway import extents
from gateway.extents import Range
from gateway.journal.reader import JournalReader
from gateway.journal.schema import open_reader
from gateway.journal.spans import READINGS_OF_TIMES, newest_upto, oldest_from
from gateway.quality.checks.bits import QC_BITS
from gateway.quality.checks.hours import HOUR_S, hour_of
from gateway.stations.facts import LATE_DAYS, Facts, SlotFacts, Span, Trouble
from gateway.stations.judgements import TROUBLES, last_hour

# How far back a fault's beginning is looked for unless told.
USUAL_DAYS = 14
# Of a sensor that has bad readings, so many of the newest are looked at for spikes.
MOST_LOOKED_AT = 300
# Bad or absent readings of the last day from which on they are.
_FEW = 6
_DAY = 86400
_INCOMPLETE = QC_BITS["incomplete"]
_SPIKE = QC_BITS["spike"]

_LATEST = (
    "SELECT latest.slot, readings.model, readings.boot, max(readings.received_ms) OVER ()"
    " FROM latest JOIN readings ON readings.id = latest.reading_id"
    " WHERE latest.node_id = ? ORDER BY latest.slot"
)
_HOURS = (
    "SELECT slot, count(*), sum(qc & ? = 0), min(hour), max(hour),"
    " sum(CASE WHEN hour > ? THEN max(0, expected - have) ELSE 0 END)"
    " FROM quality_hours WHERE node_id = ? AND hour > ? AND hour <= ? GROUP BY slot"
)
_TROUBLES = (
    "SELECT slot, hour, qc, pm25_median, near FROM quality_hours"
    " WHERE node_id = ? AND hour >= ? AND hour <= ? AND qc & ? ORDER BY hour"
)
_SPIKES = (
    "SELECT t, qc FROM (SELECT readings.id, t"  # noqa: S608
    f" FROM {READINGS_OF_TIMES} WHERE node_id = ? AND t > ? AND t <= ? AND slot = ?"
    " ORDER BY t DESC LIMIT ?) AS found JOIN quality ON reading_id = found.id"
)


class Place(Protocol):
    """Where a node stands; only its label is told."""

    @property
    def label(self) -> str: ...


def span_of(now: int, since: int | None = None) -> Span:
    """`since` as told, or USUAL_DAYS back."""
    return Span(now, now - USUAL_DAYS * _DAY if since is None else since)


def facts_of(journal: Path, places: Mapping[str, Place], at: Span) -> Generator[Facts]:
    """Every node that the journal or the places know. Raises JournalError, sqlite3.Error."""
    with JournalReader(journal) as reader:
        statuses = reader.statuses()
    seen: set[str] = set()
    with closing(open_reader(journal)) as db:
        nodes: list[tuple[int, str, str]] = db.execute(
            "SELECT id, network, name FROM nodes ORDER BY name, network"
        ).fetchall()
        for node_id, network, name in nodes:
            seen.add(name)
            yield _node(db, node_id, network, name, places.get(name), statuses.get(name, {}), at)
    for name in sorted(places.keys() - seen):
        yield Facts(name, "", places[name].label, True)


def unjudged_since(journal: Path, at: Span) -> int | None:
    """The end of the last hour that was judged (UTC s; 0 for none) when readings have come for three hours
    after it: what the checks would find is then unknown. None when all is well."""
    with closing(open_reader(journal)) as db:
        hour = db.execute("SELECT max(hour) FROM quality_hours").fetchone()[0]
        newest = db.execute("SELECT received_ms FROM readings ORDER BY id DESC LIMIT 1").fetchone()
        first = db.execute("SELECT received_ms FROM readings ORDER BY id LIMIT 1").fetchone()
    if newest is None:
        return None
    begin = int(first[0]) // 1000 if hour is None else (int(hour) + 1) * HOUR_S
    if min(at.now, int(newest[0]) // 1000) - begin <= 3 * HOUR_S:
        return None
    return 0 if hour is None else begin


def _node(
    db: sqlite3.Connection,
    node_id: int,
    network: str,
    name: str,
    place: Place | None,
    status: Mapping[str, Any],
    at: Span,
) -> Facts:
    latest: list[tuple[str, str, int, int]] = db.execute(_LATEST, (node_id,)).fetchall()
    seen_ms = max([status.get("seen_ms") or 0, *(row[3] for row in latest)])
    facts = Facts(name, network, place.label if place else "", place is not None, status=status)
    facts.heard = seen_ms // 1000 or None
    boot = max([int(status.get("boot") or 0), *(row[2] for row in latest)])
    facts.restarts = _restarts(db, node_id, boot, at.now)
    facts.born, facts.missing = _missing(db, node_id, max(at.since, at.now - LATE_DAYS * _DAY))
    facts.usual_h, facts.slots = _slots(db, node_id, latest, at)
    return facts


def _slots(
    db: sqlite3.Connection, node_id: int, latest: list[tuple[str, str, int, int]], at: Span
) -> tuple[float, list[SlotFacts]]:
    last = last_hour(at.now)
    begin = max(hour_of(at.since), last - LATE_DAYS * 24)
    rows = db.execute(_HOURS, (_INCOMPLETE, last - 24, node_id, begin, last)).fetchall()
    troubles: dict[str, list[Trouble]] = {}
    for slot, *row in db.execute(_TROUBLES, (node_id, hour_of(at.since) + 1, last, TROUBLES)):
        troubles.setdefault(slot, []).append(Trouble._make(row))
    by_slot = {row[0]: row[1:] for row in rows}
    found: list[SlotFacts] = []
    usual = 1.0
    for slot, model, _, _ in latest:
        facts = SlotFacts(slot, model, troubles=troubles.get(slot, ()))
        if slot in by_slot:
            hours, complete, first, newest, bad = map(int, by_slot[slot])
            facts.hours, facts.complete, facts.span = hours, complete, last - first + 1
            usual = max(usual, (newest - first + 1) / hours)
            if bad >= _FEW:
                _look_for_spikes(db, node_id, facts, at.now)
        found.append(facts)
    return usual, found


def _look_for_spikes(db: sqlite3.Connection, node_id: int, facts: SlotFacts, now: int) -> None:
    since = now - _DAY
    asked = (since, now, node_id, since, now, facts.slot, MOST_LOOKED_AT)
    looked = db.execute(_SPIKES, asked).fetchall()
    spikes = [int(t) for t, qc in looked if qc & _SPIKE]
    facts.looked_at, facts.spikes = len(looked), len(spikes)
    facts.spikes_since = min(spikes, default=None)


def _restarts(db: sqlite3.Connection, node_id: int, boot: int, now: int) -> int:
    row = _known_at(db, node_id, now - _DAY)
    return 0 if row is None else max(0, boot - int(row[0]))


def _known_at(db: sqlite3.Connection, node_id: int, t: int) -> tuple[int, int] | None:
    """(boot, seq) of a node's last reading up to `t`, or of its first one behind that."""
    if db.execute("SELECT 1 FROM latest WHERE node_id = ?", (node_id,)).fetchone() is None:
        return None  # it never had one: nothing to look for
    id = newest_upto(db, node_id, t) or oldest_from(db, node_id, t)
    found: tuple[int, int] | None = db.execute(
        "SELECT boot, seq FROM readings WHERE id = ?", (id,)
    ).fetchone()
    return found


def _missing(db: sqlite3.Connection, node_id: int, since: int) -> tuple[int, int]:
    """Born and missing after the last reading that is older than `since`; the ledger counts exactly."""
    # Before the first that is here nothing is known.
    row = _known_at(db, node_id, since)
    if row is None:
        return 0, 0
    boot0, seq0 = int(row[0]), int(row[1])
    claims = dict(
        db.execute("SELECT boot, last FROM claims WHERE node_id = ? AND boot >= ?", (node_id, boot0))
    )
    held: dict[int, list[Range]] = {}
    for boot, first, last in db.execute(
        "SELECT boot, first, last FROM extents WHERE node_id = ? AND boot >= ? ORDER BY boot, first",
        (node_id, boot0),
    ):
        held.setdefault(boot, []).append((first, last))
    born = missing = 0
    for boot in claims.keys() | held.keys():
        ranges = held.get(boot, [])
        first = seq0 + 1 if boot == boot0 else 1
        last = max(claims.get(boot, 0), ranges[-1][1] if ranges else 0)
        born += max(0, last - first + 1)
        missing += extents.total(extents.gaps(ranges, first, last))
    return born, missing
