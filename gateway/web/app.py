"""The page's HTTP interface: JSON for the page and for others, an event stream, and the page's own files."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from gateway.bell import Bell
from gateway.journal import JournalError
from gateway.quality.air import CHOICES
from gateway.releases.store import StoreError
from gateway.web import flash, join
from gateway.web.events import EventStream, Hub, Watcher
from gateway.web.headers import SecurityHeaders
from gateway.web.queries import Queries
from gateway.web.settings import WebSettings
from gateway.web.views import NodeView, Place, with_age

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.web")

STATIC = Path(__file__).with_name("static")
MOST_HOURS = 168


class _Api:
    def __init__(self, settings: WebSettings, queries: Queries, hub: Hub) -> None:
        self._settings = settings
        self._queries = queries
        self._hub = hub

    async def index(self, _: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    async def health(self, _: Request) -> Response:
        """200 when the journal can be read, else 503."""
        await self._queries.run(self._queries.nodes)
        return _json({"ok": True})

    async def config(self, _: Request) -> Response:
        wanted = self._settings
        return _json(
            {
                "title": wanted.title,
                "lat": wanted.lat,
                "lon": wanted.lon,
                "zoom": wanted.zoom,
                "tile_url": wanted.tile_url,
                "tile_attribution": wanted.tile_attribution,
                "tile_attribution_url": wanted.tile_attribution_url,
                "stale_s": wanted.stale_s,
            }
        )

    async def nodes(self, _: Request) -> Response:
        views = await self._queries.run(self._queries.nodes)
        now = int(time.time())
        return _json({"now": now, "nodes": [with_age(view, now) for view in views.values()]})

    async def series(self, request: Request) -> Response:
        hours = _hours(request.query_params.get("hours", "24"))
        node: str = request.path_params["node"]
        now = int(time.time())
        since = now - hours * 3600
        found = await self._queries.run(lambda: self._queries.series(node, since))
        if found is None:
            raise HTTPException(404, f"There is no node {_quoted(node)}; /api/nodes lists all.")
        slots, truncated = found
        return _json({"node": node, "since": since, "now": now, "truncated": truncated, "slots": slots})

    async def ledger(self, _: Request) -> Response:
        views = await self._queries.run(self._queries.ledger)
        return _json({"nodes": [{"node": name, **counts} for name, counts in views.items()]})

    async def stations_page(self, _: Request) -> Response:
        return FileResponse(STATIC / "stations.html")

    async def stations(self, _: Request) -> Response:
        return _json(await self._queries.run(self._queries.stations))

    async def rollouts(self, _: Request) -> Response:
        try:
            found = await self._queries.run(self._queries.rollouts)
        except (StoreError, sqlite3.Error) as error:
            log.warning("the page cannot read the roll-outs", reason=str(error))
            text = "The gateway cannot read its roll-outs at the moment; its log says why."
            raise HTTPException(503, text, {"Retry-After": "5"}) from error
        return _json({"now": int(time.time()), "rollouts": found})

    async def air(self, request: Request) -> Response:
        name = request.query_params.get("index", next(iter(CHOICES)))
        if name not in CHOICES:
            raise HTTPException(
                400, f"There is no index {_quoted(name)}; ?index= takes one of {', '.join(CHOICES)}."
            )
        return _json(await self._queries.run(lambda: self._queries.air(name)))

    async def events(self, _: Request) -> Response:
        if self._hub.full():
            raise HTTPException(
                503, "Too many pages are open at once; try again later.", {"Retry-After": "30"}
            )
        return EventStream(self._hub, self._queries)


def make_app(
    settings: WebSettings,
    journal: Path,
    bell: Bell,
    places: Mapping[str, Place],
    desk: join.Desk | None = None,
    releases: Callable[[], Path | None] = lambda: None,
) -> Starlette:
    """`journal` is the journal's file, read only; `bell` is rung after each commit; `places` by node name are
    the public ones; `desk` enrols by codes, None: nobody does; `releases`: the file of roll-outs."""
    queries = Queries(journal, places, releases)
    hub = Hub()
    api = _Api(settings, queries, hub)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        loop = asyncio.get_running_loop()

        def publish(changed: dict[str, NodeView]) -> None:
            loop.call_soon_threadsafe(hub.publish, changed)

        watcher = Watcher(bell, queries.nodes, lambda: bool(hub.listeners), publish)
        watcher.start()
        try:
            yield
        finally:
            watcher.stop()
            # It may be in the middle of telling the loop something.
            await asyncio.to_thread(watcher.join, 2.0)
            queries.close()
            if desk is not None:
                desk.close()

    app = Starlette(
        routes=[
            Route("/", api.index),
            Route("/healthz", api.health),
            Route("/api/config", api.config),
            Route("/api/nodes", api.nodes),
            Route("/api/nodes/{node}/series", api.series),
            Route("/api/ledger", api.ledger),
            Route("/stations", api.stations_page),
            Route("/api/stations", api.stations),
            Route("/api/stations/rollouts", api.rollouts),
            Route("/api/air", api.air),
            Route("/api/events", api.events),
            *flash.routes(settings.firmware),
            *join.routes(desk),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[
            Middleware(SecurityHeaders, settings=settings),
            Middleware(GZipMiddleware, minimum_size=1000),
        ],
        exception_handlers={
            HTTPException: _refused,
            JournalError: _unreadable,
            sqlite3.Error: _unreadable,
            # Answers for what nobody foresaw; the details go to the log.
            Exception: _broken,
        },
        lifespan=lifespan,
    )
    app.state.hub = hub
    return app


def _json(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse(content, status, {"cache-control": "no-store", **(headers or {})})


def _hours(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= MOST_HOURS:
        return int(text)
    raise HTTPException(
        400, f"hours must be a whole number from 1 to {MOST_HOURS}, not {_quoted(text)}; e.g. ?hours=24"
    )


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "...")


async def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    sentences = {
        404: "There is nothing at this address; the page is at /, its data at /api/nodes.",
        405: "This address can only be read (GET).",
    }
    text = error.detail
    if text in ("Not Found", "Method Not Allowed"):
        text = sentences[error.status_code]
    return _json({"error": text}, error.status_code, error.headers)


async def _unreadable(_: Request, error: Exception) -> Response:
    # The message names files of the gateway's machine: it is for the log and not for the public.
    log.warning("the page cannot read the journal", reason=str(error))
    text = "The gateway cannot read its journal at the moment; its log says why."
    return _json({"error": text}, 503, {"Retry-After": "5"})


async def _broken(_: Request, error: Exception) -> Response:
    log.error("the page failed", reason=repr(error))
    text = "Something went wrong in the gateway; its log says more."
    return _json({"error": text}, 500, {"x-content-type-options": "nosniff"})
