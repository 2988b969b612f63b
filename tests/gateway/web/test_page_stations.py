"""The page of station health in a real browser, and its API."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.journal import Batch, Journal, Sighting
from gateway.web import queries
from gateway.web.server import WebServer
from tests.gateway.web.browser import PHONE, Opened, expect, overflow, save
from tests.gateway.web.pages import NETWORK, ask, reading

Serve = Callable[..., WebServer]
Visit = Callable[..., Opened]
DAY = 86400


@pytest.fixture
def now(journal: Journal) -> int:
    """wola is silent for three days, mlociny never came, kabaty has weak Wi-Fi."""
    now = int(time.time())
    batch = Batch(NETWORK, readings=[reading("wola", 1, now - 3 * DAY, 12.0), reading("kabaty", 1, now, 9.0)])
    batch.readings[0].received_ms = (now - 3 * DAY) * 1000
    batch.sightings = [
        Sighting((now - 3 * DAY) * 1000, "wola", True, online=False, boot=1),
        Sighting(now * 1000, "kabaty", True, online=True, boot=1, health=_health(-88)),
    ]
    journal.commit(batch)
    return now


def _health(rssi: int) -> dict[str, Any]:
    outbox = {"depth": 0, "bytes": 0, "aside": 0}
    return {"boot": 1, "heap_free": 61440, "rssi": rssi, "reset": "power", "outbox": outbox, "sensors": []}


def test_the_api_ranks_with_reasons_in_both_languages(serve: Serve, now: int) -> None:
    answer = ask(serve().url, "/api/stations")
    assert answer.status == 200
    found = answer.json
    assert [(one["node"], one["score"], one["visit"]) for one in found["stations"]] == [
        ("wola", 90.0, True),
        ("mlociny", 70.0, True),
        ("kabaty", 30.0, False),
    ]
    assert (found["nodes"], found["visits"]) == (3, 2)
    wola = found["stations"][0]
    assert wola["label"] == "Wola, rondo Daszyńskiego"
    (reason,) = wola["reasons"]
    assert reason["since"] == now - 3 * DAY
    assert reason["words"]["pl"]["todo"] == "Sprawdź zasilanie i Wi-Fi, potem płytkę."
    assert "lat" not in answer.text


@pytest.mark.needs_chromium
def test_the_list_by_keyboard_and_to_the_node_on_the_map(
    serve: Serve, visit: Visit, now: int, repo: Path
) -> None:
    opened = visit(serve().url)
    page = opened.page
    page.get_by_role("link", name="Station health").click()
    expect(page.locator("#summary")).to_have_text("2 of 3 nodes need a visit.")
    expect(page).to_have_title("Station health – Dustline")
    items = page.locator("#visit .station")
    expect(items).to_have_count(2)
    first = items.first
    expect(first.locator("h4 a")).to_have_text("Wola, rondo Daszyńskiego")
    expect(first.locator(".reasons")).to_contain_text("Nothing was heard from it since ")
    expect(first.locator(".todo")).to_have_text("Check its supply and its Wi-Fi, then the board.")
    expect(first.locator(".score")).to_have_attribute("aria-label", "urgency 90 of 100")
    expect(page.locator("#wait .station")).to_contain_text("Its Wi-Fi is weak (-88 dBm).")
    save(page, repo, "stations")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(2):  # past the link to the map
        page.keyboard.press("Tab")
    expect(first.locator("h4 a")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#detail-title")).to_have_text("Wola, rondo Daszyńskiego")
    assert opened.complaints == []
    assert opened.foreign == []


@pytest.mark.needs_chromium
def test_on_a_phone_in_polish(serve: Serve, visit: Visit, now: int, repo: Path) -> None:
    opened = visit(f"{serve().url}stations", viewport=PHONE, locale="pl-PL", has_touch=True, is_mobile=True)
    page = opened.page
    expect(page.locator("#summary")).to_have_text("Do odwiedzenia: 2 z 3 węzłów.")
    expect(page.locator("#visit .station").first).to_contain_text("Nie odzywa się od ")
    assert overflow(page) == 0
    save(page, repo, "stations-phone-pl")
    page.get_by_role("button", name="EN").tap()
    expect(page.locator("#summary")).to_have_text("2 of 3 nodes need a visit.")
    assert overflow(page) == 0
    assert opened.complaints == []


@pytest.mark.needs_chromium
def test_it_looks_again_by_itself_and_says_when_it_cannot(
    journal: Journal, serve: Serve, visit: Visit, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "_KEPT_S", 0.0)
    monkeypatch.setattr(queries, "_REST", 0)
    opened = visit(serve().url)
    page = opened.page
    page.clock.install()
    page.goto(f"{page.url}stations")
    expect(page.locator("#wait .station")).to_have_count(1)
    health = Sighting(int(time.time()) * 1000, "kabaty", True, online=True, boot=1, health=_health(-60))
    journal.commit(Batch(NETWORK, sightings=[health]))
    page.clock.fast_forward("01:05")
    expect(page.locator("#wait")).to_be_hidden()
    expect(page.locator("#visit .station")).to_have_count(2)
    page.route("**/api/stations", lambda route: route.abort())
    page.clock.fast_forward("01:05")
    expect(page.locator("#connection")).to_have_attribute("data-state", "lost")
    expect(page.locator("#visit .station")).to_have_count(2)  # what is known stays
    page.unroute("**/api/stations")
    page.clock.fast_forward("00:06")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")


@pytest.mark.needs_chromium
def test_both_languages_have_every_text(idle: str, visit: Visit) -> None:
    page = visit(idle).page
    texts = page.evaluate("async () => (await import('/static/js/station_texts.js')).STATION_TEXTS")
    assert set(texts) == {"en", "pl"}
    assert set(texts["en"]) == set(texts["pl"])
