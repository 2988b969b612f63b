"""What the checks say of a value shows on the page, by its sign and in words."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from gateway.journal import Journal
from gateway.quality.checks import QualitySettings
from gateway.quality.follow.follower import QualityFollower
from gateway.web.server import WebServer
from tests.gateway.web.browser import Opened, expect, sign
from tests.gateway.web.pages import PLACES, commit, reading

pytestmark = pytest.mark.needs_chromium

Serve = Callable[..., WebServer]
Visit = Callable[..., Opened]


@pytest.mark.parametrize(
    ("locale", "bad", "why"),
    [
        ("en-GB", "not to be trusted", "at the end of the sensor's range"),
        ("pl-PL", "wartości nie należy ufać", "na końcu zakresu czujnika"),
    ],
)
def test_a_value_that_is_not_to_be_trusted_is_grey_and_says_why(
    journal: Journal, serve: Serve, visit: Visit, locale: str, bad: str, why: str
) -> None:
    now = int(time.time())
    commit(journal, reading("wola", 5, now, 999.9, pm10=1000.0), reading("kabaty", 5, now, 12.0, pm10=15.0))
    follower = QualityFollower(journal, QualitySettings(), PLACES)
    follower.start()
    try:
        page = visit(f"{serve().url}#wola", locale=locale).page
        for name, trust in (("wola", "bad"), ("kabaty", "good")):
            expect(sign(page, name)).to_have_attribute("data-trust", trust)
        colours = [
            sign(page, name).evaluate("it => getComputedStyle(it).backgroundColor")
            for name in ("wola", "kabaty")
        ]
        assert colours[0] != colours[1]
        box = page.locator('.sign-box[data-node="wola"]')
        assert box.get_attribute("aria-label").endswith(bad)
        facts = page.locator("#panel")
        expect(facts).to_contain_text(bad)
        expect(facts).to_contain_text(why)
        # Beside the number too, on a phone the first that is read; and no colour of the index there.
        expect(page.locator(".reading .state-name")).to_have_text(f"{bad}: {why}")
        expect(page.locator(".reading .band-name")).to_be_hidden()
    finally:
        assert follower.stop(10)


@pytest.mark.parametrize(
    ("locale", "shown"),
    [("en-GB", "PM2.5 9.6 µg/m³ (kappa-koehler.v1)"), ("pl-PL", "PM2,5 9,6 µg/m³ (kappa-koehler.v1)")],
)
def test_a_corrected_value_stands_beside_the_raw_one_with_its_name(
    journal: Journal, serve: Serve, visit: Visit, locale: str, shown: str
) -> None:
    wet = reading("kabaty", 5, int(time.time()), 20.0, pm10=30.0)
    wet.values["rh"] = 85.7
    commit(journal, wet)
    follower = QualityFollower(journal, QualitySettings(corrected="kappa-koehler"), PLACES)
    follower.start()
    try:
        page = visit(f"{serve().url}#kabaty", locale=locale).page
        expect(page.locator("#panel")).to_contain_text(shown)
        expect(page.locator("#panel .big-value")).to_have_text("9.6" if locale == "en-GB" else "9,6")
    finally:
        assert follower.stop(10)
