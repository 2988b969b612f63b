"""Indices are of corrected values where these are in use, else of raw ones, and say which: API and page."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.journal import Batch, Journal, NewReading
from gateway.journal.schema import open_reader
from gateway.quality.calibration.library import Library
from gateway.quality.checks import Judge, QualitySettings
from gateway.quality.corrected.corrector import Corrector
from gateway.quality.corrected.sources import Held
from gateway.quality.follow import store
from gateway.quality.follow.offline import judge_span
from gateway.quality.indices import INDICES
from gateway.web.server import WebServer
from tests.gateway.quality.correcting import calibration
from tests.gateway.web.browser import PHONE, Opened, expect, overflow, row, save
from tests.gateway.web.pages import HOUR, NETWORK, PLACES, Spot, ask, reading

Serve = Callable[..., WebServer]
Visit = Callable[..., Opened]
FIVE = {**PLACES, "solec": Spot("Solec", 52.24, 21.03), "praga": Spot("Praga", 52.25, 21.04)}
# Raw PM2.5 of each, ug/m3. What is calibrated reads 0.6 of it, and 0.5 by a second version.
RAW = {"wola": 20.0, "kabaty": 8.0, "mlociny": 30.0, "solec": 50.0, "praga": 24.0}


@pytest.fixture
def last(journal: Journal) -> int:
    """26 judged hours, twelve readings in each; returns the start of the last hour that is over.

    wola is calibrated all the time, kabaty never, mlociny from minute 40 of the last hour on, praga for the
    last 15 hours; solec gets a second version at minute 30 of the last hour."""
    last = (int(time.time()) - 600) // HOUR * HOUR - HOUR
    begins = {"wola": None, "solec": None, "mlociny": last + 41 * 60, "praga": last - 14 * HOUR + 60}
    made = [
        calibration(name, node=name, coefficients={"gain": 0.6}, **({"from": utc(at)} if at else {}))
        for name, at in begins.items()
    ]
    second = {"version": 2, "from": utc(last + 31 * 60), "coefficients": {"gain": 0.5}}
    made.append(calibration("solec", node="solec", **second))
    readings: list[NewReading] = []
    for number in range(26 * 12):
        t = last - 25 * HOUR + 300 * (number + 1)
        for name, raw in RAW.items():
            value = round(raw + number % 3 / 100 - 0.01, 2)  # a sensor whose value never moves is stuck
            one = reading(name, 1 + number, t, value, pm10=round(raw * 1.5 + number % 3 / 10 - 0.1, 2))
            one.received_ms = (t + 2) * 1000
            readings.append(one)
    journal.commit(Batch(NETWORK, readings=readings))
    judge, corrector = Judge(QualitySettings(), FIVE), Corrector("calibration", Held(Library(made)), FIVE)
    with closing(open_reader(journal.path)) as db:
        for _, found in judge_span(db, judge, last - 26 * HOUR, last + HOUR + 601, corrector):
            with journal.writing() as writing:
                store.write(writing, corrector.version(judge.version), found)
    return last


def utc(t: int) -> datetime:
    return datetime.fromtimestamp(t, UTC)


def air(server: WebServer, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """By node its PM2.5, and the network's."""
    found = ask(server.url, f"/api/air?index={name}").json
    return {each["node"]: each["pm25"] for each in found["nodes"]}, found["network"]["pm25"]


def about(view: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(view[name] for name in ("of", "by", "good", "corrected"))


def test_the_hour_s_index_is_of_corrected_values_where_there_are_enough(serve: Serve, last: int) -> None:
    server = serve()
    nodes, network = air(server, "eu-2024")
    wola = nodes["wola"]
    # By the raw mean of 20.0 it were 3, moderate.
    assert (wola["mean"], wola["raw"]) == (pytest.approx(12.0, abs=0.02), pytest.approx(20.0, abs=0.02))
    assert (wola["value"], wola["category"], wola["level"]) == (2, "fair", 2)
    assert about(wola) == ("corrected", ["wola.v1"], 12, 12)
    assert about(nodes["kabaty"]) == ("raw", [], 12, 0)
    assert nodes["kabaty"]["mean"] == nodes["kabaty"]["raw"] == pytest.approx(8.0, abs=0.02)
    # 4 of 12 are too few: the mean is that of all raw values, and not of some of both.
    assert about(nodes["mlociny"]) == ("raw", [], 12, 4)
    assert nodes["mlociny"]["mean"] == pytest.approx(30.0, abs=0.02)
    # In the hour of a change both are named: 6 at 30, 6 at 25.
    assert about(nodes["solec"]) == ("corrected", ["solec.v1", "solec.v2"], 12, 12)
    assert nodes["solec"]["mean"] == pytest.approx(27.5, abs=0.02)
    assert nodes["praga"]["mean"] == pytest.approx(14.4, abs=0.02)
    # Of 8, 12, 14.4, 27.5, 30; raw 8, 20, 24, 30, 50.
    assert (network["mean"], network["raw"]) == (
        pytest.approx(14.4, abs=0.02),
        pytest.approx(24.0, abs=0.02),
    )
    assert (network["of"], network["nodes"], network["corrected"], network["value"]) == ("mixed", 5, 3, 2)
    # PM10 has no calibration.
    found = ask(server.url, "/api/air").json
    assert {each["pm10"]["of"] for each in found["nodes"]} == {"raw"}
    assert (found["network"]["pm10"]["of"], found["network"]["pm10"]["corrected"]) == ("raw", 0)


@pytest.mark.parametrize(
    ("name", "praga"),
    [("us-aqi-2024", ("corrected", ["praga.v1"], 144, 144)), ("eu-old", ("raw", [], 288, 180))],
)
def test_over_several_hours_one_mean_is_of_one_kind(
    serve: Serve, last: int, name: str, praga: tuple[Any, ...]
) -> None:
    """Of praga's 24 hours 15 are corrected: enough for the NowCast's 12, too few for a day."""
    nodes, network = air(serve(), name)
    entry: Any = INDICES.pick(name)
    hours = 12 if name == "us-aqi-2024" else 24
    for node, mean in (("wola", 12.0), ("kabaty", 8.0), ("mlociny", 30.0)):
        assert nodes[node]["mean"] == pytest.approx(mean, abs=0.11)
        assert nodes[node]["value"] == entry.compute(nodes[node]["mean"]).value
        assert nodes[node]["raw"] == pytest.approx(RAW[node], abs=0.11)
    assert about(nodes["wola"]) == ("corrected", ["wola.v1"], hours * 12, hours * 12)
    assert about(nodes["mlociny"]) == ("raw", [], hours * 12, 4)
    assert about(nodes["solec"])[:2] == ("corrected", ["solec.v1", "solec.v2"])
    assert about(nodes["praga"]) == praga
    assert nodes["praga"]["mean"] == pytest.approx(14.4 if praga[0] == "corrected" else 24.0, abs=0.11)
    assert (network["of"], network["corrected"]) == ("mixed", 3 if praga[0] == "corrected" else 2)


def test_hours_of_an_answer_are_not_counted_from_readings(serve: Serve, last: int, journal: Journal) -> None:
    """What an index costs goes by the number of nodes and hours: readings are not needed."""
    with journal.writing() as db:
        db.execute("DELETE FROM quality")
    nodes, _ = air(serve(), "who-2021")
    assert nodes["wola"]["mean"] == pytest.approx(12.0, abs=0.02)


@pytest.mark.needs_chromium
@pytest.mark.parametrize(
    ("locale", "words"),
    [
        (
            "en-GB",
            {
                "network": "PM2.5 14.4 µg/m³, corrected at 3 of 5 nodes (raw 24.0), PM10 36.0 µg/m³ raw; "
                "median of",
                "wola": "Fair: PM2.5 12.0 µg/m³ corrected (raw 20.0), PM10 30.0 µg/m³ raw; hourly mean",
                "wola by": "PM2.5: wola.v1, 12 of 12 readings",
                "kabaty": "Fair: PM2.5 8.0 µg/m³ raw, PM10 12.0 µg/m³ raw; hourly mean",
                "mlociny by": "PM2.5: raw, as only 4 of 12 readings are corrected",
                "solec by": "PM2.5: solec.v1, solec.v2, 12 of 12 readings",
                "by": "Correction of the index",
            },
        ),
        (
            "pl-PL",
            {
                "network": "PM2,5 14,4 µg/m³, po korekcie w 3 z 5 czujników (bez korekty 24,0), PM10 36,0 "
                "µg/m³ bez korekty; mediana z",
                "wola": "Zadowalająca: PM2,5 12,0 µg/m³ po korekcie (bez korekty 20,0), PM10 30,0 µg/m³ bez "
                "korekty; średnia godzinowa",
                "wola by": "PM2,5: wola.v1, pomiary: 12 z 12",
                "kabaty": "Zadowalająca: PM2,5 8,0 µg/m³ bez korekty, PM10 12,0 µg/m³ bez korekty; średnia",
                "mlociny by": "PM2,5: bez korekty, bo skorygowano tylko 4 z 12 pomiarów",
                "solec by": "PM2,5: solec.v1, solec.v2, pomiary: 12 z 12",
                "by": "Korekta indeksu",
            },
        ),
    ],
)
def test_the_page_says_of_which_values_an_index_is(
    serve: Serve, visit: Visit, last: int, repo: Path, locale: str, words: dict[str, str]
) -> None:
    opened = visit(serve(places=FIVE).url, viewport=PHONE, locale=locale, has_touch=True, is_mobile=True)
    page = opened.page
    expect(page.locator("#index-words")).to_contain_text(words["network"])
    assert overflow(page) == 0
    page.locator("#index-box").scroll_into_view_if_needed()
    save(page, repo, f"index-corrected-{locale}")
    facts = page.locator(".facts")
    for node in ("wola", "kabaty", "mlociny", "solec"):
        row(page, node).click()
        for key in (node, f"{node} by"):
            if key in words:
                expect(facts).to_contain_text(words[key])
        if node == "kabaty":  # nothing of it is corrected
            assert words["by"] not in facts.inner_text()
        assert overflow(page) == 0
        page.locator(".back").click()
    assert opened.complaints == []
    assert opened.foreign == []
