"""The web server: uvicorn in a thread of its own."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import structlog
import uvicorn

from gateway.bell import Bell
from gateway.web.app import make_app
from gateway.web.events import Hub
from gateway.web.join import Desk
from gateway.web.settings import WebSettings
from gateway.web.views import Place

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.web")

START_SECONDS = 10.0
STOP_SECONDS = 2.0
_BACKLOG = 128


class WebError(Exception):
    """The page cannot be served; the message says where, why and what to do."""


class _Uvicorn(uvicorn.Server):
    """Tells when it is ready, and remembers its loop so that it can be stopped from outside."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self.loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self.ready.set()


class WebServer:
    """Serves the page until stop(). start() returns the address once the page answers; raises WebError."""

    def __init__(
        self,
        settings: WebSettings,
        journal: Path,
        bell: Bell,
        places: Mapping[str, Place],
        desk: Desk | None = None,
        releases: Callable[[], Path | None] = lambda: None,
    ) -> None:
        self._settings = settings
        app = make_app(settings, journal, bell, places, desk, releases)
        self._hub: Hub = app.state.hub
        self._uvicorn = _Uvicorn(
            uvicorn.Config(
                app,
                http="h11",
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                # A stream that does not end by itself is cut off then.
                timeout_graceful_shutdown=1,
            )
        )
        self._thread: threading.Thread | None = None
        self.url = ""

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> str:
        listener = _listen(self._settings.host, self._settings.port)
        self.url = _url(self._settings.host, int(listener.getsockname()[1]))
        self._thread = threading.Thread(target=self._run, args=(listener,), name="web", daemon=True)
        self._thread.start()
        waited = 0.0
        while not self._uvicorn.ready.wait(0.1):
            waited += 0.1
            if not self._thread.is_alive() or waited > START_SECONDS:
                raise WebError(f"the page at {self.url} did not start; the log above says why")
        log.info("page", url=self.url)
        return self.url

    def stop(self) -> None:
        """End open streams and the server, within STOP_SECONDS. Without effect when not running."""
        thread, loop = self._thread, self._uvicorn.loop
        if thread is None or loop is None:
            return
        self._uvicorn.should_exit = True
        # A loop that has ended by itself has no streams left.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._hub.close)
        thread.join(STOP_SECONDS)
        if thread.is_alive():
            log.warning("the page's server is still busy and is left behind")
        self._thread = None

    def _run(self, listener: socket.socket) -> None:
        with listener:
            self._uvicorn.run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket at that port, or at a free one when it is taken."""
    try:
        return _bind(host, port)
    except UnicodeError as error:
        raise WebError(f"web.host {host[:80]} is no name that can be looked up; correct it") from error
    except OSError as error:
        if error.errno != errno.EADDRINUSE or port == 0:
            raise WebError(
                f"web.host {host}, web.port {port}: cannot listen there ({error.strerror or error}); "
                "choose an address of this machine and a port above 1023"
            ) from error
    listener = _bind(host, 0)
    taken = int(listener.getsockname()[1])
    log.warning("the page's port is in use by another program; a free one is taken", wished=port, taken=taken)
    return listener


def _bind(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _url(host: str, port: int) -> str:
    """An address that a browser on this machine can open."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}/"
