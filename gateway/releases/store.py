"""Releases, channels and roll-outs: one SQLite file, which all gateways of a machine share.

The command line writes it too, also beside running gateways: whoever changes something takes the write lock
first, and what it does is kept whole or not at all.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.releases.bundle import Release

STABLE, TEST = "stable", "test"
CHANNELS = (STABLE, TEST)
# A roll-out that offers its version to nodes.
IN_FORCE = ("running", "paused", "done")
_LAYOUT = 1
_PATIENCE_S = 10.0
_TABLES = """
CREATE TABLE releases (
    version TEXT PRIMARY KEY, floor TEXT NOT NULL, boards TEXT NOT NULL, sha256 TEXT NOT NULL,
    data BLOB NOT NULL, added INTEGER NOT NULL
) STRICT;
CREATE TABLE channels (node TEXT PRIMARY KEY, channel TEXT NOT NULL) STRICT;
-- What the gateways see of nodes, each of its own. update_*: health's "update".
CREATE TABLE nodes (
    node TEXT PRIMARY KEY, fw TEXT NOT NULL, online INTEGER NOT NULL, silent INTEGER NOT NULL,
    boot INTEGER NOT NULL, update_version TEXT NOT NULL, update_state TEXT NOT NULL, update_why TEXT NOT NULL
) STRICT;
-- floor and sha256 stay when the release is removed. Times in UTC s.
CREATE TABLE rollouts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, version TEXT NOT NULL, floor TEXT NOT NULL, sha256 TEXT NOT NULL,
    channel TEXT NOT NULL, stages TEXT NOT NULL, settle_s REAL NOT NULL, silent_s REAL NOT NULL,
    tolerate REAL NOT NULL, state TEXT NOT NULL, by_itself INTEGER NOT NULL DEFAULT 0,
    why TEXT NOT NULL DEFAULT '', stage INTEGER NOT NULL DEFAULT 0, started REAL NOT NULL,
    changed REAL NOT NULL, next_due REAL NOT NULL DEFAULT 0
) STRICT;
-- before: what the node said of an update when it was told, and its boot, as JSON.
CREATE TABLE members (
    rollout INTEGER NOT NULL, node TEXT NOT NULL, stage INTEGER NOT NULL, state TEXT NOT NULL,
    why TEXT NOT NULL DEFAULT '', since REAL NOT NULL, command TEXT NOT NULL DEFAULT '',
    told REAL NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, not_before REAL NOT NULL DEFAULT 0,
    before TEXT NOT NULL DEFAULT '', PRIMARY KEY (rollout, node)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_command ON members (command);
"""


class StoreError(Exception):
    """The file cannot be used, or does not allow that; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """A release without its bytes; `size` of them, `added` in UTC s."""

    version: str
    floor: str
    boards: tuple[str, ...]
    sha256: str
    size: int
    added: int


class Store:
    """A connection, for the thread that made it. Raises StoreError and sqlite3.Error."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self.path = path
        if not create and not path.is_file():
            raise StoreError(
                f"{path}: there is no such file, so no release was added; begin with "
                "`dustline gateway release add FILE.fw`"
            )
        try:
            self.db = sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None)
        except sqlite3.Error as error:
            raise StoreError(f"{path}: cannot be opened ({error}); check the path and its rights") from error
        try:
            self._prepare()
        except BaseException:
            self.db.close()
            raise

    def _prepare(self) -> None:
        try:
            self._use_wal()
            self.db.execute("PRAGMA synchronous = FULL")
            if self._layout() == 0:
                with self.change():
                    if self._layout() == 0:  # another may have been first
                        for statement in _TABLES.split(";\n"):
                            self.db.execute(statement)
                        self.db.execute(f"PRAGMA user_version = {_LAYOUT}")
        except sqlite3.Error as error:
            raise StoreError(
                f"{self.path}: cannot be used ({error}); check its rights and the disk"
            ) from error
        if self._layout() != _LAYOUT:
            raise StoreError(f"{self.path}: has layout {self._layout()}, this program knows {_LAYOUT}")

    def _use_wal(self) -> None:
        """SQLite does not wait here by itself while another connection does the same: gateways and commands
        that begin at once meet over a new file."""
        until = time.monotonic() + _PATIENCE_S
        while True:
            try:
                self.db.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
            time.sleep(0.02)

    def _layout(self) -> int:
        return int(self.db.execute("PRAGMA user_version").fetchone()[0])

    def close(self) -> None:
        self.db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def change(self) -> Generator[sqlite3.Connection]:
        """One transaction; nothing of it when the block raises."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield self.db
            self.db.execute("COMMIT")
        except BaseException:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            raise

    def add(self, release: Release) -> bool:
        """False when it was there already. Raises StoreError for other bytes under a known version."""
        version = release.version
        with self.change() as db:
            taken = {
                str(row[0]) for row in db.execute("SELECT sha256 FROM releases WHERE version = ?", (version,))
            }
            used = db.execute("SELECT sha256 FROM rollouts WHERE version = ?", (version,))
            if (taken | {str(row[0]) for row in used}) - {release.sha256}:
                raise StoreError(
                    f"{version} is known with other content, which nodes may run: give the new one another "
                    "version"
                )
            boards = json.dumps(release.boards)
            db.execute(
                "INSERT OR IGNORE INTO releases VALUES (?, ?, ?, ?, ?, ?)",
                (version, release.floor, boards, release.sha256, release.data, int(time.time())),
            )
        return not taken

    def remove(self, version: str) -> None:
        """Raises StoreError when there is none, or a roll-out offers it."""
        with self.change() as db:
            held = db.execute(
                "SELECT channel FROM rollouts WHERE version = ? AND state IN ('running', 'paused', 'done')",
                (version,),
            ).fetchone()
            if held:
                raise StoreError(
                    f"{version} is being offered to channel {held[0]}; end that first: "
                    f"`dustline gateway rollout stop --channel {held[0]}`"
                )
            if not db.execute("DELETE FROM releases WHERE version = ?", (version,)).rowcount:
                raise StoreError(f"no release {version}; `dustline gateway release list` has those there are")

    def releases(self) -> list[ReleaseRow]:
        """The oldest first, by the time they were added."""
        rows = self.db.execute(
            "SELECT version, floor, boards, sha256, length(data), added FROM releases ORDER BY added, version"
        )
        return [ReleaseRow(v, f, tuple(json.loads(b)), s, size, added) for v, f, b, s, size, added in rows]

    def data_of(self, version: str) -> bytes:
        """The whole file; b"" for none."""
        row = self.db.execute("SELECT data FROM releases WHERE version = ?", (version,)).fetchone()
        return bytes(row[0]) if row else b""

    def offered(self) -> set[str]:
        """Versions that nodes may fetch now."""
        rows = self.db.execute(
            "SELECT DISTINCT version FROM rollouts WHERE state IN ('running', 'paused', 'done')"
        )
        return {str(row[0]) for row in rows}

    def under_way(self) -> bool:
        """Whether a roll-out is running or paused."""
        query = "SELECT 1 FROM rollouts WHERE state IN ('running', 'paused') LIMIT 1"
        return self.db.execute(query).fetchone() is not None

    def channels(self) -> dict[str, str]:
        """Of the nodes that have another than STABLE."""
        return dict(self.db.execute("SELECT node, channel FROM channels ORDER BY node").fetchall())

    def set_channel(self, nodes: list[str], channel: str) -> None:
        with self.change() as db:
            db.executemany("DELETE FROM channels WHERE node = ?", [(node,) for node in nodes])
            if channel != STABLE:
                db.executemany("INSERT INTO channels VALUES (?, ?)", [(node, channel) for node in nodes])
