"""A real journal, a real web server and a real Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.journal import Journal
from gateway.web.server import WebServer
from gateway.web.settings import WebSettings
from tests.gateway.web.pages import PLACES
from tests.support import require


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.sqlite", synchronous="NORMAL") as opened:
        yield opened


@pytest.fixture
def serve(journal: Journal) -> Iterator[Callable[..., WebServer]]:
    """Start web servers on free ports: `server = serve(title="Air")`."""
    started: list[WebServer] = []

    def start(places: Any = PLACES, **settings: Any) -> WebServer:
        wanted = WebSettings(**{"port": 0, **settings})
        server = WebServer(wanted, journal.path, journal.bell, places)
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for all tests; each test opens contexts of its own."""
    from playwright.sync_api import sync_playwright

    path = require("chromium")
    flags = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        "--disable-quic",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a server with an empty journal, for tests that change nothing."""
    with Journal(tmp_path_factory.mktemp("idle") / "journal.sqlite", synchronous="NORMAL") as opened:
        settings = WebSettings(port=0, tile_url="https://{s}.tiles.example:8443/{z}/{x}/{y}.png")
        server = WebServer(settings, opened.path, opened.bell, PLACES)
        yield server.start()
        server.stop()


class Opened:
    """A page, and what it did that a good page does not: console messages, requests to elsewhere."""

    def __init__(self, context: Any) -> None:
        self.page = context.new_page()
        self.complaints: list[str] = []
        self.foreign: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._request)

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _request(self, request: Any) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            self.foreign.append(request.url)


@pytest.fixture
def visit(chromium: Any) -> Iterator[Callable[..., Opened]]:
    """Open a page: `opened = visit(url, locale="pl-PL", viewport=...)`; desktop and English if not told."""
    contexts: list[Any] = []

    def open_page(url: str, **options: Any) -> Opened:
        defaults = {
            "viewport": {"width": 1280, "height": 800},
            "locale": "en-GB",
            "timezone_id": "Europe/Warsaw",
        }
        context = chromium.new_context(**{**defaults, **options})
        context.set_default_timeout(10_000)
        contexts.append(context)
        opened = Opened(context)
        opened.page.goto(url)
        return opened

    yield open_page
    for context in contexts:
        context.close()
