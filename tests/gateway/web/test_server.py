"""Starting and stopping the web server, and its settings."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from gateway.journal import Journal
from gateway.web.server import WebError, WebServer
from gateway.web.settings import WebSettings, tile_origins
from tests.gateway.web.pages import ask, event_stream
from tests.support import listening

Serve = Callable[..., WebServer]


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def test_the_wished_port_is_taken_when_free(serve: Serve, free_port: Callable[[], int]) -> None:
    port = free_port()
    assert serve(port=port).url == f"http://127.0.0.1:{port}/"


def test_a_taken_port_is_said_and_another_one_serves(serve: Serve) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        wished = other.getsockname()[1]
        with capture_logs() as logged:
            server = serve(port=wished)
    assert port_of(server.url) != wished
    assert ask(server.url, "/healthz").status == 200
    (said,) = [entry for entry in logged if entry["log_level"] == "warning"]
    assert "in use by another program" in said["event"]
    assert (said["wished"], said["taken"]) == (wished, port_of(server.url))


def test_an_address_of_another_machine_is_refused_with_advice(serve: Serve) -> None:
    with pytest.raises(WebError, match=r"web\.host 192\.0\.2\.1.*choose an address of this machine"):
        serve(host="192.0.2.1", port=0)


def test_it_stops_within_two_seconds_with_streams_open(
    journal: Journal, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve()
    with event_stream(server.url) as first, event_stream(server.url) as second:
        next(first)
        next(second)
        began = time.monotonic()
        server.stop()
        took = time.monotonic() - began
        # The streams have ended, not broken.
        assert list(first) == []
        assert list(second) == []
    assert took < 2.0
    # Nor were they cut off by the server's last resort.
    assert [record.message for record in caplog.records if "Cancel" in record.message] == []
    assert not listening(port_of(server.url))
    left = {thread.name for thread in threading.enumerate()}
    assert not left & {"web", "web-watcher"}
    server.stop()  # again: nothing happens


def test_it_can_be_served_again_at_the_same_port(journal: Journal, serve: Serve) -> None:
    first = serve()
    with event_stream(first.url) as stream:
        next(stream)
        first.stop()
        second = serve(port=port_of(first.url))
    assert second.url == first.url


@pytest.mark.parametrize(
    ("url", "origins"),
    [
        ("", []),
        ("/tiles/{z}/{x}/{y}.png", []),
        ("https://tiles.example/{z}/{x}/{y}.png", ["https://tiles.example"]),
        ("http://10.0.0.5:8000/{z}/{x}/{y}.png", ["http://10.0.0.5:8000"]),
        ("https://t-{s}.example/{z}/{x}/{y}.png", [f"https://t-{name}.example" for name in "abc"]),
    ],
)
def test_where_tiles_come_from(url: str, origins: list[str]) -> None:
    assert WebSettings(tile_url=url).tile_url == url
    assert tile_origins(url) == origins


@pytest.mark.parametrize(
    "url",
    [
        "https://tiles.example/{z}/{x}.png",
        "//tiles.example/{z}/{x}/{y}.png",
        "javascript:alert(1)//{z}{x}{y}",
        "https://tiles.example;script-src/{z}/{x}/{y}.png",
        "https://user:word@tiles.example/{z}/{x}/{y}.png",
        "https://a b/{z}/{x}/{y}",
        "https://[/{z}/{x}/{y}",
    ],
)
def test_a_tile_address_that_cannot_be_right_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="tile_url must"):
        WebSettings(tile_url=url)


def test_the_attribution_links_to_a_page_only() -> None:
    with pytest.raises(ValidationError, match="tile_attribution_url must begin with"):
        WebSettings(tile_attribution_url="javascript:alert(1)")


def test_every_setting_is_described() -> None:
    assert all(field.description for field in WebSettings.model_fields.values())
