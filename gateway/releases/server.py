"""Answers `fetch` with `chunk`, by a thread and a bounded queue of its own. A bad one is only counted."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog
from pydantic import ValidationError

from gateway.contract import Fetch
from gateway.operate.heartbeat import Heartbeat
from gateway.releases.line import Line
from gateway.releases.rollouts import loaded
from gateway.releases.store import Store, StoreError
from gateway.releases.waiting import Waiting

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.releases")

NOT_OFFERED = b"\xff\xff\xff\xff"
# Of a fetch, which is some 60 bytes.
MOST_BYTES = 512
_IDLE_SECONDS = 0.5
STALL_SECONDS = 60.0


@dataclass(slots=True)
class Counts:
    """Since the gateway's start. `bytes`: of releases, sent to nodes."""

    fetches: int = 0
    bad: int = 0
    pieces: int = 0
    not_offered: int = 0
    unsent: int = 0
    bytes: int = 0


class Server(threading.Thread):
    """`offers`: version -> bundle, exchanged as a whole; None until they are known."""

    def __init__(self, store: Path, line: Line, waiting: Waiting[Fetch]) -> None:
        super().__init__(name="updates server", daemon=True)
        self._store_path, self._line, self._waiting = store, line, waiting
        self._store: Store | None = None
        self._stopping = threading.Event()
        self.offers: Mapping[str, bytes] | None = None
        self.counts = Counts()
        self.heart = Heartbeat()

    def ask(self, node: str, payload: bytes, retained: bool) -> None:
        """A `fetch` has come; returns at once, in any thread."""
        self.counts.fetches += 1
        try:
            if retained or len(payload) > MOST_BYTES:
                raise ValueError("retained or too long")
            self._waiting.put(node, Fetch.model_validate_json(payload))
        except (ValidationError, ValueError):
            self.counts.bad += 1

    def run(self) -> None:
        try:
            while not self._stopping.is_set():
                self.heart.back_within(STALL_SECONDS)
                taken = self._waiting.take(_IDLE_SECONDS)
                if taken is not None:
                    try:
                        self._answer(*taken)
                    except Exception:
                        log.exception("a bug in serving a release; the node asks again", node=taken[0])
        finally:
            if self._store is not None:
                self._store.close()

    def _answer(self, node: str, fetch: Fetch) -> None:
        if self.offers is None or not self._line.ready:
            self.counts.unsent += 1  # it asks again
            return
        data = self.offers.get(fetch.version)
        if data is None:
            self.counts.not_offered += 1
            self._send(node, NOT_OFFERED)
            return
        piece = data[fetch.from_ : fetch.from_ + fetch.len]
        if not piece:
            self.counts.bad += 1
            return
        if fetch.from_ + len(piece) >= len(data):
            self._note_last(node, fetch.version)
        self.counts.pieces += 1
        self.counts.bytes += len(piece)
        self._send(node, fetch.from_.to_bytes(4) + piece)

    def _send(self, node: str, payload: bytes) -> None:
        self._line.send(node, "chunk", payload)
        self._waiting.spent(node, len(payload))

    def _note_last(self, node: str, version: str) -> None:
        """Before the node can start into it. A store that does not take it must not keep the piece back."""
        try:
            if self._store is None:
                self._store = Store(self._store_path)
            loaded(self._store, node, version, time.time())
        except (StoreError, sqlite3.Error) as error:
            log.warning("cannot note that a node has loaded a release", node=node, problem=str(error))

    def stop(self, seconds: float) -> bool:
        """True when it has ended."""
        self._stopping.set()
        self._waiting.close()
        if self.ident is not None:
            self.join(seconds)
        return not self.is_alive()
