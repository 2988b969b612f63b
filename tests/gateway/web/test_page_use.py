"""The page in use: phone, keyboard, both languages, a gateway that goes away."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway.journal import Batch, Journal, Sighting
from gateway.web import events
from gateway.web.server import WebServer
from tests.gateway.web.browser import (
    PHONE,
    Opened,
    all_on_the_map,
    expect,
    overflow,
    row,
    save,
    sign,
)
from tests.gateway.web.pages import NETWORK, commit, reading
from tests.support import wait_for

pytestmark = pytest.mark.needs_chromium

Serve = Callable[..., WebServer]
Visit = Callable[..., Opened]


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
    states = schema["$defs"]["health"]["properties"]["sensors"]["items"]["properties"]["state"]["enum"]
    for language in texts.values():
        advice = {state: language[f"sensor_{state}"] for state in states}
        assert advice.pop("ok") == ""
        # A different, plain sentence each.
        assert len(set(advice.values())) == len(advice)
        assert all(sentence.endswith(".") for sentence in advice.values())


def test_a_sensor_s_details_say_what_to_do(journal: Journal, serve: Serve, visit: Visit, day: int) -> None:
    sensors = [
        {
            "slot": "a",
            "model": "sds011",
            "state": "swapped",
            "id": "a160",
            "fw": "18-11-16",
            "laser_h": 1234.5,
        },
        {"slot": "b", "model": "auto", "state": "not_found"},
        {"slot": "m", "model": "bmp280", "state": "ok", "laser_h": 0.0},
    ]
    health: dict[str, Any] = {
        "boot": 1,
        "sensors": [{"frames": 0, "errors": {}, **each} for each in sensors],
        "crash": "MemoryError",
    }
    journal.commit(Batch(NETWORK, sightings=[Sighting(day * 1000, "wola", True, boot=1, health=health)]))
    page = visit(serve().url).page
    row(page, "wola").click()
    facts = page.locator(".facts")
    swap = "Nova SDS011 (a), no. a160, firmware 18-11-16, laser 1,235 h. RX and TX, or SDA and SCL, "
    swap += "are exchanged: swap the two wires."
    expect(facts.get_by_text(swap, exact=True)).to_be_visible()
    expect(facts).to_contain_text("not found yet (b). No sensor answers: check its wires, pins and supply")
    expect(facts.get_by_text("Bosch BMP280 (m)", exact=True)).to_be_visible()
    expect(facts).to_contain_text("It restarted by itself after a fault in its program; it told so")
    safe = Sighting(day * 1000, "wola", True, boot=1, status={"mode": "safe"})
    journal.commit(Batch(NETWORK, sightings=[safe]))
    expect(facts).to_contain_text("measures nothing now, but can still be reached")
    page.get_by_role("button", name="PL").click()
    expect(facts).to_contain_text("Po kilku awariach programu niczego nie mierzy")
    expect(facts).to_contain_text("RX i TX albo SDA i SCL są zamienione: zamień te dwa przewody.")
    assert overflow(page) == 0


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
    name = "Wola, rondo Daszyńskiego: PM2.5 60 µg/m³ raw, Poor"
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
