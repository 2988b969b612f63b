"""What the page says to a volunteer of their own node while nothing comes from it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from gateway.journal import Batch, Journal, Sighting
from gateway.quality.checks import QualitySettings
from gateway.quality.follow.follower import QualityFollower
from gateway.web.server import WebServer
from tests.gateway.web.browser import PHONE, Opened, expect, overflow, sign
from tests.gateway.web.pages import HOUR, NETWORK, PLACES, Spot, commit, reading

pytestmark = pytest.mark.needs_chromium

Serve = Callable[..., WebServer]
Visit = Callable[..., Opened]


def heard(node: str, at: int, online: bool | None) -> Sighting:
    return Sighting(at * 1000, node, True, online=online, boot=1)


@pytest.mark.parametrize(
    ("locale", "away", "mute", "never"),
    [
        (
            "en-GB",
            "look at its supply and at the router",
            "sends no new readings",
            "some minutes after set-up",
        ),
        ("pl-PL", "sprawdź jego zasilanie i router", "nowych pomiarów nie przysyła", "minut po konfiguracji"),
    ],
)
def test_since_when_nothing_comes_and_what_to_do(
    journal: Journal, serve: Serve, visit: Visit, locale: str, away: str, mute: str, never: str
) -> None:
    """wola is away, kabaty is connected and sends nothing, mlociny never came."""
    now = int(time.time())
    old = now - 3 * HOUR
    sightings = [heard("wola", old, True), Sighting(now * 1000, "wola", False, online=False)]
    sightings.append(heard("kabaty", now, True))
    readings = [reading("wola", 1, old, 20.0), reading("kabaty", 1, old, 20.0)]
    journal.commit(Batch(NETWORK, readings=readings, sightings=sightings))
    url = serve().url
    page = visit(f"{url}#wola", locale=locale, viewport=PHONE).page
    advice = page.locator(".advice")
    expect(advice).to_contain_text(away)
    told = page.evaluate(
        "at => new Date(at * 1000).toLocaleTimeString('pl', { hour: '2-digit', minute: '2-digit' })", old
    )
    expect(advice).to_contain_text(told)
    box = advice.bounding_box()
    assert box["y"] + box["height"] <= PHONE["height"], "it is seen without scrolling"
    page.goto(f"{url}#kabaty")
    expect(advice).to_contain_text(mute)
    page.goto(f"{url}#mlociny")
    expect(advice).to_contain_text(never)
    assert overflow(page) <= 0


def test_a_node_that_measures_needs_no_advice(journal: Journal, serve: Serve, visit: Visit) -> None:
    commit(journal, reading("wola", 1, int(time.time()), 12.0))
    page = visit(f"{serve().url}#wola").page
    expect(page.locator(".big-value")).to_have_text("12.0")
    expect(page.locator(".advice")).to_have_text("")
    expect(page.locator(".facts")).to_contain_text("Its one reading is stored")


def test_a_link_to_a_node_that_is_not_known_says_so_until_it_comes(
    journal: Journal, serve: Serve, visit: Visit
) -> None:
    """As the page that sets a board up has it."""
    page = visit(f"{serve().url}#kuchnia").page
    unknown = page.locator("#unknown")
    expect(unknown).to_contain_text("The node kuchnia is not known here")
    page.get_by_role("button", name="PL").click()
    expect(unknown).to_contain_text("Czujnik kuchnia nie jest tu znany")
    commit(journal, reading("kuchnia", 1, int(time.time()), 12.0))
    expect(page.locator("#detail-title")).to_have_text("kuchnia")
    expect(unknown).to_be_hidden()
    page.get_by_role("button", name="Wszystkie czujniki").click()
    page.goto(f"{page.url.partition('#')[0]}#panel")  # where the skip link leads
    expect(page.locator("#nodes")).to_be_visible()
    expect(unknown).to_be_hidden()


def test_nodes_that_measure_what_is_not_to_be_trusted_are_not_said_to_be_silent(
    journal: Journal, serve: Serve, visit: Visit
) -> None:
    commit(journal, reading("wola", 5, int(time.time()), 999.9, pm10=1000.0))
    follower = QualityFollower(journal, QualitySettings(), PLACES)
    follower.start()
    try:
        page = visit(serve().url).page
        expect(page.locator("#summary")).to_have_text(
            "1 node is measuring now, and its value is not to be trusted"
        )
        expect(page.locator("#median")).to_have_text("–")
    finally:
        assert follower.stop(10)


def test_four_digits_fit_into_a_sign(journal: Journal, serve: Serve, visit: Visit) -> None:
    places = {**PLACES, "far": Spot("Far", 52.1, 20.8)}
    commit(journal, reading("far", 1, int(time.time()), 1999.6))
    page = visit(serve(places).url, viewport=PHONE).page
    disc = sign(page, "far")
    expect(disc).to_have_text("2,000")
    inside = """it => {
      const range = document.createRange();
      range.selectNodeContents(it);
      return range.getBoundingClientRect().width <= it.clientWidth;
    }"""
    assert disc.evaluate(inside)


def test_the_legend_has_every_sign_and_the_index_says_that_no_hour_is_judged(idle: str, visit: Visit) -> None:
    page = visit(idle).page
    page.locator("#legend summary").click()
    for state in ("stale", "offline", "novalue", "never"):
        expect(page.locator(f'#shapes .disc[data-state="{state}"]')).to_be_visible()
    expect(page.locator("#index-words")).to_have_text("No hourly mean yet: no hour has been judged so far")
