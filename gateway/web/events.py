"""Server-Sent Events: a page that is open learns of each commit, at most once a second.

A thread waits for the journal's bell, compares, and hands what changed to the event loop. Each open page has
the set of nodes it has not been told of yet; a slow one gets fewer, newer messages and costs no memory.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.bell import Bell
from gateway.journal import JournalError
from gateway.web.queries import Queries
from gateway.web.views import NodeView, with_age

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.web")

COALESCE_S = 1.0
KEEP_ALIVE_S = 10.0
RETRY_MS = 2000
MOST_STREAMS = 500
_BELL_S = 1.0


class Listener:
    """One open page."""

    def __init__(self) -> None:
        self.pending: dict[str, NodeView] = {}
        self.wake = asyncio.Event()


class Hub:
    """The open pages; its methods belong to the event loop's thread."""

    def __init__(self) -> None:
        self.listeners: set[Listener] = set()
        self.closing = False

    def full(self) -> bool:
        return len(self.listeners) >= MOST_STREAMS

    @contextmanager
    def listening(self) -> Generator[Listener]:
        listener = Listener()
        self.listeners.add(listener)
        try:
            yield listener
        finally:
            self.listeners.discard(listener)

    def publish(self, changed: Mapping[str, NodeView]) -> None:
        for listener in self.listeners:
            listener.pending.update(changed)
            listener.wake.set()

    def close(self) -> None:
        self.closing = True
        for listener in self.listeners:
            listener.wake.set()


class Watcher(threading.Thread):
    """Hears the bell, reads what is new and passes it on through `publish`, at most every COALESCE_S."""

    def __init__(
        self,
        bell: Bell,
        read: Callable[[], dict[str, NodeView]],
        wanted: Callable[[], bool],
        publish: Callable[[dict[str, NodeView]], None],
    ) -> None:
        super().__init__(name="web-watcher", daemon=True)
        self._bell = bell
        self._read = read
        self._wanted = wanted
        self._publish = publish
        self._stopping = threading.Event()

    def stop(self) -> None:
        self._stopping.set()
        # Whoever else listens finds nothing new and waits on.
        self._bell.ring()

    def run(self) -> None:
        known: dict[str, NodeView] = {}
        heard = -1
        failed = False
        while not self._stopping.is_set():
            rings = self._bell.wait(heard, _BELL_S)
            if self._stopping.is_set():
                break
            # With no page open nothing is read; the first to open is sent everything anyway.
            if rings == heard or not self._wanted():
                heard = rings
                continue
            try:
                views = self._read()
            except (JournalError, sqlite3.Error) as error:
                if not failed:
                    log.warning("the page cannot read the journal and will try again", reason=str(error))
                failed = True
            else:
                failed, heard = False, rings
                changed = {name: view for name, view in views.items() if known.get(name) != view}
                known = views
                if changed:
                    self._publish(changed)
            self._stopping.wait(COALESCE_S)


class EventStream(Response):
    """The answer to one page's /api/events: the whole state, then what changes, until one side ends it."""

    def __init__(self, hub: Hub, queries: Queries) -> None:
        # Last: asks nginx not to hold events back.
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(headers=headers, media_type="text/event-stream")
        del self.headers["content-length"]
        self._hub = hub
        self._queries = queries

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._hub.listening() as listener:
            # Read before the headers go out: when it fails, the answer can still be an error.
            views = await self._queries.run(self._queries.nodes)
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            if scope["method"] == "HEAD":
                await send({"type": "http.response.body", "body": b""})
                return
            gone = asyncio.create_task(_until_gone(receive, listener))
            try:
                # The page is gone: not an error.
                with suppress(OSError):
                    await self._talk(listener, gone, views, send)
            finally:
                gone.cancel()

    async def _talk(
        self, listener: Listener, gone: asyncio.Task[None], views: dict[str, NodeView], send: Send
    ) -> None:
        await _write(send, f"retry: {RETRY_MS}\n" + _event("state", views))
        while not (self._hub.closing or gone.done()):
            try:
                await asyncio.wait_for(listener.wake.wait(), KEEP_ALIVE_S)
            except TimeoutError:
                # The comment is for what stands between; the event tells the page that it is not cut off.
                await _write(send, ": keep-alive\n\n" + _event("tick", {}))
                continue
            listener.wake.clear()
            if listener.pending:
                changed, listener.pending = listener.pending, {}
                await _write(send, _event("nodes", changed))
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_gone(receive: Receive, listener: Listener) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.wake.set()


async def _write(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


def _event(kind: str, views: Mapping[str, NodeView]) -> str:
    now = int(time.time())
    data = {"now": now, "nodes": [with_age(view, now) for view in views.values()]}
    return f"event: {kind}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"
