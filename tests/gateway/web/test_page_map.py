"""The map: signs that are close together, and background maps."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from gateway.journal import Journal
from gateway.web.server import WebServer
from tests.gateway.web.browser import (
    PHONE,
    Opened,
    expect,
    sign,
)
from tests.gateway.web.pages import Spot, commit, reading

pytestmark = pytest.mark.needs_chromium

Serve = Callable[..., WebServer]
Visit = Callable[..., Opened]
ONE_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


class Tiles(BaseHTTPRequestHandler):
    """A server of tiles: every tile is the same. Notes what it was asked with."""

    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["Referer"]))
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.end_headers()
        self.wfile.write(base64.b64decode(ONE_PIXEL))

    def log_message(self, format: str, *args: Any) -> None:
        pass


def test_a_background_map_that_fails_is_said_once_and_quietly(
    serve: Serve, visit: Visit, day: int, free_port: Callable[[], int]
) -> None:
    dead = f"http://127.0.0.1:{free_port()}/{{z}}/{{x}}/{{y}}.png"
    page = visit(serve(tile_url=dead, tile_attribution="© Example <b>map</b>").url).page
    expect(page.locator("#notice")).to_have_text(
        "The background map cannot be loaded; the nodes are placed rightly without it."
    )
    expect(page.locator("#credits")).to_have_text("© Example <b>map</b>")
    expect(sign(page, "wola")).to_have_text("60")
    assert page.locator(".graticule-line").count() > 4


def test_a_background_map_from_another_server_is_allowed_and_told_the_origin(
    serve: Serve, visit: Visit, day: int
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Tiles) as tiles:
        thread = threading.Thread(target=tiles.serve_forever, args=(0.05,))
        thread.start()
        try:
            address = f"http://127.0.0.1:{tiles.server_port}/{{z}}/{{x}}/{{y}}.png"
            link = "https://maps.example/licence"
            settings = {"tile_url": address, "tile_attribution": "© Map", "tile_attribution_url": link}
            url = serve(**settings).url
            opened = visit(url + "#wola")
            opened.page.locator(".leaflet-tile-loaded").first.wait_for()
            expect(opened.page.locator("#credits a")).to_have_attribute("href", link)
            expect(opened.page.locator("#notice")).to_be_hidden()
            assert opened.page.locator(".graticule-line").count() == 0
            assert opened.complaints == []
            assert {referrer for _, referrer in Tiles.asked} == {url}
        finally:
            tiles.shutdown()
            thread.join()


def test_signs_of_near_nodes_do_not_cover_each_other(journal: Journal, serve: Serve, visit: Visit) -> None:
    now = int(time.time())
    places = {f"n{i}": Spot(f"Yard {i}", 52.23 + i * 0.0002, 21.0) for i in range(4)}
    places["far"] = Spot("Far away", 52.0, 20.5)
    commit(journal, *(reading(name, 1, now, 10.0) for name in places))
    page = visit(serve(places).url, viewport=PHONE).page
    expect(sign(page, "n3")).to_have_text("10")
    boxes = [sign(page, f"n{i}").bounding_box() for i in range(4)]
    middles = [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in boxes]
    for at, (x, y) in enumerate(middles):
        for other_x, other_y in middles[at + 1 :]:
            assert ((x - other_x) ** 2 + (y - other_y) ** 2) ** 0.5 >= boxes[0]["width"] - 2
    assert page.locator('.sign-box[data-node="n0"] .leader').is_visible()
