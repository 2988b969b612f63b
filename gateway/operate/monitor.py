"""The listener for monitoring: /metrics, /healthz, /readyz. In threads of its own, so that it answers also
while the rest hangs."""

from __future__ import annotations

import errno
import json
import socket
import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import StartResponse, WSGIEnvironment

import structlog
from prometheus_client import make_wsgi_app  # pyright: ignore[reportUnknownVariableType] - partly untyped

from gateway.operate.health import Problem, not_alive, not_ready
from gateway.operate.metrics import registry_of
from gateway.operate.settings import MonitorSettings

if TYPE_CHECKING:
    from gateway.service import Gateway

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.monitor")


class MonitorError(Exception):
    """The listener cannot be made; the message says where, why and what to do."""


class Monitor:
    """listen() takes the port, tend() serves. A port that is taken is no error: tend() tries again."""

    def __init__(self, settings: MonitorSettings, gateway: Gateway) -> None:
        self._settings = settings
        self._app = _App(gateway)
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._told = False

    @property
    def url(self) -> str | None:
        if self._server is None:
            return None
        host, port = self._server.server_address[:2]
        return f"http://{f'[{host!s}]' if ':' in str(host) else host}:{port}/"

    def listen(self) -> None:
        """Raises MonitorError when it can never listen there."""
        where = f"monitor.host {self._settings.host[:80]}, monitor.port {self._settings.port}"
        try:
            self._server = self._bind()
        except UnicodeError as error:
            raise MonitorError(f"{where}: no name that can be looked up; correct it") from error
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise MonitorError(
                    f"{where}: cannot listen there ({error.strerror or error}); choose an address of this "
                    "machine and a port above 1023, or set monitor.enabled = false"
                ) from error
            if not self._told:
                self._told = True
                log.error(
                    "no metrics and no health: the port is taken; will try again",
                    port=self._settings.port,
                    advice="another gateway on this machine? give each its own monitor.port",
                )

    def tend(self) -> None:
        """To be called every second or so, once the gateway runs."""
        if self._server is None:
            self.listen()
        if self._server is not None and self._thread is None:
            self._thread = threading.Thread(
                target=self._server.serve_forever, args=(0.1,), name="monitor", daemon=True
            )
            self._thread.start()
            log.info("monitoring", url=self.url)

    def stop(self) -> None:
        if self._server is not None:
            if self._thread is not None:
                self._server.shutdown()
            self._server.server_close()
        self._server = self._thread = None

    def _bind(self) -> _Server:
        family, _, _, _, address = socket.getaddrinfo(
            self._settings.host, self._settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        server = _Server(family, address[:2])
        server.set_app(self._app)
        return server


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, family: int, address: Any) -> None:
        self.address_family = family
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Without a reverse look-up of the host's name, which may take long."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "dustline", int(self.server_address[1])
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is its own affair."""
        log.debug("a monitoring client went away", exc_info=True)


class _Handler(WSGIRequestHandler):
    timeout = 10  # for a client that connects and says nothing

    def address_string(self) -> str:
        return str(self.client_address[0])

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: it is asked every few seconds."""


class _App:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._metrics: Any = make_wsgi_app(registry_of(gateway))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            return self._metrics(environ, start_response)
        if path == "/healthz":
            return self._judge(start_response, "healthy", not_alive)
        if path == "/readyz":
            return self._judge(start_response, "ready", not_ready)
        return _json(start_response, "404 Not Found", {"paths": ["/metrics", "/healthz", "/readyz"]})

    def _judge(
        self, start_response: StartResponse, word: str, judge: Callable[[Gateway], list[Problem]]
    ) -> Iterable[bytes]:
        found, duty = judge(self._gateway), self._gateway.duty
        status = "503 Service Unavailable" if found else "200 OK"
        problems = [{"part": each.part, "why": each.why} for each in found]
        role = {} if duty is None else {"role": duty.role.value}
        return _json(start_response, status, {word: not found, **role, "problems": problems})


def _json(start_response: StartResponse, status: str, body: dict[str, Any]) -> Iterable[bytes]:
    text = json.dumps(body).encode() + b"\n"
    headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
    start_response(status, [*headers, ("Content-Length", str(len(text)))])
    return [text]
