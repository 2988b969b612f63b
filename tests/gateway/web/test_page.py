"""The page in a real Chromium: what people see, and what must never happen."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest

from gateway.journal import Batch, Claim, Journal, Sighting
from gateway.web import events
from gateway.web.server import WebServer
from tests.gateway.web.conftest import Opened
from tests.gateway.web.pages import NETWORK, PLACES, Spot, commit, reading
from tests.support import wait_for

pytestmark = pytest.mark.needs_chromium

Serve = Callable[..., WebServer]
Visit = Callable[..., Opened]
ONE_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PHONE = {"width": 360, "height": 740}

HOUR = 3600


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


def expect(target: Any) -> Any:
    from playwright.sync_api import expect as expectation

    return expectation(target)


def sign(page: Any, node: str) -> Any:
    return page.locator(f'.sign-box[data-node="{node}"] .disc')


def row(page: Any, node: str) -> Any:
    return page.locator(f'.row[data-node="{node}"]')


def fill(locator: Any) -> str:
    return locator.evaluate("element => getComputedStyle(element).backgroundColor")


def overflow(page: Any) -> int:
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def test_nodes_stand_on_the_map_with_number_and_colour(
    serve: Serve, visit: Visit, day: int, repo: Path
) -> None:
    opened = visit(serve(title="Air of Warsaw").url)
    page = opened.page
    expect(sign(page, "wola")).to_have_text("60")
    expect(sign(page, "kabaty")).to_have_text("4")
    # The European index's own colours: poor, good.
    assert fill(sign(page, "wola")) == "rgb(255, 80, 80)"
    assert fill(sign(page, "kabaty")) == "rgb(80, 240, 230)"
    expect(sign(page, "mlociny")).to_have_text("–")
    expect(sign(page, "mlociny")).to_have_attribute("data-state", "never")
    expect(page.locator("#title")).to_have_text("Air of Warsaw")
    expect(page).to_have_title("Air of Warsaw")
    expect(page.locator("#median")).to_have_text("32.0")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    # Placed rightly: Młociny is north-west of Wola, Kabaty south-east.
    boxes = {name: sign(page, name).bounding_box() for name in PLACES}
    assert boxes["mlociny"]["y"] < boxes["wola"]["y"] < boxes["kabaty"]["y"]
    assert boxes["mlociny"]["x"] < boxes["wola"]["x"] < boxes["kabaty"]["x"]
    # No tiles are configured: a graticule takes their place.
    assert page.locator(".graticule-line").count() > 4
    save(page, repo, "desktop")
    assert opened.complaints == []
    assert opened.foreign == []


def test_a_click_opens_the_last_24_hours(serve: Serve, visit: Visit, day: int, repo: Path) -> None:
    opened = visit(serve().url)
    page = opened.page
    sign(page, "wola").click()
    expect(page.locator("#detail-title")).to_have_text("Wola, rondo Daszyńskiego")
    expect(page.locator(".big-value")).to_have_text("60.0")
    expect(page.locator(".plot")).to_have_attribute(
        "aria-label", "PM2.5 over the last 24 hours: lowest 60.0, mean 63.0, highest 66.0 µg/m³. "
        "Arrow keys read single values.",
    )  # fmt: skip
    facts = page.locator(".facts")
    expect(facts).to_contain_text("Nova SDS011")
    expect(facts).to_contain_text("set by a time server")
    expect(facts).to_contain_text("firmware 0.1.0")
    expect(facts).to_contain_text("readings stored")
    # The line is there, but not across the four silent hours.
    drawn = wait_for(lambda: columns_drawn(page), what="the chart's line")
    gap = [left < 0.35 or left > 0.48 for left in drawn]
    assert all(gap), "the line goes across the gap"
    assert any(left < 0.3 for left in drawn)
    assert any(left > 0.55 for left in drawn)
    save(page, repo, "desktop-node")
    page.get_by_role("button", name="All nodes").click()
    expect(row(page, "kabaty")).to_be_visible()
    assert opened.complaints == []
    assert opened.foreign == []


def columns_drawn(page: Any) -> list[float]:
    """Where PM2.5's line has pixels, as parts of the plot's width from its left edge (0 to 1)."""
    return page.evaluate(
        """() => {
          const canvas = document.querySelector('.plot canvas');
          const over = document.querySelector('.plot .u-over');
          if (!canvas || !over) return [];
          const scale = canvas.width / canvas.clientWidth;
          const [left, width] = [over.offsetLeft * scale, over.clientWidth * scale];
          const hex = getComputedStyle(document.documentElement).getPropertyValue('--pm25').trim();
          const wanted = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          const found = new Set();
          for (let at = 0; at < data.length; at += 4) {
            const near = wanted.every((part, index) => Math.abs(data[at + index] - part) < 12);
            if (near && data[at + 3] > 200) found.add((at / 4) % canvas.width);
          }
          return [...found].map((x) => (x - left) / width).sort((a, b) => a - b);
        }"""
    )


def test_a_new_reading_appears_without_a_reload(
    journal: Journal, serve: Serve, visit: Visit, day: int
) -> None:
    page = visit(serve().url).page
    page.evaluate("window.sameDocument = true")
    expect(sign(page, "kabaty")).to_have_text("4")
    sign(page, "kabaty").click()
    expect(page.locator(".big-value")).to_have_text("4.0")
    commit(journal, reading("kabaty", 5000, day, 101.3, pm10=150.0))
    expect(page.locator(".big-value")).to_have_text("101.3")
    expect(sign(page, "kabaty")).to_have_text("101")
    assert fill(sign(page, "kabaty")) == "rgb(150, 0, 50)"
    # The chart follows within seconds.
    page.locator('.plot[aria-label*="highest 101.3"]').wait_for()
    assert page.evaluate("window.sameDocument") is True


def test_a_node_that_has_just_begun_fills_its_chart(journal: Journal, serve: Serve, visit: Visit) -> None:
    now = int(time.time())
    commit(journal, *(reading("wola", seq, now - 120 + 5 * seq, 20.0) for seq in range(1, 24)))
    page = visit(serve().url + "#wola").page
    expect(page.locator(".chart-key")).to_contain_text("first reading ")
    drawn = wait_for(lambda: columns_drawn(page), what="the chart's line")
    assert drawn[0] < 0.05
    assert drawn[-1] > 0.9


def test_what_is_not_a_fresh_value_shows_by_its_shape(journal: Journal, serve: Serve, visit: Visit) -> None:
    now = int(time.time())
    journal.commit(
        Batch(
            NETWORK,
            readings=[
                reading("wola", 1, now - 2 * HOUR, 20.0),
                reading("kabaty", 1, now - 60, 20.0),
                reading("mlociny", 1, now - 60, None, flags=("bad_checksum", "no_frame")),
                reading("attic", 1, None, 20.0, tq="none"),
            ],
            sightings=[Sighting(now * 1000, "kabaty", False, online=False)],
        )
    )
    page = visit(serve().url).page
    expect(sign(page, "wola")).to_have_attribute("data-state", "stale")
    expect(sign(page, "kabaty")).to_have_attribute("data-state", "offline")
    expect(sign(page, "mlociny")).to_have_attribute("data-state", "novalue")
    looks = {
        name: sign(page, name).evaluate(
            "element => { const style = getComputedStyle(element);"
            " return style.borderStyle + style.borderRadius + style.backgroundImage; }"
        )
        for name in PLACES
    }
    assert len(set(looks.values())) == 3
    expect(row(page, "wola")).to_contain_text("Out of date · 2 hr")
    expect(row(page, "attic")).to_contain_text("no place on the map")
    expect(page.locator(".sign-box")).to_have_count(3)
    sign(page, "mlociny").click()
    expect(page.locator(".facts")).to_contain_text("damaged data from the sensor; no data from the sensor")
    page.get_by_role("button", name="All nodes").click()
    row(page, "attic").click()
    expect(page.locator(".facts")).to_contain_text("unknown to the node; shown by arrival")


def test_on_a_phone_in_polish(serve: Serve, visit: Visit, day: int, repo: Path) -> None:
    opened = visit(serve().url, viewport=PHONE, locale="pl-PL", has_touch=True, is_mobile=True)
    page = opened.page
    expect(page.locator("html")).to_have_attribute("lang", "pl")
    expect(page.locator("#overview h2")).to_have_text("Czujniki")
    expect(page.locator("#connection-text")).to_have_text("Na żywo")
    expect(page.locator("#median")).to_have_text("32,0")
    assert overflow(page) == 0
    save(page, repo, "phone-pl")
    map_box, panel = page.locator("#map").bounding_box(), page.locator("#panel").bounding_box()
    assert map_box["height"] > 250
    assert panel["y"] > map_box["y"] + 200
    sign(page, "wola").tap()
    expect(page.locator(".facts")).to_contain_text("ustawiony przez serwer czasu")
    page.locator(".plot canvas").wait_for()
    assert overflow(page) == 0
    save(page, repo, "phone-pl-node")
    assert opened.complaints == []


def test_language_is_switched_and_remembered(serve: Serve, visit: Visit, day: int) -> None:
    page = visit(serve().url, locale="de-DE").page
    # Neither Polish nor English is wanted: English.
    expect(page.locator("#overview h2")).to_have_text("Nodes")
    row(page, "wola").click()
    page.get_by_role("button", name="PL").click()
    expect(page.locator(".chart-head h3")).to_have_text("Ostatnie 24 godziny")
    expect(page.locator(".key-pm25")).to_have_text("PM2,5")
    page.reload()
    expect(page.locator(".chart-head h3")).to_have_text("Ostatnie 24 godziny")


def test_both_languages_have_every_text_and_every_flag(idle: str, visit: Visit, repo: Path) -> None:
    page = visit(idle).page
    texts = page.evaluate("async () => (await import('/static/js/i18n.js')).TEXTS")
    assert set(texts) == {"en", "pl"}
    assert set(texts["en"]) == set(texts["pl"])
    schema = json.loads((repo / "tests" / "contract" / "schema.json").read_text())
    flags = schema["$defs"]["flag"]["enum"]
    qualities = schema["$defs"]["reading"]["properties"]["tq"]["enum"]
    assert {f"flag_{flag}" for flag in flags} <= set(texts["en"])
    assert {f"tq_{quality}" for quality in qualities} <= set(texts["en"])


def test_steps_of_the_index(idle: str, visit: Visit) -> None:
    page = visit(idle).page
    edges = [-2, 0, 5.4, 5.6, 15.4, 15.5, 50.4, 50.5, 90.4, 90.5, 140.4, 140.5, 999]
    keys = page.evaluate(
        "async edges => { const { bandOf } = await import('/static/js/bands.js');"
        " return edges.map((edge) => bandOf(edge).key); }",
        edges,
    )
    assert keys == [
        *["good"] * 3,
        *["fair"] * 2,
        *["moderate"] * 2,
        *["poor"] * 2,
        *["veryPoor"] * 2,
        *["extremelyPoor"] * 2,
    ]


def test_everything_works_by_keyboard(serve: Serve, visit: Visit, day: int) -> None:
    page = visit(serve().url).page
    expect(row(page, "wola")).to_be_visible()
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.node") == "wola":
            break
    assert page.evaluate("document.activeElement.className.includes('sign-box')"), "the map comes first"
    page.keyboard.press("Enter")
    expect(page.locator("#detail-title")).to_be_focused()
    page.locator(".plot canvas").wait_for()
    page.locator(".plot").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".readout")).to_contain_text("PM2.5 60.0 · PM10 90.0")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".readout")).not_to_contain_text("PM2.5 60.0 ·")
    page.keyboard.press("Escape")
    expect(page.locator("#detail")).to_be_hidden()
    expect(page.locator('.sign-box[data-node="wola"]')).to_be_focused()
    row(page, "kabaty").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#detail-title")).to_have_text("Ursynów, metro Kabaty")
    page.keyboard.press("Escape")
    expect(row(page, "kabaty")).to_be_focused()
    # What a screen reader says of the sign and of the row.
    name = "Wola, rondo Daszyńskiego: PM2.5 60 µg/m³, Poor"
    expect(page.locator('.sign-box[data-node="wola"]')).to_have_attribute("aria-label", name)
    assert (
        row(page, "wola")
        .get_attribute("aria-label")
        .startswith("Wola, rondo Daszyńskiego, PM2.5 60.0 µg/m³, Poor")
    )


def test_a_stopped_gateway_is_said_and_it_comes_back(
    journal: Journal, serve: Serve, visit: Visit, day: int
) -> None:
    first = serve()
    page = visit(first.url).page
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    first.stop()
    expect(page.locator("#connection")).to_have_attribute("data-state", "lost")
    expect(page.locator("#connection-text")).to_contain_text("No connection to the gateway since ")
    # What was known stays readable.
    expect(sign(page, "wola")).to_have_text("60")
    commit(journal, reading("wola", 5000, day, 7.0))
    serve(port=urlsplit(first.url).port)
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    expect(sign(page, "wola")).to_have_text("7")


def test_a_gateway_that_falls_silent_is_said_too(
    serve: Serve, visit: Visit, day: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As when a router forgets the connection: nothing comes, and nothing ends.
    monkeypatch.setattr(events, "KEEP_ALIVE_S", 1000.0)
    page = visit(serve().url).page
    page.clock.install()
    page.reload()
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    page.clock.fast_forward(31_000)
    expect(page.locator("#connection")).to_have_attribute("data-state", "lost")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")


def test_a_turned_phone_shows_all_nodes_still(serve: Serve, visit: Visit, day: int) -> None:
    page = visit(serve().url, viewport=PHONE).page
    expect(sign(page, "wola")).to_have_text("60")
    for size in ({"width": 740, "height": 360}, PHONE, {"width": 1280, "height": 800}):
        page.set_viewport_size(size)
        wait_for(lambda: overflow(page) == 0 and all_on_the_map(page), what=f"all nodes at {size}")


def all_on_the_map(page: Any) -> bool:
    room, panel = page.locator("#map").bounding_box(), page.locator("#panel").bounding_box()
    right = min(room["x"] + room["width"], panel["x"] or 10_000)
    bottom = min(room["y"] + room["height"], panel["y"] if panel["x"] == 0 else 10_000)
    boxes = [sign(page, name).bounding_box() for name in PLACES]
    return all(
        box["x"] >= 0 and box["y"] >= room["y"] and box["x"] + box["width"] <= right
        and box["y"] + box["height"] <= bottom
        for box in boxes
    )  # fmt: skip


def test_a_node_can_be_linked_to(serve: Serve, visit: Visit, day: int) -> None:
    page = visit(serve().url + "#kabaty").page
    expect(page.locator("#detail-title")).to_have_text("Ursynów, metro Kabaty")
    page.go_back()
    page.goto(serve().url + "#nobody")
    expect(row(page, "kabaty")).to_be_visible()


def test_a_label_is_never_read_as_html(journal: Journal, serve: Serve, visit: Visit) -> None:
    evil = "<img src=x onerror=\"window.bitten=1\"><b id='bitten'>bold</b>"
    opened = visit(serve({"evil": Spot(evil, 52.2, 21.0)}, title=evil).url)
    page = opened.page
    expect(row(page, "evil")).to_contain_text(evil)
    row(page, "evil").click()
    expect(page.locator("#detail-title")).to_have_text(evil)
    expect(page.locator("#title")).to_have_text(evil)
    assert page.locator("#bitten, img[src=x]").count() == 0
    assert page.evaluate("window.bitten") is None
    assert opened.complaints == []


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


def test_in_the_dark(serve: Serve, visit: Visit, day: int, repo: Path) -> None:
    opened = visit(serve().url + "#wola", color_scheme="dark")
    page = opened.page
    page.locator(".plot canvas").wait_for()
    expect(sign(page, "wola")).to_have_text("60")
    lightness = page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number).reduce((a, b) => a + b)"
    )
    assert lightness < 150
    # Tells that the chart took the dark colours too.
    assert wait_for(lambda: columns_drawn(page), what="the line in its dark colour")
    save(page, repo, "desktop-dark")
    assert opened.complaints == []


def test_an_empty_network_is_said(serve: Serve, visit: Visit) -> None:
    opened = visit(serve({}).url)
    expect(opened.page.locator("#summary")).to_contain_text("No node has reported yet")
    assert opened.complaints == []


def save(page: Any, repo: Path, name: str) -> None:
    """Leave a screenshot for people in build/screenshots."""
    page.screenshot(path=repo / "build" / "screenshots" / f"{name}.png")
