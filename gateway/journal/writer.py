"""The journal: the one writer of the SQLite file that holds everything the gateway has accepted.

`commit` is the moment after which a reading may be acknowledged. A duplicate changes nothing.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal

from gateway import extents
from gateway.bell import Bell
from gateway.extents import Range
from gateway.journal import integrity, rows, spans
from gateway.journal.held import node_ids
from gateway.journal.schema import JournalError, advice, is_damage, lock_for_writing, open_writer
from gateway.reading import StoredReading
from gateway.records import Batch, Committed, NewReading, Rejected, Sighting

# A second reading under an identity that is taken: kept, but not as a reading.
CONFLICT = "conflict"
# Said no to by a destination: the reading stays in the journal.
REFUSED = "refused"
# How many pairs of spans and periods: a commit has one or two, until a backlog comes.
_SPANS_KEPT = 4096
# How many boots' ranges are remembered between commits: more than a large network's nodes, some 20 MB.
_EXTENTS_KEPT = 65536
_ORIGIN = attrgetter("node", "boot")


class NotReplayedError(Exception):
    """Replaying an entry of the quarantine would store nothing; the message says why."""


@dataclass(slots=True)
class _Pending:
    """What a commit writes once, at its end. Keys are (node_id, boot) and (node_id, slot).

    A replay also stores what is held as quarantined.
    """

    replay: bool = False
    # Readings that are stored now, by this commit or before it.
    good: int = 0
    # The next reading's id, and rows that are still to be written.
    next_id: int = 0
    readings: list[tuple[object, ...]] = field(default_factory=list[tuple[object, ...]])
    spans: set[tuple[int, int]] = field(default_factory=set[tuple[int, int]])
    before: dict[tuple[int, int], list[Range]] = field(default_factory=dict[tuple[int, int], list[Range]])
    newest: dict[tuple[int, str], tuple[int, int]] = field(
        default_factory=dict[tuple[int, str], tuple[int, int]]
    )


class Journal:
    """The writer. One per file at a time; its methods may be called from any thread.

    Raises JournalError when the file cannot be opened; `commit` and `delivered` raise sqlite3.Error when the
    disk is full or the like, and then nothing of the call has happened.
    """

    def __init__(self, path: Path, *, synchronous: Literal["FULL", "NORMAL"] = "FULL") -> None:
        self.path = path
        self.bell = Bell()
        self._mutex = threading.RLock()
        self._lock_file = lock_for_writing(path)
        try:
            self._db = open_writer(path, synchronous)
        except JournalError:
            self._lock_file.close()
            raise
        try:
            self.checked = integrity.check_at_start(self._db, path)
        except JournalError:
            self._db.close()
            self._lock_file.close()
            raise
        # Why nothing can be written any more; None while the file is sound.
        self.damage: str | None = None
        self._file = _file_at(path)
        self._nodes: dict[tuple[str, str], int] = {}
        self._held: dict[tuple[int, int], list[Range]] = {}
        self._spans: set[tuple[int, int]] = set()

    def close(self) -> None:
        with self._mutex:
            if self.damage is None and _file_at(self.path) == self._file:
                integrity.mark_clean(self._db)
            self._db.close()
            self._lock_file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def commit(self, batch: Batch) -> Committed:
        """Write the batch in one transaction and return what became of it."""
        done = Committed()
        with self.writing():
            self._take(batch, _Pending(), done)
        self.bell.ring()
        return done

    def replay(self, entry: int, batch: Batch) -> Committed:
        """Store what an entry of the quarantine has become, and mark the entry; both or neither.

        Raises NotReplayedError when nothing of it is good.
        """
        done = Committed()
        with self.writing() as db:
            pending = _Pending(replay=True)
            self._take(batch, pending, done)
            if not (pending.good or batch.claims):
                raise NotReplayedError(done.why or "there is no reading in it")
            rows.mark_replayed(db, entry)
        self.bell.ring()
        return done

    def _take(self, batch: Batch, pending: _Pending, done: Committed) -> None:
        pending.next_id = rows.last_id(self._db) + 1
        # A message's readings come one after the other.
        for (node, boot), readings in groupby(batch.readings, _ORIGIN):
            self._take_readings(self._node_id(batch.network, node), node, boot, readings, pending, done)
        self._write(pending)
        for rejected in batch.rejected:
            self._take_rejected(batch.network, rejected, pending, done)
        rows.write_extents(self._db, [(key, old, self._held[key]) for key, old in pending.before.items()])
        spans.note(self._db, pending.spans - self._spans)
        rows.raise_latest(self._db, [(*key, *newest) for key, newest in pending.newest.items()])
        for claim in batch.claims:
            rows.raise_claim(self._db, self._node_id(batch.network, claim.node), claim)
        self._take_sightings(batch)
        # Copies: the lists grow with later commits.
        done.held = {key: list(ranges) for key, ranges in done.held.items()}
        if len(self._held) > _EXTENTS_KEPT:
            self._held.clear()
        if len(self._spans) > _SPANS_KEPT:
            self._spans.clear()
        self._spans |= pending.spans

    def _write(self, pending: _Pending) -> None:
        """Have the readings taken so far in the table: many at once cost little more than one."""
        rows.insert_readings(self._db, pending.readings)
        pending.readings.clear()

    def _take_sightings(self, batch: Batch) -> None:
        """In their order for each node; of those that tell no more than the boot the last is enough."""
        plain: dict[int, Sighting] = {}
        for seen in batch.sightings:
            node_id = self._node_id(batch.network, seen.node)
            if seen.live and seen.online is None and seen.status is None and seen.health is None:
                plain[node_id] = seen
                continue
            if node_id in plain:
                rows.update_status(self._db, node_id, plain.pop(node_id))
            rows.update_status(self._db, node_id, seen)
        rows.update_seen(self._db, plain)

    def cursor(self, destination: str) -> int:
        """Id of the last reading delivered to that destination; 0 at first."""
        with self._mutex:
            row = self._db.execute(
                "SELECT reading_id FROM cursors WHERE destination = ?", (destination,)
            ).fetchone()
        return int(row[0]) if row else 0

    def delivered(
        self, destination: str, upto: int, refused: Sequence[tuple[StoredReading, str]] = ()
    ) -> None:
        """Move the cursor, and list what the destination refused for good; both or neither."""
        with self.writing() as db:
            for it, why in refused:
                payload = _compact(rows.as_item(it))
                entry = Rejected(
                    rows.now_ms(), "", it.node, it.boot, it.seq, REFUSED, why, payload, len(payload)
                )
                # Refused once more after a restart, when the cursor was behind it.
                if not rows.is_quarantined(db, entry, destination):
                    rows.insert_rejected(db, entry, destination)
            rows.set_cursor(db, destination, upto)

    def _take_readings(
        self,
        node_id: int,
        node: str,
        boot: int,
        readings: Iterable[NewReading],
        pending: _Pending,
        done: Committed,
    ) -> None:
        """Take readings of one boot of a node."""
        held = done.held[node, boot] = self._ranges(node_id, boot, pending)
        named = done.named.setdefault((node, boot), set())
        for new in readings:
            named.add(new.seq)
            fresh = extents.add(held, new.seq)
            if not fresh:
                self._write(pending)  # one that it is compared with may be in this batch
            if fresh or (pending.replay and not rows.is_stored(self._db, node_id, boot, new.seq)):
                reading_id = pending.next_id
                pending.next_id += 1
                pending.readings.append(rows.reading_row(reading_id, node_id, new))
                if new.t is not None:
                    pending.spans.add(spans.key(reading_id, new.t))
                at = new.received_ms // 1000 if new.t is None else new.t
                newest = pending.newest.get((node_id, new.slot))
                if newest is None or at >= newest[0]:
                    pending.newest[node_id, new.slot] = (at, reading_id)
                done.stored += 1
                pending.good += 1
            elif rows.is_another_reading(self._db, node_id, new):
                self._keep_conflict(new, done)
            else:
                done.duplicates += 1
                pending.good += 1

    def _keep_conflict(self, new: NewReading, done: Committed) -> None:
        payload = _compact(rows.as_item(new))
        detail = (
            f"another reading of node {new.node} is stored as boot {new.boot}, seq {new.seq}; "
            "was the node's flash erased? Give the node a new name or a higher boot count"
        )
        size = len(payload)
        done.why = detail
        entry = Rejected(new.received_ms, "", new.node, new.boot, new.seq, CONFLICT, detail, payload, size)
        if rows.is_quarantined(self._db, entry):
            done.duplicates += 1
        else:
            self._keep_rejected(entry, done)

    def _take_rejected(self, network: str, it: Rejected, pending: _Pending, done: Committed) -> None:
        done.why = it.detail
        if it.node is not None and it.boot is not None and it.seq is not None:
            held = self._ranges(self._node_id(network, it.node), it.boot, pending)
            done.held[it.node, it.boot] = held
            done.named.setdefault((it.node, it.boot), set()).add(it.seq)
            if not extents.add(held, it.seq) and rows.is_quarantined(self._db, it):
                done.duplicates += 1
                return
        self._keep_rejected(it, done)

    def _keep_rejected(self, it: Rejected, done: Committed) -> None:
        rows.insert_rejected(self._db, it)
        done.quarantined[it.reason] = done.quarantined.get(it.reason, 0) + 1

    @contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """One transaction, all or nothing, also for what is remembered between commits.

        For the journal's own housekeeping; the connection is the caller's until the end of the block only.
        """
        with self._mutex:
            if self.damage is not None:
                raise sqlite3.DatabaseError(self.damage)
            if _file_at(self.path) != self._file:
                # SQLite would write on into a file without a name, which is gone at the end.
                raise sqlite3.OperationalError(
                    "the file was moved away or replaced; stop the gateway, put it back, start again"
                )
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
            except BaseException as error:
                self._nodes.clear()
                self._held.clear()
                self._spans.clear()
                # SQLite has rolled back by itself after some errors, a full disk among them.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                if isinstance(error, sqlite3.DatabaseError) and is_damage(error):
                    self.damage = f"{error}; {advice(error)}"
                    raise sqlite3.DatabaseError(self.damage) from error
                raise

    def _node_id(self, network: str, node: str) -> int:
        if not self._nodes:  # all at once: thousands of nodes come back with the gateway
            self._nodes = node_ids(self._db)
        found = self._nodes.get((network, node))
        if found is None:
            made = self._db.execute("INSERT INTO nodes (network, name) VALUES (?, ?)", (network, node))
            found = self._nodes[network, node] = int(made.lastrowid or 0)
        return found

    def _ranges(self, node_id: int, boot: int, pending: _Pending) -> list[Range]:
        """The held ranges to add to; the first call of a commit notes how they were before it."""
        key = (node_id, boot)
        held = self._held.get(key)
        if held is None:
            held = self._held[key] = rows.read_extents(self._db, node_id, boot)
        if key not in pending.before:
            pending.before[key] = list(held)
        return held


def _file_at(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _compact(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
