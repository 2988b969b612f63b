"""The corrected value is seen first where one is in use: API, events, map, list, details and chart."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.journal import Journal, NewReading
from gateway.quality.checks import QualitySettings
from gateway.quality.follow.follower import QualityFollower
from gateway.web.server import WebServer
from tests.gateway.web.browser import PHONE, Opened, drawn, expect, overflow, row, save, sign
from tests.gateway.web.pages import HOUR, PLACES, ask, commit, event_stream, reading
from tests.support import wait_for

Serve = Callable[..., WebServer]
Visit = Callable[..., Opened]
Begin = Callable[[], QualityFollower]


def humid(node: str, seq: int, t: int, pm25: float, **more: Any) -> NewReading:
    """At 85.7 % kappa-Koehler makes 9.6 of a raw 20.0; what has no humidity is not corrected."""
    made = reading(node, seq, t, pm25, **more)
    made.values["rh"] = 85.7
    return made


@pytest.fixture
def judge(journal: Journal) -> Iterator[Begin]:
    """Let the gateway's own follower judge and correct what the journal has, and what comes."""
    begun: list[QualityFollower] = []

    def begin() -> QualityFollower:
        begun.append(QualityFollower(journal, QualitySettings(corrected="kappa-koehler"), PLACES))
        begun[-1].start()
        return begun[-1]

    yield begin
    for follower in begun:
        assert follower.stop(10)


def shown(node: dict[str, Any]) -> tuple[float | None, str | None]:
    return node["shown"], node["shown_of"]


def test_the_answer_has_what_to_show_beside_the_raw_value(
    journal: Journal, serve: Serve, judge: Begin
) -> None:
    now = int(time.time())
    commit(
        journal,
        humid("kabaty", 5, now, 20.0, pm10=30.0),
        reading("wola", 5, now, 20.0, pm10=30.0),
        reading("balcony", 5, now, None, flags=("no_frame",)),
    )
    url = serve().url

    def nodes() -> dict[str, dict[str, Any]]:
        return {node["name"]: node for node in ask(url, "/api/nodes").json["nodes"]}

    # Not judged yet.
    assert {name: shown(node) for name, node in nodes().items()} == {
        "kabaty": (20.0, "raw"),
        "wola": (20.0, "raw"),
        "balcony": (None, None),
        "mlociny": (None, None),
    }
    judge()
    wait_for(lambda: nodes()["kabaty"]["shown_of"] == "corrected", what="the corrected value")
    found = nodes()
    assert shown(found["kabaty"]) == (pytest.approx(9.6, abs=0.05), "corrected")
    assert found["kabaty"]["shown"] == found["kabaty"]["corrected"]["pm25"]
    # The older field stays what the sensor gave.
    assert (found["kabaty"]["pm25"], found["kabaty"]["pm10"]) == (20.0, 30.0)
    wait_for(lambda: nodes()["wola"]["trust"] == "good", what="the other judgement")
    assert shown(nodes()["wola"]) == (20.0, "raw")


def changes_of(name: str, events: Iterator[tuple[str, Any]]) -> Iterator[dict[str, Any]]:
    """What the stream tells of a node; half a minute of silence is a failure."""
    ticks = 0
    for kind, data in events:
        ticks += kind == "tick"
        assert ticks < 3, f"nothing new of {name} came"
        if kind == "nodes":
            yield from (node for node in data["nodes"] if node["name"] == name)


def test_a_correction_that_comes_later_is_told_to_open_pages(
    journal: Journal, serve: Serve, judge: Begin
) -> None:
    """Of the same reading: nothing of a node is new but what it was corrected to."""
    with event_stream(serve().url) as events:
        assert next(events)[0] == "state"
        commit(journal, humid("kabaty", 5, int(time.time()), 20.0))
        told = changes_of("kabaty", events)
        first = next(node for node in told if node["t"] is not None)
        assert shown(first) == (20.0, "raw")
        judge()
        last = next(node for node in told if node["shown_of"] == "corrected")
    assert last["t"] == first["t"]
    assert last["shown"] == pytest.approx(9.6, abs=0.05)
    assert last["pm25"] == 20.0


WORDS = {
    "en-GB": {
        "raw": "raw",
        "corrected": "corrected (raw 20.0)",
        "value": "9.6",
        "median": "9.6",
        "median of": "corrected at 2 of 3 nodes, raw at 1 (all raw: 20.0)",
        "pm10": "PM10 14.4 µg/m³ corrected (raw 30.0)",
        "sign": "PM2.5 10 µg/m³ corrected (raw 20.0), Fair",
        "row": "Fair · corrected (raw 20.0) · ",
        "row raw": "Moderate · raw · ",
    },
    "pl-PL": {
        "raw": "bez korekty",
        "corrected": "po korekcie (bez korekty 20,0)",
        "value": "9,6",
        "median": "9,6",
        "median of": "po korekcie w 2 z 3 czujników, bez korekty w 1 (wszystkie bez korekty: 20,0)",
        "pm10": "PM10 14,4 µg/m³ po korekcie (bez korekty 30,0)",
        "sign": "PM2,5 10 µg/m³ po korekcie (bez korekty 20,0), Zadowalająca",
        "row": "Zadowalająca · po korekcie (bez korekty 20,0) · ",
        "row raw": "Umiarkowana · bez korekty · ",
    },
}


@pytest.mark.needs_chromium
@pytest.mark.parametrize("locale", WORDS)
def test_map_list_median_and_details_turn_to_the_corrected_value(
    journal: Journal, serve: Serve, visit: Visit, judge: Begin, repo: Path, locale: str
) -> None:
    """Of an open page: raw while nothing is judged, and the correction without a reload."""
    words, now = WORDS[locale], int(time.time())
    commit(
        journal,
        humid("kabaty", 5, now, 20.0, pm10=30.0),
        humid("mlociny", 5, now, 18.0, pm10=27.0),
        reading("wola", 5, now, 21.0, pm10=30.0),
    )
    opened = visit(serve().url, viewport=PHONE, locale=locale, has_touch=True, is_mobile=True)
    page = opened.page
    expect(sign(page, "kabaty")).to_have_text("20")
    expect(sign(page, "kabaty")).to_have_attribute("data-band", "moderate")
    expect(page.locator("#median")).to_have_text("20.0" if locale == "en-GB" else "20,0")
    expect(page.locator("#median-of")).to_have_text(words["raw"])

    judge()
    for each in (sign(page, "kabaty"), row(page, "kabaty").locator(".disc")):
        expect(each).to_have_text("10")
        expect(each).to_have_attribute("data-band", "fair")
    for each in (sign(page, "wola"), row(page, "wola").locator(".disc")):
        expect(each).to_have_text("21")
        expect(each).to_have_attribute("data-band", "moderate")
    box = page.locator('.sign-box[data-node="kabaty"]')
    # In air that humid the checks call the value suspect besides.
    assert box.get_attribute("aria-label").startswith(f"{PLACES['kabaty'].label}: {words['sign']}")
    expect(row(page, "kabaty").locator(".row-note")).to_contain_text(words["row"])
    expect(row(page, "wola").locator(".row-note")).to_contain_text(words["row raw"])
    assert f"{words['value']} µg/m³" in row(page, "kabaty").get_attribute("aria-label")
    # Of 8.6, 9.6 and 21; all raw 18, 20, 21.
    expect(page.locator("#median-of")).to_have_text(words["median of"])
    expect(page.locator("#median")).to_have_text(words["median"])
    expect(page.locator("#median-band")).to_have_attribute("data-band", "fair")
    assert overflow(page) == 0
    save(page, repo, f"corrected-{locale}")

    row(page, "kabaty").click()
    reading_box = page.locator("#detail .reading")
    expect(reading_box.locator(".big-value")).to_have_text(words["value"])
    expect(reading_box.locator(".of")).to_have_text(words["corrected"])
    expect(reading_box.locator(".band-name")).to_have_attribute("data-band", "fair")
    expect(page.locator("#detail .second")).to_have_text(words["pm10"])
    assert overflow(page) == 0
    page.locator(".back").click()
    row(page, "wola").click()
    expect(reading_box.locator(".big-value")).to_have_text("21.0" if locale == "en-GB" else "21,0")
    expect(reading_box.locator(".of")).to_have_text(words["raw"])
    assert opened.complaints == []
    assert opened.foreign == []


@pytest.mark.needs_chromium
@pytest.mark.parametrize(
    ("locale", "keys", "read"),
    [
        (
            "en-GB",
            ("PM2.5 corrected", "PM2.5 raw", "PM10 corrected"),
            "PM2.5 9.6 corrected (raw 20.0) · PM10 14.4 corrected (raw 30.0)",
        ),
        (
            "pl-PL",
            ("PM2,5 po korekcie", "PM2,5 bez korekty", "PM10 po korekcie"),
            "PM2,5 9,6 po korekcie (bez korekty 20,0) · PM10 14,4 po korekcie (bez korekty 30,0)",
        ),
    ],
)
def test_the_chart_has_a_line_of_corrected_values_beside_the_raw_one(
    journal: Journal,
    serve: Serve,
    visit: Visit,
    judge: Begin,
    repo: Path,
    locale: str,
    keys: tuple[str, ...],
    read: str,
) -> None:
    """It comes while the chart is open; a node without correction has one line of PM2.5, as before."""
    now = int(time.time())
    times = range(now - 8 * HOUR, now + 1, 300)
    for name, make in (("kabaty", humid), ("wola", reading)):
        # A sensor whose value never moves is stuck.
        values = [20.0 + (len(times) - 1 - number) % 3 / 10 for number in range(len(times))]
        rows = enumerate(zip(times, values, strict=True), 1)
        commit(journal, *(make(name, seq, t, value, pm10=30.0) for seq, (t, value) in rows))
    opened = visit(f"{serve().url}#kabaty", locale=locale)
    page = opened.page
    key = page.locator(".chart-key .key")
    expect(key).to_have_text([keys[0].split(" ")[0], "PM10"])
    wait_for(lambda: drawn(page, "--pm25"), what="the line")
    assert not drawn(page, "--pm25-raw")

    judge()
    expect(key).to_have_text(list(keys))
    wait_for(lambda: drawn(page, "--pm25-raw"), what="the raw line")
    # 9.6 stands below 20, and both all the way.
    corrected, raw = drawn(page, "--pm25"), drawn(page, "--pm25-raw")
    assert min(y for _, y in corrected) > max(y for _, y in raw)
    for line in (corrected, raw):
        assert max(x for x, _ in line) - min(x for x, _ in line) > 0.25
    # PM10's one line is now of 14.4, between the two; raw it was 30.
    coarse = [y for _, y in drawn(page, "--pm10")]
    assert max(y for _, y in raw) < min(coarse) <= max(coarse) < min(y for _, y in corrected)
    label = page.locator(".plot").get_attribute("aria-label")
    for words in (" ".join(keys[0].split(" ")[1:]) + ": ", " ".join(keys[1].split(" ")[1:]) + ": "):
        assert words in label
    page.locator(".plot").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".readout")).to_contain_text(read)
    save(page, repo, f"corrected-chart-{locale}")

    page.locator(".back").click()
    row(page, "wola").click()
    expect(key).to_have_text([keys[0].split(" ")[0], "PM10"])
    wait_for(lambda: drawn(page, "--pm25") and not drawn(page, "--pm25-raw"), what="the only line")
    # The browser's advice is for this test, which reads the canvas.
    assert [each for each in opened.complaints if not each.startswith("Canvas2D")] == []
