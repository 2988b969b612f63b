"""Write judgements beside a running gateway: short transactions, and a rest after each.

The journal's one writer of readings is the gateway. The tables of judgements have no memory in it: whoever
writes them numbers changes inside the transaction. So another program may write these, as SQLite orders both.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from gateway.journal.schema import BUSY_SECONDS, JournalError, advice, open_reader

# After a transaction it rests for this part of the time that it took: a gateway's commit finds its turn.
_REST = 0.3
_CACHE_KIB = 65536
_CHECKPOINT_PAGES = 8000


class Beside:
    """Use it with `with`. One at a time for each journal. Raises JournalError.

    `rest`: 0 where nobody else writes.
    """

    def __init__(self, path: Path, rest: float | None = None) -> None:
        self.path = path
        self._rest = rest
        open_reader(path).close()  # says what is wrong with the file, if anything is
        lock = path.with_name(path.name + ".reprocess")
        try:
            self._lock = lock.open("ab")
        except OSError as error:
            raise JournalError(
                f"{lock}: cannot be written ({error.strerror}); run as the gateway's user"
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise JournalError(
                f"journal {path}: another reprocess is at work on it; wait for its end"
            ) from error
        try:
            self._db = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode=rw", uri=True, timeout=4 * BUSY_SECONDS, isolation_level=None
            )
            # What a power cut takes away is judged again; the gateway's own commits keep their rule.
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            self._db.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        except sqlite3.Error as error:
            self._lock.close()
            raise JournalError(f"journal {path}: cannot be written ({error}); {advice(error)}") from error
        self._file = _file_at(path)

    def __enter__(self) -> Beside:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()
        self._lock.close()

    @contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """One transaction, all or nothing. The caller keeps it below some tenths of a second."""
        if _file_at(self.path) != self._file:
            raise JournalError(f"journal {self.path}: was moved away or replaced; begin again")
        began = time.monotonic()
        try:
            self._db.execute("BEGIN IMMEDIATE")
            began = time.monotonic()
            yield self._db
            self._db.execute("COMMIT")
        except BaseException as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise JournalError(
                    f"journal {self.path}: cannot be written ({error}); {advice(error)}; what is done stays, "
                    "the same command goes on"
                ) from error
            raise
        rest = _REST if self._rest is None else self._rest
        time.sleep(rest * (time.monotonic() - began))


def _file_at(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
