"""The journal's statements: one record in, its row written. The caller holds the transaction."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from itertools import chain
from typing import Any

from gateway.extents import Range
from gateway.journal.spans import READINGS_NEWEST_FIRST
from gateway.reading import FIELDS, StoredReading
from gateway.records import Claim, NewReading, Rejected, Sighting

_COLUMNS = (
    *("received_ms", "node_id", "boot", "seq", "t", "tq", "up", "dt", "n", "slot", "model", "flags"),
    *FIELDS,
)
# Rows that one statement writes. Python's lock is let go and taken again at each statement: row by row,
# a commit waits at each row for whatever thread runs meanwhile. SQLite takes at least 32,766 values.
_TOGETHER = 250


class _Together:
    """A statement for many rows: what stands before and behind VALUES, and the number of columns."""

    def __init__(self, before: str, columns: int, behind: str = "") -> None:
        row = f"({', '.join('?' * columns)})"
        self._one = f"{before} VALUES {row}{behind}"
        self._many = f"{before} VALUES {row}{f', {row}' * (_TOGETHER - 1)}{behind}"

    def run(self, db: sqlite3.Connection, rows: Sequence[tuple[object, ...]]) -> None:
        together = len(rows) - len(rows) % _TOGETHER
        for first in range(0, together, _TOGETHER):
            db.execute(self._many, list(chain.from_iterable(rows[first : first + _TOGETHER])))
        db.executemany(self._one, rows[together:])


_INSERT_READINGS = _Together(
    f"INSERT OR ROLLBACK INTO readings (id, {', '.join(_COLUMNS)})",
    1 + len(_COLUMNS),
)
_RAISE_LATEST = _Together(
    "INSERT INTO latest",
    4,
    " ON CONFLICT DO UPDATE SET at = excluded.at, reading_id = excluded.reading_id WHERE excluded.at >= at",
)
_UPDATE_SEEN = _Together(
    "INSERT INTO seen",
    3,
    " ON CONFLICT DO UPDATE SET boot = coalesce(excluded.boot, boot),"
    " seen_ms = coalesce(excluded.seen_ms, seen_ms)",
)
_INSERT_QUARANTINE = (
    "INSERT INTO quarantine (received_ms, topic, node, boot, seq, reason, detail, payload, size, destination)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
# SQLite stores a NaN as NULL. Python takes eight times as long to hand over a None, of which a reading has a
# dozen: it looks for an adapter for each. No value is a NaN: the contract refuses it.
_NO_VALUES = (float("nan"),) * len(FIELDS)
# What must be equal in two messages of the same reading. `t` and `tq` are left out: a node may work the time
# out between two attempts to send.
_SAME = ("up", "dt", "n", "slot", *FIELDS)
_IDENTIFIED = f"FROM {READINGS_NEWEST_FIRST} WHERE node_id = ?1 AND boot = ?2 AND seq = ?3"
_SELECT_SAME = f"SELECT {', '.join(_SAME)} {_IDENTIFIED} LIMIT 1"

_NOT_AS_REMEMBERED = "the journal holds other seqs than those that are remembered"
# Only the last range grows, and it ends where it is remembered to end.
_GROW = (
    "UPDATE extents SET last = ?1 WHERE node_id = ?2 AND boot = ?3 AND first = ?4 AND last = ?5"
    " AND NOT EXISTS (SELECT 1 FROM extents AS above"
    " WHERE above.node_id = ?2 AND above.boot = ?3 AND above.first > ?4)"
)


def last_id(db: sqlite3.Connection) -> int:
    """The highest id that a reading ever had: ids are never used twice, see schema.py."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'readings'").fetchone()
    return int(row[0]) if row else 0


def reading_row(id: int, node_id: int, new: NewReading) -> tuple[object, ...]:
    """What insert_readings takes."""
    return (
        id,
        new.received_ms,
        node_id,
        new.boot,
        new.seq,
        new.t,
        new.tq,
        new.up,
        new.dt,
        new.n,
        new.slot,
        new.model,
        " ".join(new.flags),
        *map(new.values.get, FIELDS, _NO_VALUES),
    )


def insert_readings(db: sqlite3.Connection, rows: Sequence[tuple[object, ...]]) -> None:
    _INSERT_READINGS.run(db, rows)


def is_another_reading(db: sqlite3.Connection, node_id: int, new: NewReading) -> bool:
    """Whether the stored reading of this identity differs, as after a node's flash was erased."""
    row = db.execute(_SELECT_SAME, (node_id, new.boot, new.seq)).fetchone()
    if row is not None:
        return tuple(row) != (new.up, new.dt, new.n, new.slot, *map(new.values.get, FIELDS))
    # Of a pruned one only its time is known: later than all of its range is another.
    pruned = db.execute(
        "SELECT 1 FROM gone WHERE node_id = ? AND boot = ? AND was = 'stored' AND ? BETWEEN first AND last"
        " AND newest_t < ?",
        (node_id, new.boot, new.seq, new.t),
    ).fetchone()
    return pruned is not None


def is_stored(db: sqlite3.Connection, node_id: int, boot: int, seq: int) -> bool:
    """Whether this identity is that of a stored reading, be it pruned since; else it may be quarantined."""
    row = db.execute(
        "SELECT 1 FROM gone WHERE node_id = ?1 AND boot = ?2 AND was = 'stored'"  # noqa: S608
        f" AND ?3 BETWEEN first AND last UNION ALL SELECT 1 {_IDENTIFIED} LIMIT 1",
        (node_id, boot, seq),
    ).fetchone()
    return row is not None


def as_item(it: NewReading | StoredReading) -> dict[str, Any]:
    """A reading as it stands in a message of the contract."""
    plain = {"seq": it.seq, "t": it.t, "tq": it.tq, "up": it.up, "dt": it.dt, "n": it.n}
    return {**plain, "slot": it.slot, "model": it.model, "flags": list(it.flags), **it.values}


def is_quarantined(db: sqlite3.Connection, it: Rejected, destination: str | None = None) -> bool:
    row = db.execute(
        "SELECT 1 FROM quarantine WHERE node = ? AND boot = ? AND seq = ? AND reason = ? AND payload = ?"
        " AND destination IS ?",
        (it.node, it.boot, it.seq, it.reason, it.payload, destination),
    ).fetchone()
    return row is not None


def insert_rejected(db: sqlite3.Connection, it: Rejected, destination: str | None = None) -> None:
    values = (it.received_ms, it.topic, it.node, it.boot, it.seq, it.reason, it.detail, it.payload, it.size)
    db.execute(_INSERT_QUARANTINE, (*values, destination))


def mark_replayed(db: sqlite3.Connection, entry: int) -> None:
    db.execute("UPDATE quarantine SET replayed_ms = ? WHERE id = ?", (now_ms(), entry))


def keep_fix(db: sqlite3.Connection, entry: int, topic: str, message: str) -> bool:
    """Keep a corrected message beside what came; False when there is no such entry that waits."""
    changed = db.execute(
        "UPDATE quarantine SET fixed = ?, fixed_topic = ? WHERE id = ? AND replayed_ms IS NULL",
        (message, topic, entry),
    )
    return changed.rowcount > 0


def set_cursor(db: sqlite3.Connection, destination: str, upto: int) -> None:
    db.execute(
        "INSERT INTO cursors (destination, reading_id, seen_ms) VALUES (?, ?, ?) ON CONFLICT DO UPDATE"
        " SET reading_id = excluded.reading_id, seen_ms = excluded.seen_ms",
        (destination, upto, now_ms()),
    )


def raise_latest(db: sqlite3.Connection, newest: Sequence[tuple[int, str, int, int]]) -> None:
    """Make readings the newest of their node and slot, unless a newer one is: node_id, slot, at, id each."""
    _RAISE_LATEST.run(db, newest)


def raise_claim(db: sqlite3.Connection, node_id: int, claim: Claim) -> None:
    """The highest claim of a boot stands: health messages may arrive late."""
    db.execute(
        "INSERT INTO claims VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
        " SET last = max(last, excluded.last), seen_ms = excluded.seen_ms",
        (node_id, claim.boot, claim.last, claim.received_ms),
    )


def update_status(db: sqlite3.Connection, node_id: int, seen: Sighting) -> None:
    health = seen.health
    if health is not None:
        # A crash is sent once: it stays, with the time it came, until the next one.
        if "crash" in health:
            health = {**health, "crash_ms": seen.received_ms}
        else:
            health = {**_last_crash(db, node_id), **health}
    db.execute(
        "INSERT INTO status (node_id, online, boot, seen_ms, status, health) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET online = coalesce(excluded.online, online),"
        " boot = coalesce(excluded.boot, boot), seen_ms = coalesce(excluded.seen_ms, seen_ms),"
        " status = coalesce(excluded.status, status), health = coalesce(excluded.health, health)",
        (
            node_id,
            seen.online,
            seen.boot,
            seen.received_ms if seen.live else None,
            _json(seen.status),
            _json(health),
        ),
    )
    _UPDATE_SEEN.run(db, [(node_id, seen.boot, seen.received_ms if seen.live else None)])


def update_seen(db: sqlite3.Connection, seen: dict[int, Sighting]) -> None:
    """Sightings by node_id that tell when a node was there, and in which boot."""
    _UPDATE_SEEN.run(db, [(node_id, each.boot, each.received_ms) for node_id, each in seen.items()])


def _last_crash(db: sqlite3.Connection, node_id: int) -> dict[str, Any]:
    row = db.execute("SELECT health FROM status WHERE node_id = ?", (node_id,)).fetchone()
    if row is None or row[0] is None or '"crash"' not in row[0]:
        return {}
    held: dict[str, Any] = json.loads(row[0])
    return {name: held[name] for name in ("crash", "crash_ms") if name in held}


def read_extents(db: sqlite3.Connection, node_id: int, boot: int) -> list[Range]:
    rows: list[Range] = db.execute(
        "SELECT first, last FROM extents WHERE node_id = ? AND boot = ? ORDER BY first", (node_id, boot)
    ).fetchall()
    return rows


def write_extents(
    db: sqlite3.Connection, changed: Sequence[tuple[tuple[int, int], list[Range], list[Range]]]
) -> None:
    """Write what changed of (node_id, boot), before and after: commonly one range that grew.

    `before` must be what the file says, and sqlite3.IntegrityError tells that it is not. So a seq that was
    added to it was not held, by the file's own word, and no reading is stored twice.
    """
    grown: list[tuple[int, int, int, int, int]] = []
    for (node_id, boot), before, after in changed:
        if before and before[:-1] == after[:-1] and before[-1][0] == after[-1][0]:
            first, last = after[-1]
            if last != before[-1][1]:
                grown.append((last, node_id, boot, first, before[-1][1]))
            continue
        if before == after:
            continue
        if read_extents(db, node_id, boot) != before:
            raise sqlite3.IntegrityError(_NOT_AS_REMEMBERED)
        old, new = set(before), set(after)
        gone = [(node_id, boot, first) for first, _ in old - new]
        db.executemany("DELETE FROM extents WHERE node_id = ? AND boot = ? AND first = ?", gone)
        made = [(node_id, boot, *each) for each in new - old]
        db.executemany("INSERT INTO extents VALUES (?, ?, ?, ?)", made)
    if grown and db.executemany(_GROW, grown).rowcount != len(grown):
        raise sqlite3.IntegrityError(_NOT_AS_REMEMBERED)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def _json(value: dict[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value, separators=(",", ":"))
