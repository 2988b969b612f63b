"""Readings are found by spans: so many ids that follow each other, and within a span by node, boot and seq.

An index by node alone has a page of its own for each node, so that each reading of a commit writes another
page. Within a span the nodes share a few. `spans` says in which spans the readings of an hour lie, also those
that came late; who looks for a node's hours, looks into these spans only.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

# 16,384 ids: some 100 pages of the index, and an hour or more of 200 nodes with a reading a minute.
SPAN_BITS = 14
PERIOD_S = 3600

TABLE = """
-- Readings of the period, in hours of t since 1970, may be in the span, see the index readings_by_span.
CREATE TABLE spans (
    period INTEGER NOT NULL,
    span INTEGER NOT NULL,
    PRIMARY KEY (period, span)
) WITHOUT ROWID;"""
INDEXES = f"""
CREATE INDEX readings_by_span ON readings (id >> {SPAN_BITS}, node_id, boot, seq, t);
-- Few: what a node measured before it ever knew the time.
CREATE INDEX readings_without_time ON readings (node_id, boot, seq) WHERE t IS NULL;"""
# After bulk inserts, which do not go through the writer.
FILL = f"""
INSERT INTO spans SELECT DISTINCT t / {PERIOD_S}, id >> {SPAN_BITS} FROM readings WHERE t IS NOT NULL;"""  # noqa: S608

# Every span that may hold readings, newest first: what is asked for by identity came lately, mostly.
_ALL = (
    f"(WITH RECURSIVE down (span) AS (SELECT max(id) >> {SPAN_BITS} FROM readings UNION ALL"  # noqa: S608
    f" SELECT span - 1 FROM down WHERE span > (SELECT min(id) >> {SPAN_BITS} FROM readings))"
    " SELECT span FROM down)"
)
_OF_TIMES = f"(SELECT DISTINCT span FROM spans WHERE period BETWEEN ? / {PERIOD_S} AND ? / {PERIOD_S})"  # noqa: S608
_READINGS = (
    f"AS these CROSS JOIN readings INDEXED BY readings_by_span ON readings.id >> {SPAN_BITS} = +these.span"
)

# Table expressions. A condition on readings.node_id makes a look of each span; without one it is read whole.
# The second takes the first and the last time as its parameters, and the same must be asked of readings.t.
READINGS_NEWEST_FIRST = f"{_ALL} {_READINGS}"
READINGS_OF_TIMES = f"{_OF_TIMES} {_READINGS}"
_ONE_OF_TIMES = (
    f"SELECT readings.id FROM {READINGS_OF_TIMES} WHERE node_id = ? AND t BETWEEN ? AND ? ORDER BY t"  # noqa: S608
)


def key(id: int, t: int) -> tuple[int, int]:
    """What `spans` must hold for a reading."""
    return t // PERIOD_S, id >> SPAN_BITS


def note(db: sqlite3.Connection, keys: Iterable[tuple[int, int]]) -> None:
    db.executemany("INSERT OR IGNORE INTO spans VALUES (?, ?)", keys)


def forget_empty(db: sqlite3.Connection, ids: Iterable[int], last_id: int) -> None:
    """Drop the spans of readings that were taken out, where none is left. That of the last id goes on."""
    for span in {id >> SPAN_BITS for id in ids} - {last_id >> SPAN_BITS}:
        first = span << SPAN_BITS
        left = db.execute(
            "SELECT 1 FROM readings WHERE id BETWEEN ? AND ? LIMIT 1", (first, first + (1 << SPAN_BITS) - 1)
        ).fetchone()
        if left is None:
            db.execute("DELETE FROM spans WHERE span = ?", (span,))


def newest_upto(db: sqlite3.Connection, node_id: int, t: int) -> int | None:
    """The id of a node's newest reading with a time up to `t` (UTC s), hour after hour back."""
    hours = db.execute(
        "SELECT DISTINCT period FROM spans WHERE period <= ? ORDER BY period DESC", (t // PERIOD_S,)
    )
    for (hour,) in hours:
        since, until = hour * PERIOD_S, min(t, (hour + 1) * PERIOD_S - 1)
        found = db.execute(
            f"{_ONE_OF_TIMES} DESC, readings.id DESC LIMIT 1", (since, until, node_id, since, until)
        )
        row = found.fetchone()
        if row is not None:
            return int(row[0])
    return None


def oldest_from(db: sqlite3.Connection, node_id: int, t: int) -> int | None:
    """The id of a node's oldest reading with a time from `t` (UTC s) on, hour after hour."""
    hours = db.execute(
        "SELECT DISTINCT period FROM spans WHERE period >= ? ORDER BY period", (t // PERIOD_S,)
    )
    for (hour,) in hours:
        since, until = max(t, hour * PERIOD_S), (hour + 1) * PERIOD_S - 1
        found = db.execute(f"{_ONE_OF_TIMES}, readings.id LIMIT 1", (since, until, node_id, since, until))
        row = found.fetchone()
        if row is not None:
            return int(row[0])
    return None


def unnoted(db: sqlite3.Connection) -> int:
    """How many pairs of period and span are missing. Reads the whole index: for a check."""
    (missing,) = db.execute(
        f"SELECT count(*) FROM (SELECT DISTINCT t / {PERIOD_S}, id >> {SPAN_BITS} FROM readings"  # noqa: S608
        " INDEXED BY readings_by_span WHERE t IS NOT NULL EXCEPT SELECT period, span FROM spans)"
    ).fetchone()
    return int(missing)
