"""A damaged journal's readings: as the table gives them, and below lost inner pages as they lie there."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from gateway.contract import MAX_SEQ
from gateway.journal import rows
from gateway.journal.pages import rows_on_pages
from gateway.journal.rescue import read_by_id, top_id
from gateway.reading import FIELDS

# A row that reads, but as no reading.
REASON = "salvage"
# A damaged file may have two rows of one identity; while rows are taken over, the new file refuses that.
UNIQUE = "CREATE UNIQUE INDEX only_once ON readings (node_id, boot, seq)"
NO_LONGER_UNIQUE = "DROP INDEX only_once"
_TEXTS = ("tq", "slot", "model", "flags")
_WHOLE = ("id", "received_ms", "node_id", "boot", "seq", "up", "dt", "n")


def salvage_readings(path: Path, old: sqlite3.Connection, new: sqlite3.Connection) -> Readings:
    """Take over what reads, in the order of ids; then what only lies on some page."""
    columns = [str(row[1]) for row in new.execute("PRAGMA table_info(readings)")]
    into = Readings(new, columns)
    found = read_by_id(old, "readings", "id", ", ".join(columns), **top_id(old, "readings"))
    for row in found:
        into.take(dict(zip(columns, row, strict=True)))
    if found.damaged:
        for id, row in rows_on_pages(path, _page_size(old), len(columns), into.lacks):
            values = dict(zip(columns, row, strict=True))
            # SQLite writes a float that is a whole number as one.
            whole = {name: float(values[name]) for name in FIELDS if type(values[name]) is int}
            into.take_found({**values, **whole, "id": id})
        into.damaged = found.damaged
    return into


class Readings:
    """The new file's readings: good ones go in, the others into the quarantine.

    `damaged` counts the places that did not read.
    """

    def __init__(self, new: sqlite3.Connection, columns: list[str]) -> None:
        self._new = new
        self._insert = f"INSERT INTO readings VALUES ({', '.join(f':{name}' for name in columns)})"  # noqa: S608
        self._nodes = {int(row[0]) for row in new.execute("SELECT id FROM nodes")}
        self.kept = self.oddities = self.damaged = 0

    def lacks(self, id: int) -> bool:
        return self._new.execute("SELECT 1 FROM readings WHERE id = ?", (id,)).fetchone() is None

    def take(self, values: dict[str, Any]) -> None:
        odd = _oddity(values, self._nodes)
        if odd is None:
            try:
                self._new.execute(self._insert, values)
                self.kept += 1
                return
            except sqlite3.IntegrityError:
                odd = "another row is stored under its identity"
        _set_aside(self._new, values, odd)
        self.oddities += 1

    def take_found(self, values: dict[str, Any]) -> None:
        """A row from a page of which nobody knows whether it was in use: a pruned one must stay away."""
        if _oddity(values, self._nodes) is None and not rows.is_stored(
            self._new, values["node_id"], values["boot"], values["seq"]
        ):
            self.take(values)


def _page_size(old: sqlite3.Connection) -> int:
    """Of the file, into which everything of its log is written first."""
    old.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return int(old.execute("PRAGMA page_size").fetchone()[0])


def _oddity(values: dict[str, Any], nodes: set[int]) -> str | None:
    """Why a row is no reading; None when it is one."""
    for name in _WHOLE:
        if type(values[name]) is not int:
            return f"{name} is no whole number"
    for name in _TEXTS:
        if not isinstance(values[name], str) or "\ufffd" in values[name]:
            return f"{name} is no text"
    if not all(values[name] is None or isinstance(values[name], float) for name in FIELDS):
        return "a value is no number"
    if not (values["t"] is None or type(values["t"]) is int):
        return "t is no whole number"
    if not (1 <= values["seq"] <= MAX_SEQ and 1 <= values["boot"] <= MAX_SEQ):
        return "seq or boot is out of range"
    if values["node_id"] not in nodes:
        return f"its node, number {values['node_id']}, has no name any more"
    return None


def _set_aside(new: sqlite3.Connection, values: dict[str, Any], why: str) -> None:
    payload = json.dumps(
        {name: value for name, value in values.items() if value is not None}, default=repr
    ).encode()
    new.execute(
        "INSERT INTO quarantine (received_ms, topic, reason, detail, payload, size)"
        " VALUES (?, '', ?, ?, ?, ?)",
        (rows.now_ms(), REASON, f"a row of the damaged journal: {why}", payload, len(payload)),
    )
