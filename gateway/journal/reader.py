"""Reading the journal, while a gateway writes it or not: an own read-only connection per thread."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateway.journal.account import ledger_row, read_accounts
from gateway.journal.schema import JournalError, advice, open_reader
from gateway.journal.spans import READINGS_NEWEST_FIRST, READINGS_OF_TIMES
from gateway.reading import FIELDS, ReadingRow, StoredReading, from_row
from gateway.records import Account, LedgerRow, Quarantined

_ANY_ID = (1 << 63) - 1
_PLAIN = ("boot", "seq", "t", "tq", "up", "dt", "n", "slot", "model", "flags", *FIELDS)
_SELECT = (
    "SELECT readings.id, received_ms, network, name, "  # noqa: S608 - names from this file only
    + ", ".join(f"readings.{column}" for column in _PLAIN)
    + " FROM readings JOIN nodes ON nodes.id = readings.node_id"
)
_SELECT_ENTRY = (
    "SELECT id, received_ms, topic, node, boot, seq, reason, detail, payload, size, destination, fixed,"
    " fixed_topic, replayed_ms FROM quarantine"
)


class JournalReader:
    """A read-only view, for the thread that made it. Raises JournalError when the file is no journal.

    Its methods raise sqlite3.Error when the file is damaged or the like; out of a `with` that comes as
    JournalError, which names the file and what to do.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db = open_reader(path)

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> JournalReader:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self.close()
        if isinstance(error, sqlite3.Error):
            raise JournalError(f"journal {self._path}: cannot be read ({error}); {advice(error)}") from error

    def after(self, id: int, limit: int) -> list[StoredReading]:
        """The next readings after that id, in the order of ids."""
        return [from_row(row) for row in self.rows_after(id, limit)]

    def rows_after(self, id: int, limit: int, upto: int = _ANY_ID) -> list[ReadingRow]:
        """The same as rows, for those who need no more of a reading than to carry it on."""
        query = f"{_SELECT} WHERE readings.id > ? AND readings.id <= ? ORDER BY readings.id LIMIT ?"
        return self._db.execute(query, (id, upto, limit)).fetchall()

    def id_since(self, received_ms: int) -> int:
        """See the function."""
        return id_since(self._db, received_ms)

    def newest_id(self) -> int:
        row = self._db.execute("SELECT max(id) FROM readings").fetchone()
        return int(row[0] or 0)

    def waiting(self, destination: str) -> tuple[int, int | None]:
        """How many readings lie beyond the destination's cursor, and when (ms) the first of them came."""
        row = self._db.execute(
            "SELECT reading_id FROM cursors WHERE destination = ?", (destination,)
        ).fetchone()
        cursor = int(row[0]) if row else 0
        first = self._db.execute(
            "SELECT id, received_ms FROM readings WHERE id > ? ORDER BY id LIMIT 1", (cursor,)
        ).fetchone()
        return (0, None) if first is None else (self.newest_id() - int(first[0]) + 1, int(first[1]))

    def latest(self) -> list[StoredReading]:
        """The newest reading of every node and slot: by t, or by arrival where there is no t."""
        return self._readings(
            f"{_SELECT} JOIN latest ON latest.reading_id = readings.id ORDER BY name, readings.slot", ()
        )

    def series(self, node: str, since: int, until: int, limit: int = 5000) -> list[StoredReading]:
        """Readings of a node with since <= t <= until (UTC s), ascending t; the newest `limit` of them."""
        newest = self._readings(
            f"{_SELECT} WHERE readings.id IN (SELECT readings.id"  # noqa: S608
            f" FROM nodes CROSS JOIN {READINGS_OF_TIMES} WHERE nodes.name = ?"
            " AND readings.node_id = nodes.id AND readings.t BETWEEN ? AND ?"
            " ORDER BY readings.t DESC, readings.id DESC LIMIT ?) ORDER BY readings.t DESC, readings.id DESC",
            (since, until, node, since, until, limit),
        )
        return newest[::-1]

    def statuses(self) -> dict[str, dict[str, Any]]:
        """What is known of every node: online, boot, seen_ms, fw, sensors, and its last health message.

        A value is None when the node never told it. `online` alone may be stale: compare `seen_ms`.
        """
        rows = self._db.execute(
            "SELECT name, online, coalesce(seen.boot, status.boot), coalesce(seen.seen_ms, status.seen_ms),"
            " status, health FROM nodes LEFT JOIN status ON status.node_id = id LEFT JOIN seen"
            " ON seen.node_id = id WHERE status.node_id IS NOT NULL OR seen.node_id IS NOT NULL ORDER BY name"
        )
        found: dict[str, dict[str, Any]] = {}
        for name, online, boot, seen_ms, status_text, health_text in rows:
            status: dict[str, Any] = json.loads(status_text) if status_text else {}
            found[str(name)] = {
                "online": None if online is None else bool(online),
                "boot": boot,
                "seen_ms": seen_ms,
                "fw": status.get("fw"),
                "reset": status.get("reset"),
                "config": status.get("config"),
                "mode": status.get("mode"),
                "sensors": status.get("sensors", []),
                "health": json.loads(health_text) if health_text else None,
            }
        return found

    def status_texts(
        self, network: str
    ) -> list[tuple[str, int | None, int | None, int | None, str | None, str | None]]:
        """(node, online, boot, seen_ms, status, health), the last two in JSON."""
        return self._db.execute(
            "SELECT name, online, coalesce(seen.boot, status.boot), coalesce(seen.seen_ms, status.seen_ms),"
            " status, health FROM status JOIN nodes ON id = status.node_id"
            " LEFT JOIN seen ON seen.node_id = id WHERE network = ?",
            (network,),
        ).fetchall()

    def ledger(self, node: str | None = None, since: int | None = None) -> list[LedgerRow]:
        """Born, stored, quarantined and missing readings of each boot, ordered by node and boot.

        With `since` (UTC seconds), a boot counts from the seq after its last reading that is older; pruned
        readings are known by ranges only, so a `since` within one counts all of it. What is born is the
        higher of the node's own claim and the highest seq held. Pruned readings count as stored.
        """
        found = sorted(self.accounts(node, since).items(), key=lambda each: (each[0][1], each[0]))
        rows = (ledger_row(name, boot, [account], since) for (_, name, boot), account in found)
        return [row for row in rows if row is not None]

    def accounts(
        self, node: str | None = None, since: int | None = None
    ) -> dict[tuple[str, str, int], Account]:
        """What a ledger over several journals is made of, by network, node and boot."""
        # One transaction: all is of the same moment.
        self._db.execute("BEGIN")
        try:
            return read_accounts(self._db, node, since)
        finally:
            self._db.execute("COMMIT")

    def quarantined(
        self, limit: int = 100, node: str | None = None, *, open: bool = False
    ) -> list[Quarantined]:
        """The newest entries of the quarantine, newest first; `open`: only those not replayed."""
        rows = self._db.execute(
            f"{_SELECT_ENTRY} WHERE (? IS NULL OR node = ?) AND (replayed_ms IS NULL OR NOT ?)"
            " ORDER BY id DESC LIMIT ?",
            (node, node, open, limit),
        )
        return [Quarantined(*row) for row in rows]

    def waiting_in_quarantine(self, reason: str, node: str | None = None) -> list[int]:
        """Ids of the entries of that reason that are not replayed, oldest first."""
        query = (
            "SELECT id FROM quarantine WHERE reason = ? AND (? IS NULL OR node = ?) AND replayed_ms IS NULL"
            " ORDER BY id"
        )
        return [int(id) for (id,) in self._db.execute(query, (reason, node, node))]

    def entry(self, id: int) -> Quarantined | None:
        """One entry of the quarantine."""
        row = self._db.execute(f"{_SELECT_ENTRY} WHERE id = ?", (id,)).fetchone()
        return Quarantined(*row) if row else None

    def dropped(self) -> dict[str, int]:
        """How many entries the quarantine's bound has pushed out, by reason."""
        return dict(self._db.execute("SELECT reason, entries FROM quarantine_dropped ORDER BY reason"))

    def identified(self, node: str, boot: int, seq: int) -> list[StoredReading]:
        """The reading of an identity; one of each network that has such a node."""
        return self._readings(
            f"{_SELECT} WHERE readings.id IN (SELECT readings.id"  # noqa: S608
            f" FROM nodes CROSS JOIN {READINGS_NEWEST_FIRST} WHERE nodes.name = ?"
            " AND readings.node_id = nodes.id AND boot = ? AND seq = ?)",
            (node, boot, seq),
        )

    def _readings(self, query: str, values: Sequence[object]) -> list[StoredReading]:
        return [from_row(row) for row in self._db.execute(query, tuple(values))]


def id_since(db: sqlite3.Connection, received_ms: int) -> int:
    """The first id of what came at that time or later, one beyond the newest when nothing did. Ids follow
    the times of arrival closely enough to search by them."""
    # Each by itself is one look; asked for together SQLite reads the whole table.
    row = db.execute("SELECT (SELECT min(id) FROM readings), (SELECT max(id) FROM readings)").fetchone()
    low, high = int(row[0] or 1), int(row[1] or 0) + 1
    while low < high:
        middle = (low + high) // 2
        at = db.execute(
            "SELECT id, received_ms FROM readings WHERE id >= ? ORDER BY id LIMIT 1", (middle,)
        ).fetchone()
        if at is None or at[1] >= received_ms:
            high = middle
        else:
            low = int(at[0]) + 1
    return low
