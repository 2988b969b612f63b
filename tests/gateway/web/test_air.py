"""The index of the reader's choice: API and page, from hours that the checks have closed."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.journal import Batch, Journal, NewReading
from gateway.journal.schema import open_reader
from gateway.quality.air import CHOICES
from gateway.quality.checks import Judge, QualitySettings
from gateway.quality.follow import store
from gateway.quality.follow.offline import judge_span
from gateway.quality.indices import INDICES
from gateway.web.server import WebServer
from tests.gateway.web.browser import PHONE, Opened, expect, overflow, row, save
from tests.gateway.web.pages import HOUR, NETWORK, PLACES, Spot, ask, reading

Serve = Callable[..., WebServer]
Visit = Callable[..., Opened]
# Two more, so that the network has a median.
FIVE = {**PLACES, "solec": Spot("Solec", 52.24, 21.03), "praga": Spot("Praga", 52.25, 21.04)}


@pytest.fixture
def last(journal: Journal) -> int:
    """26 judged hours. wola has 12.4 in the last one and 9 before, with a reading at the range's end in each
    hour; kabaty has half of each hour's readings; mlociny 40, solec 8.0, praga 8.0 but only the last hour.
    Returns the start of the last hour that is over."""
    now = int(time.time())
    last = (now - 600) // HOUR * HOUR - HOUR
    readings: list[NewReading] = []
    for hour in range(26):
        begin = last - hour * HOUR
        for minute in range(5, 61, 5):
            t, seq = begin + 60 * minute, 10_000 - hour * 12 + minute // 5
            wobble = minute % 3 / 100 - 0.01  # a sensor whose value never moves is stuck
            wola = 999.9 if minute == 30 else (12.4 if hour == 0 else 9.0) + wobble
            readings.append(_reading("wola", seq, t, wola))
            if minute <= 30:
                readings.append(_reading("kabaty", seq, t, 100.0 + wobble))
            readings.append(_reading("mlociny", seq, t, 40.0 + wobble))
            readings.append(_reading("solec", seq, t, 8.0 + wobble))
            if hour == 0:
                readings.append(_reading("praga", seq, t, 8.0 + wobble))
    readings.sort(key=lambda each: each.t or 0)
    journal.commit(Batch(NETWORK, readings=readings))
    judge = Judge(QualitySettings(), FIVE)
    with closing(open_reader(journal.path)) as db:
        for _, found in judge_span(db, judge, last - 30 * HOUR, last + HOUR + 601):
            with journal.writing() as writing:
                store.write(writing, judge.version, found)
    return last


def _reading(node: str, seq: int, t: int, pm25: float) -> NewReading:
    made = reading(node, seq, t, round(pm25, 2), pm10=round(pm25 * 1.5, 2))
    made.received_ms = (t + 2) * 1000
    return made


def nodes_of(answer: Any) -> dict[str, Any]:
    return {each["node"]: each for each in answer["nodes"]}


def test_the_european_index_of_the_last_hour_leaves_out_what_is_bad(serve: Serve, last: int) -> None:
    found = ask(serve().url, "/api/air").json
    assert found["hour"] == last
    assert found["index"]["name"] == "eu-2024"
    assert {"version", "effective", "source", "source_seen", "input"} <= found["index"].keys()
    nodes = nodes_of(found)
    wola = nodes["wola"]["pm25"]
    # With the reading of 999.9 the mean were 94.7, band 5.
    assert wola["mean"] == pytest.approx(12.4, abs=0.02)
    assert (wola["value"], wola["category"], wola["level"]) == (2, "fair", 2)
    kabaty = nodes["kabaty"]["pm25"]
    assert kabaty["value"] is None
    assert kabaty["reason"] == "6 of 12 good readings are there"
    assert nodes["mlociny"]["worst"] == "pm25"
    assert found["network"]["nodes"] == 4
    # Of 8, 8, 12.4 and 40: 10.2.
    assert found["network"]["pm25"]["mean"] == pytest.approx(10.2, abs=0.02)
    assert found["network"]["pm25"]["value"] == 2


@pytest.mark.parametrize("name", CHOICES)
def test_each_index_is_the_library_s_for_the_mean_that_it_wants(serve: Serve, last: int, name: str) -> None:
    found = ask(serve().url, f"/api/air?index={name}").json
    assert found["choices"] == list(CHOICES)
    nodes = nodes_of(found)
    entry: Any = INDICES.pick(name)
    assert found["index"]["version"] == entry.version
    for node, hours in (("wola", [12.4, *[9.0] * 23]), ("mlociny", [40.0] * 24)):
        over = found["index"]["over"]
        expected = {"hour": hours[0], "day": sum(hours) / 24}.get(over)
        if over == "nowcast":
            expected = INDICES.pick("nowcast").compute_hours(hours[:12]).value  # type: ignore[union-attr]
            assert found["index"]["nowcast"]["name"] == "nowcast"
        told = nodes[node]["pm25"]
        assert told["mean"] == pytest.approx(expected, abs=0.11)
        right = entry.compute(told["mean"])
        assert (told["value"], told["category"]) == (right.value, right.category)
    # One hour is too little for a day and for the NowCast.
    assert (nodes["praga"]["worst"] is None) == (found["index"]["over"] != "hour")


def test_an_unknown_index_is_refused_in_a_sentence(serve: Serve) -> None:
    answer = ask(serve().url, "/api/air?index=caqi")
    assert answer.status == 400
    assert answer.json["error"].startswith("There is no index 'caqi'; ?index= takes one of eu-2024, gios")


def test_without_judged_hours_there_is_no_index_and_no_error(serve: Serve) -> None:
    found = ask(serve().url, "/api/air").json
    assert (found["hour"], found["nodes"], found["network"]["worst"]) == (None, [], None)


@pytest.mark.needs_chromium
def test_the_reader_chooses_an_index_and_it_is_remembered(
    serve: Serve, visit: Visit, last: int, repo: Path
) -> None:
    opened = visit(serve(places=FIVE).url)
    page = opened.page
    expect(page.locator("#index-badge")).to_have_text("Fair")
    expect(page.locator("#index-words")).to_contain_text("PM2.5 10.2")
    expect(page.locator("#index-words")).to_contain_text("raw; median of 4 nodes, hourly mean")
    expect(page.locator("#index-entry")).to_contain_text("eu-2024, version 2024, in force from 2024.")
    page.get_by_label("Index of air quality").first.focus()
    page.locator("#index-choice").select_option("us-aqi-2024")
    expect(page.locator("#index-badge")).to_contain_text("AQI ")
    expect(page.locator("#index-entry")).to_contain_text("in force from 2024-05-06")
    expect(page.locator("#index-entry")).to_contain_text("Through nowcast, version 2013.")
    save(page, repo, "index-us")
    row(page, "kabaty").click()
    facts = page.locator(".facts")
    expect(facts).to_contain_text("US AQI with NowCast")
    expect(facts).to_contain_text("fewer than 2 of the 3 newest hours are there")
    page.locator(".back").click()
    page.locator("#index-choice").select_option("gios")
    expect(page.locator("#index-badge")).to_have_text("Very good")
    page.reload()
    expect(page.locator("#index-badge")).to_have_text("Very good")
    assert page.locator("#index-choice").input_value() == "gios"
    page.get_by_role("button", name="PL").click()
    expect(page.locator("#index-badge")).to_have_text("Bardzo dobry")
    row(page, "wola").click()
    expect(facts).to_contain_text("Indeks GIOŚ")
    expect(facts).to_contain_text(
        "Bardzo dobry: PM2,5 12,4 µg/m³ bez korekty, PM10 18,6 µg/m³ bez korekty; średnia godzinowa"
    )
    row_of = page.locator(".back")
    row_of.click()
    row(page, "kabaty").click()
    expect(facts).to_contain_text("dobrych pomiarów: 6 z 12")
    assert opened.complaints == []
    assert opened.foreign == []


@pytest.mark.needs_chromium
def test_on_a_phone_nothing_is_too_wide(serve: Serve, visit: Visit, last: int, repo: Path) -> None:
    opened = visit(serve(places=FIVE).url, viewport=PHONE, locale="pl-PL", has_touch=True, is_mobile=True)
    page = opened.page
    for name in CHOICES:
        page.locator("#index-choice").select_option(name)
        expect(page.locator("#index-entry")).to_contain_text(f"{name}, wersja")
        assert overflow(page) == 0
    page.locator("#index-box").scroll_into_view_if_needed()
    save(page, repo, "index-phone-pl")
    assert opened.complaints == []


@pytest.mark.needs_chromium
def test_both_languages_have_every_text_and_level(idle: str, visit: Visit) -> None:
    page = visit(idle).page
    texts = page.evaluate("async () => (await import('/static/js/air_texts.js')).AIR_TEXTS")
    assert set(texts["en"]) == set(texts["pl"])
    for name in CHOICES:
        assert f"index_{name}" in texts["en"]
        assert all(f"level_{name}_{level}" in texts["en"] for level in range(1, 7))
