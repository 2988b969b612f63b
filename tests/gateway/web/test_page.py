"""The page in a real Chromium: what people see, and what must never happen."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.journal import Batch, Journal, Sighting
from gateway.web.server import WebServer
from tests.gateway.web.browser import (
    Opened,
    columns_drawn,
    expect,
    fill,
    row,
    save,
    sign,
)
from tests.gateway.web.pages import HOUR, NETWORK, PLACES, Spot, commit, reading
from tests.support import wait_for

pytestmark = pytest.mark.needs_chromium

Serve = Callable[..., WebServer]
Visit = Callable[..., Opened]


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
    # Of half an hour, so that a page that comes some seconds later has it as well.
    commit(journal, *(reading("wola", seq, now - 1800 + 60 * seq, 20.0) for seq in range(1, 31)))
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
