"""Read the rows of a damaged table: around a place that does not read, and from both ends."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Iterator
from typing import Any

Row = tuple[Any, ...]
_HIGHEST_ID = 1 << 62


class Rows(Iterator[Row]):
    """The rows that read. `damaged` counts, once they are through, the places at which reading failed."""

    def __init__(self, read: Callable[[Rows], Generator[Row]]) -> None:
        self.damaged = 0
        self._rows = read(self)

    def __iter__(self) -> Rows:
        return self

    def __next__(self) -> Row:
        return next(self._rows)


def read_by_id(db: sqlite3.Connection, table: str, key: str, columns: str, top: int = _HIGHEST_ID) -> Rows:
    """A table with a whole number as its key, in order; what is behind a damaged page is found by number.

    A row with a number above `top` is left out: it is none.
    """
    query = f"SELECT {key}, {columns} FROM {table} WHERE {key} > ? ORDER BY {key}"  # noqa: S608

    def reads_behind(at: int) -> bool:
        try:
            db.execute(f"{query} LIMIT 1", (at,)).fetchone()
        except sqlite3.DatabaseError:
            return False
        return True

    def read(rows: Rows) -> Generator[Row]:
        at = -1
        while True:
            try:
                for row in db.execute(query, (at,)):
                    if row[0] > top:
                        continue
                    at = row[0]
                    yield row[1:]
            except sqlite3.DatabaseError:
                rows.damaged += 1
                behind = _first_good(reads_behind, at)
                if behind is None:
                    return
                at = behind
            else:
                return

    return Rows(read)


def _first_good(reads_behind: Callable[[int], bool], at: int) -> int | None:
    """The lowest number above `at` behind which a row reads, by doubling the step and then halving it."""
    bad, step = at, 1
    while not reads_behind(at + step):
        bad, step = at + step, step * 2
        if step > _HIGHEST_ID:
            return None
    good = at + step
    while good - bad > 1:
        middle = (good + bad) // 2
        if reads_behind(middle):
            good = middle
        else:
            bad = middle
    return good


def read_all(db: sqlite3.Connection, table: str, key: str, columns: str) -> Rows:
    """Any table: from its beginning to the first place that does not read, then from its end."""
    backwards = ", ".join(f"{part} DESC" for part in key.split(", "))

    def read(rows: Rows) -> Generator[Row]:
        seen: set[Row] = set()
        for order in (key, backwards):
            try:
                for row in db.execute(f"SELECT {columns} FROM {table} ORDER BY {order}"):  # noqa: S608
                    if order == key:
                        seen.add(row)
                    elif row in seen:
                        return
                    yield row
            except sqlite3.DatabaseError:
                rows.damaged += 1
            else:
                return

    return Rows(read)


def top_id(old: sqlite3.Connection, table: str) -> dict[str, int]:
    """The highest id ever given, as an argument; none when that does not read."""
    found = [seq for name, seq in read_all(old, "sqlite_sequence", "rowid", "name, seq") if name == table]
    return {"top": found[0]} if found and type(found[0]) is int else {}
