"""Faults planted in the simulated city stand at the top with the right reason; sound nodes are left alone."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("numpy")

from gateway.stations.facts import Reason, Station
from gateway.stations.gather import facts_of, span_of
from gateway.stations.rank import ENOUGH, rank
from gateway.stations.words import sentence
from tests.gateway.stations.town import Town

END = datetime(2026, 1, 17, tzinfo=UTC)
DAYS = 4
# Kind, hours until the end, strength; and the reasons that are right for it.
PLANTED: tuple[tuple[str, int, float | None, set[str]], ...] = (
    ("silent", 30, None, {"silent"}),
    ("silent", 6, None, {"quiet"}),
    ("dead", 40, None, {"sensor_silent"}),
    ("stuck", 40, None, {"stuck"}),
    ("clogged", 40, 1.0, {"clogged"}),
    ("clogged", 36, 0.7, {"clogged"}),
    ("saturated", 30, None, {"saturated"}),
    ("offset", 40, 40.0, {"high"}),
    ("gain", 40, 3.0, {"high"}),
    ("units", 40, None, {"high", "garbage"}),
    # Random values that pass the check sum: they are told by what stands around them.
    ("garbage", 40, None, {"garbage", "high", "far"}),
    ("spikes", 40, None, {"spikes"}),
    ("climate", 30, None, {"climate"}),
)
_PARTLY = 5  # the place of the sensor that lost 70 % of its air
HEADER = f"""
name = "visits"
seed = 4
start = {(END - timedelta(days=DAYS)).isoformat()}
days = {DAYS}
[fleet]
nodes = 40
period_s = 300
[[fleet.kit]]
sensors = ["sds011", "bme280"]
share = 2
[[fleet.kit]]
sensors = ["pms5003", "bme280"]
share = 2
[[fleet.kit]]
sensors = ["sps30", "sht4x"]
share = 1
"""


def ranked(town: Town) -> list[Station]:
    at = span_of(town.now)
    return rank(facts_of(town.path, town.places, at), at)


def but_for_age(station: Station) -> list[Reason]:
    """The city's units are of all ages: that a laser is past its life is true of it, and nothing planted."""
    return [each for each in station.reasons if not each.kind.startswith("laser")]


def test_planted_faults_are_at_the_top_and_sound_nodes_are_not_there(tmp_path: Path) -> None:
    scenario, right = HEADER, dict[str, set[str]]()
    begun = dict[str, float]()
    for number, (kind, hours, strength, reasons) in enumerate(PLANTED):
        node, start = f"sim-{2 * number + 1:04}", END - timedelta(hours=hours)
        right[node], begun[node] = reasons, start.timestamp()
        scenario += f'[[fault]]\nkind = "{kind}"\nnode = "{node}"\nstart = {start.isoformat()}\n'
        scenario += f"hours = {hours + 5}\n" + (f"strength = {strength}\n" if strength else "")
    town = Town(tmp_path / "journal.sqlite", scenario)
    stations = ranked(town)
    assert [one.node for one in stations if but_for_age(one) and one.node not in right] == []
    by_node = {one.node: one for one in stations}
    told = {node: [each.kind for each in but_for_age(by_node[node])] for node in right}
    assert {
        node: kinds for node, kinds in told.items() if len(kinds) != 1 or not right[node] & {*kinds}
    } == {}
    for node, at in begun.items():
        reason = but_for_age(by_node[node])[0]
        assert reason.since is not None, (node, reason)
        # What the neighbours tell takes hours, partly clogged half a day; spikes are looked at for a day.
        late = (reason.since - at) / 3600
        most = {"clogged": 15, "spikes": 24}.get(reason.kind, 8)
        assert -1.5 <= late <= most, (node, reason, late)
    # All that mislead stand above all that can wait, the aged lasers among them.
    top = {one.node for one in stations[: len(PLANTED) - 1]}
    assert top == {node for node, reasons in right.items() if reasons != {"climate"}}
    assert all(one.score >= ENOUGH for one in stations if one.node in top)
    text = sentence(by_node[f"sim-{2 * _PARTLY + 1:04}"].reasons[0], "en")
    assert "likely clogged: values fell to " in text
    assert " % of its neighbours' since 1" in text
    assert text.endswith("January. Clean or exchange the sensor.")


def test_fog_over_all_nodes_sends_nobody_out(tmp_path: Path) -> None:
    fog = HEADER + f'[[event]]\nkind = "fog"\nstart = {(END - timedelta(hours=14)).isoformat()}\nhours = 13\n'
    town = Town(tmp_path / "journal.sqlite", fog + "strength = 1.0\n")
    stations = ranked(town)
    assert len(stations) == 40
    assert [(one.node, but_for_age(one)) for one in stations if but_for_age(one)] == []
    # And it was there: the checks marked what the nodes read.
    with sqlite3.connect(town.path) as db:
        humid = db.execute("SELECT count(DISTINCT node_id) FROM quality_hours WHERE qc & 256").fetchone()[0]
    assert humid > 15
