"""Updates as a part of the gateway: looks at the store and the nodes, and lets the roll-outs go on."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable

import structlog
from pydantic import ValidationError

from gateway import topics
from gateway.config import Settings
from gateway.contract import Fetch, Reply
from gateway.journal import JournalError
from gateway.operate.heartbeat import Heartbeat
from gateway.releases.conduct import Baton, conduct
from gateway.releases.line import Line
from gateway.releases.observe import Observer
from gateway.releases.server import Server
from gateway.releases.store import Store, StoreError
from gateway.releases.tell import take_replies, tell, tell_again
from gateway.releases.waiting import Waiting

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.releases")

STALL_SECONDS = 120.0
# While no roll-out is running, only every so many looks go through all nodes.
QUIET_LOOKS = 12
# Replies that wait for the next look; commands by hand have theirs here as well.
_MOST_REPLIES = 10_000


class Updates(threading.Thread):
    """`on_duty`: whether this gateway has its shard. `hears`: whether it receives what nodes send.

    A trouble here is logged and tried again; readings never wait for it.
    """

    def __init__(self, settings: Settings, *, on_duty: Callable[[], bool], hears: Callable[[], bool]) -> None:
        super().__init__(name="updates", daemon=True)
        own = settings.releases
        self._network, self._own = settings.network, own
        self._digits = frozenset(settings.broker.shard_digits)
        self._on_duty, self._hears = on_duty, hears
        self.path = own.store_beside(settings.journal.path)
        self.line = Line(settings.broker, settings.network, self._heard)
        self.waiting: Waiting[Fetch] = Waiting(own.total_kb_per_s * 1000.0, own.node_kb_per_s * 1000.0)
        self.server = Server(self.path, self.line, self.waiting)
        self._observer = Observer(settings.journal.path, settings.network, self._mine)
        self._baton = Baton(self.path)
        self._replies: deque[tuple[str, Reply]] = deque(maxlen=_MOST_REPLIES)
        self._listening: float | None = None
        self._trouble = ""
        self._looks = 0
        self._told_on = 0  # the number of a connection
        self._stopping = threading.Event()
        self.failures = 0
        self.heart = Heartbeat()

    def _mine(self, node: str) -> bool:
        return topics.shard_of(node) in self._digits

    def start(self) -> None:
        self.server.start()
        super().start()

    def run(self) -> None:
        store: Store | None = None
        while not self._stopping.is_set():
            self.heart.back_within(STALL_SECONDS)
            try:
                if store is None and self.path.is_file():
                    store = Store(self.path)
                if store is not None:
                    self._look(store)
                self._trouble = ""
            except (StoreError, JournalError, sqlite3.Error, OSError) as error:
                self.failures += 1
                if str(error) != self._trouble:
                    self._trouble = str(error)
                    log.error("updates do not get on; readings do", problem=str(error))
            except Exception:
                self.failures += 1
                log.exception("a bug in updates; it is tried again")
            self._stopping.wait(self._own.look_s)
        self._baton.drop()
        if store is not None:
            store.close()

    def _look(self, store: Store) -> None:
        if not self._on_duty():
            self._listening = None
            self._baton.drop()
            self.line.stop(1.0)
            return
        now = time.time()
        self.line.tend()
        replies = [self._replies.popleft() for _ in range(len(self._replies))]
        take_replies(store, replies, now)
        self._listening = (self._listening or now) if self._hears() else None
        self._looks += 1
        if store.under_way() or self._looks % QUIET_LOOKS == 1:
            self._observer.look(store, self._listening, now)
            if self._baton.take():
                conduct(store, now, self._own.commands_per_min, self._own.look_s)
        self._load_offers(store)
        if self.line.ready:
            connection = self.line.connections
            again = tell_again(store, self._mine) if connection != self._told_on else []
            for node, command in again + tell(store, self._mine, self.server.offers or (), now):
                self.line.send(node, "command", command)
            self._told_on = connection

    def _load_offers(self, store: Store) -> None:
        before = self.server.offers or {}
        versions = store.offered()
        if self.server.offers is None or versions != before.keys():
            self.server.offers = {each: before.get(each) or store.data_of(each) for each in versions}

    def _heard(self, topic: bytes, payload: bytes, retained: bool) -> None:
        """In paho's thread."""
        try:
            address = topics.parse(topic.decode(), self._network, topics.KINDS_OF_UPDATES)
        except (topics.TopicError, UnicodeDecodeError):
            self.server.counts.bad += 1
            return
        if address.kind == "fetch":
            self.server.ask(address.node, payload, retained)
            return
        try:
            self._replies.append((address.node, Reply.model_validate_json(payload)))
        except ValidationError:
            self.server.counts.bad += 1

    def stop(self, seconds: float) -> bool:
        """True when all of it has ended."""
        self._stopping.set()
        deadline = time.monotonic() + seconds
        ended = self.server.stop(max(0.0, deadline - time.monotonic()))
        if self.ident is not None:
            self.join(max(0.0, deadline - time.monotonic()))
        self.line.stop(max(0.05, deadline - time.monotonic()))
        return ended and not self.is_alive()
