"""Each reason by itself: from facts, without a journal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.quality.checks.bits import mask_of
from gateway.stations import sentences
from gateway.stations.facts import WEIGHTS, Facts, Reason, SlotFacts, Span, Trouble
from gateway.stations.judgements import last_hour
from gateway.stations.rank import ENOUGH, examine, rank
from gateway.stations.words import LANGUAGES, said, sentence

NOW = 1_763_208_000  # 2025-11-15 12:00 UTC
DAY = 86400
AT = Span(NOW, NOW - 14 * DAY)
LAST = last_hour(NOW)
HEALTH: dict[str, Any] = {
    "heap_free": 61440,
    "rssi": -60,
    "reset": "power",
    "clock": {"age_s": 60},
    "outbox": {"depth": 0, "bytes": 0, "aside": 0},
    "sensors": [{"slot": "a", "model": "sds011", "state": "ok", "laser_h": 100.0}],
}


def slot(*bits: str, hours: int = 24, own: float | None = 30.0, **changes: Any) -> SlotFacts:
    """A sensor with these bits in each of its last hours."""
    qc = mask_of(*bits)
    troubles = [Trouble(LAST - ago, qc, own, 10.0) for ago in range(hours - 1, -1, -1)] if bits else []
    given = {"hours": 72, "complete": 72, "span": 72, "troubles": troubles, **changes}
    return SlotFacts("a", "sds011", **given)


def node(*slots: SlotFacts, **changes: Any) -> Facts:
    given: dict[str, Any] = {"heard": NOW - 60, "born": 4320, "status": {"mode": "normal", "health": HEALTH}}
    return Facts("n1", "warsaw", slots=slots or (slot(),), **{**given, **changes})


def with_health(**changes: Any) -> Facts:
    return node(status={"mode": "normal", "health": {**HEALTH, **changes}})


def told(facts: Facts) -> list[str]:
    return [each.kind for each in examine(facts, AT).reasons]


def sensor(**changes: Any) -> dict[str, Any]:
    return {"sensors": [{**HEALTH["sensors"][0], **changes}]}


FACTS: dict[str, Facts] = {
    "safe": node(status={"mode": "safe", "health": {**HEALTH, "crash_ms": NOW * 1000}}),
    "silent": node(heard=NOW - 2 * DAY),
    "quiet": node(heard=NOW - 5 * 3600),
    "never": node(heard=None, placed=True),
    **{
        f"sensor_{state}": with_health(**sensor(state=state))
        for state in ("silent", "swapped", "wrong_speed", "not_found", "bus_stuck", "failed")
    },
    "no_value": node(slot("no_value", own=None)),
    "device": node(slot("device", "stuck")),
    "stuck": node(slot("stuck")),
    "clogged": node(slot("clogged", "neighbours", own=3.0)),
    "garbage": node(slot("sizes")),
    "saturated": node(slot("saturated", "stuck")),
    "high": node(slot("neighbours", own=30.0)),
    "low": node(slot("neighbours", own=3.0)),
    "far": node(slot("neighbours", own=10.0)),
    "restarts": node(restarts=14, status={"health": {**HEALTH, "crash_ms": NOW * 1000}}),
    "spikes": node(slot(spikes=9, looked_at=300, spikes_since=NOW - 3600)),
    "disagree": node(slot("disagree")),
    "laser_over": with_health(**sensor(laser_h=8100.0)),
    "laser": with_health(**sensor(laser_h=7300.0)),
    "missing": node(missing=400),
    "incomplete": node(slot(complete=40)),
    "outbox": with_health(outbox={"depth": 900, "bytes": 0, "aside": 0}),
    "climate": node(slot("climate")),
    "rssi": with_health(rssi=-88),
    "clock": node(slot("clock")),
    "crash": with_health(crash_ms=(NOW - DAY) * 1000),
    "aside": with_health(outbox={"depth": 0, "bytes": 0, "aside": 3}),
    "heap": with_health(heap_free=15000),
}


@pytest.mark.parametrize("kind", WEIGHTS)
def test_each_reason_is_found_alone_and_said_in_both_languages(kind: str) -> None:
    station = examine(FACTS[kind], AT)
    assert [each.kind for each in station.reasons] == [kind]
    assert station.score == WEIGHTS[kind]
    texts = {language: sentence(station.reasons[0], language) for language in LANGUAGES}
    assert texts["en"] != texts["pl"]
    for text in texts.values():
        assert "{" not in text
        assert "None" not in text
        assert text.endswith(".")
        assert not text[0].islower()


def test_a_sound_node_has_no_reason_whatever_the_weather() -> None:
    assert told(node()) == []
    assert told(node(slot("humid", "warmup", "rate"))) == []
    assert told(node(heard=None)) == []  # known by a claim of another program only, and on no map


def test_what_is_over_or_short_is_no_reason() -> None:
    assert told(node(slot("stuck", hours=1))) == []
    assert told(node(slot("neighbours", hours=5))) == []  # a bonfire
    over = slot("stuck")
    over.troubles = [each._replace(hour=each.hour - 7) for each in over.troubles]
    assert told(node(over)) == []


def test_since_is_the_first_hour_of_the_run_and_says_so_when_it_may_be_older() -> None:
    (reason,) = examine(node(slot("stuck", hours=50)), AT).reasons
    assert (reason.since, reason.before) == ((LAST - 49) * 3600, False)
    gap = slot("stuck", hours=50)
    gap.troubles = [each for each in gap.troubles if not LAST - 40 < each.hour <= LAST - 20]
    (reason,) = examine(node(gap), AT).reasons
    assert reason.since == (LAST - 19) * 3600
    (reason,) = examine(node(slot("stuck", hours=14 * 24)), AT).reasons
    assert reason.before
    assert "since 1 November or before." in sentence(reason, "en")
    assert "od 1 listopada lub dłużej." in sentence(reason, "pl")


def test_the_sentence_of_a_clogged_sensor() -> None:
    reason = Reason("clogged", NOW - 3 * DAY, "a", {"model": "sds011", "ratio": 0.33})
    assert sentence(reason, "en") == (
        "The fan or inlet of sensor a (sds011) is likely clogged: values fell to 33 % of its neighbours'"
        " since 12 November. Clean or exchange the sensor."
    )
    assert sentence(reason, "pl") == (
        "Wentylator lub wlot jest zapewne zatkany (czujnik a, sds011): wartości spadły do 33 % wartości"
        " czujników w okolicy od 12 listopada. Wyczyść lub wymień czujnik."
    )
    assert "far below its neighbours'" in said(Reason("clogged", None, "a", {"model": "sds011"}), "en").what


def test_a_node_that_tells_of_its_sensor_is_believed_and_dated_by_the_readings() -> None:
    facts = node(
        slot("no_value", own=None, hours=30), status={"health": {**HEALTH, **sensor(state="silent")}}
    )
    (reason,) = examine(facts, AT).reasons
    assert (reason.kind, reason.since) == ("sensor_silent", (LAST - 29) * 3600)


def test_a_broken_climate_sensor_weighs_little() -> None:
    bme = {"slot": "c", "model": "bme280", "state": "failed"}
    facts = node(slot("climate"), status={"health": {**HEALTH, "sensors": [bme]}})
    (reason,) = examine(facts, AT).reasons
    assert (reason.kind, reason.since) == ("climate", (LAST - 23) * 3600)


def test_a_node_that_pauses_for_long_is_not_called_silent() -> None:
    assert told(node(usual_h=6.0, heard=NOW - 20 * 3600)) == []
    assert told(node(usual_h=6.0, heard=NOW - 25 * 3600)) == ["silent"]


def test_what_waits_in_the_outbox_is_not_missing() -> None:
    waits = {**HEALTH, "outbox": {"depth": 400, "bytes": 0, "aside": 0}}
    assert told(node(missing=410, status={"health": waits})) == []
    assert told(node(missing=20)) == []


def test_two_reasons_weigh_more_than_one_and_time_decides_between_equals() -> None:
    weak = {**HEALTH, "rssi": -90}
    both = node(slot("stuck"), status={"health": weak})
    assert told(both) == ["stuck", "rssi"]
    long = node(slot("stuck", hours=90))
    long.node = "n2"
    sound = node()
    sound.node = "n0"
    ranked = rank([sound, node(slot("stuck")), both, long], AT)
    assert [one.score for one in ranked] == [88.0, 85.0, 85.0, 0.0]
    assert [one.node for one in ranked] == ["n1", "n2", "n1", "n0"]


def test_all_that_tells_nothing_of_the_air_weighs_more_than_what_misleads() -> None:
    mute = [kind for kind in WEIGHTS if kind.startswith("sensor_")]
    mute += ["safe", "silent", "no_value", "device", "stuck", "clogged", "garbage", "saturated"]
    assert min(WEIGHTS[kind] for kind in mute) >= 80 > max(WEIGHTS[kind] for kind in WEIGHTS.keys() - mute)
    assert WEIGHTS["disagree"] >= ENOUGH > WEIGHTS["laser_over"]


def test_sentences_and_documentation_have_every_reason_with_its_weight(repo: Path) -> None:
    assert sentences.EN.keys() == sentences.PL.keys() == WEIGHTS.keys()
    text = (repo / "docs" / "stations.md").read_text()
    rows = {
        cells[0].strip(" `"): cells[1].strip()
        for cells in (line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `"))
    }
    assert rows == {kind: str(weight) for kind, weight in WEIGHTS.items()}
