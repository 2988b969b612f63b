"""A real journal, a real web server and a real Chromium."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.journal import Batch, Claim, Journal, Sighting
from gateway.web.server import WebServer
from gateway.web.settings import WebSettings
from tests.gateway.web.browser import Opened
from tests.gateway.web.pages import HOUR, NETWORK, PLACES, reading
from tests.support import require


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.sqlite", synchronous="NORMAL") as opened:
        yield opened


@pytest.fixture
def serve(journal: Journal) -> Iterator[Callable[..., WebServer]]:
    """Start web servers on free ports: `server = serve(title="Air")`."""
    started: list[WebServer] = []

    def start(places: Any = PLACES, releases: Path | None = None, **settings: Any) -> WebServer:
        wanted = WebSettings(**{"port": 0, **settings})
        server = WebServer(wanted, journal.path, journal.bell, places, releases=lambda: releases)
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.stop()


# Not for the whole session: while it is open, Playwright's event loop runs in this thread, and other tests
# could not run one of their own.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser for a file's tests; each test opens contexts of its own."""
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


@pytest.fixture
def day(journal: Journal) -> int:
    """A day of readings of two nodes; wola is silent from 16 to 12 h ago. Returns its last time."""
    now = int(time.time())
    readings = []
    for node, base, model in (("wola", 60.0, "sds011"), ("kabaty", 4.0, "pms5003")):
        for seq, t in enumerate(range(now - 24 * HOUR + 300, now, 300), 1):
            silent = node == "wola" and now - 16 * HOUR < t < now - 12 * HOUR
            last = t + 300 >= now
            value = base if last else base + seq % 7
            if not silent:
                readings.append(reading(node, seq, t, value, pm10=value * 1.5, model=model))
    journal.commit(
        Batch(
            NETWORK,
            readings=readings,
            claims=[Claim(now * 1000, "wola", 1, readings[-1].seq + 1)],
            sightings=[Sighting(now * 1000, "wola", True, online=True, boot=1, status={"fw": "0.1.0"})],
        )
    )
    return now


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
