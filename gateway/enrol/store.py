"""Who is enrolled, where they stand, and one-time codes: one SQLite file, readable for its owner only.

It holds no secret: of a code its SHA-256, of a node's secret nothing. Deleted rows are overwritten.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.places import AnyPlace, place_of

# A change at the broker may take a while, and others wait for their turn.
_PATIENCE_S = 60.0
_LAYOUT = 1
_TABLES = """
CREATE TABLE nodes (
    name TEXT PRIMARY KEY, state TEXT NOT NULL, made INTEGER NOT NULL, changed INTEGER NOT NULL,
    code INTEGER, label TEXT, lat REAL, lon REAL, precision TEXT, district TEXT
) STRICT;
CREATE TABLE codes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE, made INTEGER NOT NULL,
    expires INTEGER NOT NULL, used INTEGER, node TEXT
) STRICT;
"""


class StoreError(Exception):
    """The file cannot be used; the message says why and what to do."""


@dataclass(slots=True, frozen=True)
class Enrolled:
    """A node; times in UTC s. `code`: number of the one-time code that it came by, None for a command."""

    name: str
    state: str  # enrolled, revoked
    made: int
    changed: int
    code: int | None
    precision: str | None


@dataclass(slots=True, frozen=True)
class CodeRow:
    """A one-time code; times in UTC s."""

    id: int
    made: int
    expires: int
    used: int | None
    node: str | None


class Store:
    """Use it with `with`: one change at a time over all processes, kept when the block ends without an error.

    Raises StoreError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection | None = None

    def __enter__(self) -> Store:
        with _told(self._path):
            if not self._path.exists():
                # Before SQLite would make it readable for others.
                os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600))
                if os.geteuid() == 0:
                    # Root may type the command; the gateway that owns the directory must be able to read it.
                    home = self._path.absolute().parent.stat()
                    os.chown(self._path, home.st_uid, home.st_gid)
            self._db = db = sqlite3.connect(self._path, timeout=_PATIENCE_S, isolation_level=None)
            try:
                db.execute("PRAGMA secure_delete = ON")
                db.execute("BEGIN IMMEDIATE")
                if not _layout(db, self._path):
                    for statement in _TABLES.split(";"):
                        db.execute(statement)
                    db.execute(f"PRAGMA user_version = {_LAYOUT}")
            except BaseException:
                db.close()
                raise
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        with _told(self._path):
            try:
                self._run("COMMIT" if kind is None else "ROLLBACK")
            finally:
                if self._db is not None:
                    self._db.close()

    def state(self, name: str) -> str | None:
        """enrolled, revoked, or None for a name that was never seen."""
        row = self._run("SELECT state FROM nodes WHERE name = ?", name).fetchone()
        return None if row is None else str(row[0])

    def put(self, name: str, state: str, place: AnyPlace | None, code: int | None = None) -> None:
        """A node as it is from now on. Who is revoked has no place."""
        now = int(time.time())
        has: dict[str, Any] = {} if place is None or state == "revoked" else place.model_dump()
        self._run(
            "INSERT INTO nodes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
            "state = excluded.state, changed = excluded.changed, label = excluded.label, lat = excluded.lat, "
            "lon = excluded.lon, precision = excluded.precision, district = excluded.district, "
            "code = coalesce(excluded.code, code)",
            *(name, state, now, now, code),
            *(has.get(key) for key in ("label", "lat", "lon", "precision", "district")),
        )

    def nodes(self) -> list[Enrolled]:
        rows = self._run("SELECT name, state, made, changed, code, precision FROM nodes ORDER BY name")
        return [Enrolled(*row) for row in rows]

    def place(self, name: str) -> AnyPlace | None:
        return self.places().get(name)

    def places(self) -> dict[str, AnyPlace]:
        return _places(self._run(_PLACES))

    def add_code(self, hashed: bytes, expires: int) -> int:
        """The new code's number."""
        row = self._run(
            "INSERT INTO codes (hash, made, expires) VALUES (?, ?, ?) RETURNING id",
            *(hashed, int(time.time()), expires),
        ).fetchone()
        return int(row[0])

    def usable_code(self, hashed: bytes) -> int | None:
        """The number of a code that may be used now."""
        row = self._run(
            "SELECT id FROM codes WHERE hash = ? AND used IS NULL AND expires > ?", hashed, int(time.time())
        ).fetchone()
        return None if row is None else int(row[0])

    def use_code(self, id: int, node: str) -> None:
        self._run("UPDATE codes SET used = ?, node = ? WHERE id = ?", int(time.time()), node, id)

    def drop_code(self, id: int) -> bool:
        """True when there was such a code and nobody had used it."""
        return self._run("DELETE FROM codes WHERE id = ? AND used IS NULL", id).rowcount == 1

    def codes(self) -> list[CodeRow]:
        return [
            CodeRow(*row) for row in self._run("SELECT id, made, expires, used, node FROM codes ORDER BY id")
        ]

    def _run(self, statement: str, *values: object) -> sqlite3.Cursor:
        assert self._db is not None, "use it with `with`"
        return self._db.execute(statement, values)


_PLACES = (
    "SELECT name, label, lat, lon, precision, district FROM nodes "
    "WHERE state = 'enrolled' AND precision IS NOT NULL"
)


def enrolled_places(path: Path) -> Mapping[str, AnyPlace]:
    """Place of each enrolled node that has one; nothing is made or changed. Raises StoreError."""
    with _told(path):
        if not path.exists():
            return {}
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_PATIENCE_S)
        try:
            return _places(db.execute(_PLACES)) if _layout(db, path) else {}
        finally:
            db.close()


def _places(rows: sqlite3.Cursor) -> dict[str, AnyPlace]:
    keys = ("label", "lat", "lon", "precision", "district")
    return {
        name: place_of({key: value for key, value in zip(keys, values, strict=True) if value is not None})
        for name, *values in rows
    }


def _layout(db: sqlite3.Connection, path: Path) -> bool:
    """Whether it has its tables; StoreError when they are another program's, or of a later version."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    foreign = version == 0 and db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if foreign or version > _LAYOUT:
        raise StoreError(f"{path} is no enrolment store of this version; name another file in enrol.store")
    return version == _LAYOUT


@contextmanager
def _told(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{path} cannot be used ({error.strerror}); check its directory and rights"
        ) from error
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be used ({error}); check its rights, or restore a copy") from error
