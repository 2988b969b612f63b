"""Reference stations report by the hour, near the truth and never it."""

from __future__ import annotations

import csv
import tomllib
from pathlib import Path

import numpy as np
from click.testing import CliRunner

from simulator.city import station
from simulator.city.field import City
from simulator.city.fleet import plan
from simulator.city.scenario import load
from simulator.cli import sim


def test_stations_are_near_the_truth_with_an_error_of_their_own() -> None:
    scenario = load("winter-smog")
    told = station.hours(scenario)
    assert told.names == ("ref-niepodleglosci", "ref-ursynow")
    assert told.pm25.shape == told.pm10.shape == (7 * 24, 2)
    assert told.ends[0] == scenario.begin + 3600
    assert told.ends[-1] == scenario.end
    times = scenario.begin + 30.0 + 60.0 * np.arange(7 * 1440)
    places = [(one.lat, one.lon) for one in scenario.reference]
    true = City(scenario.seed, scenario.event).truth(
        times, *(list(part) for part in zip(*places, strict=True))
    )
    for reported, exact in ((told.pm25, true.pm25), (told.pm10, true.pm10)):
        off = reported - exact.reshape(7 * 24, 60, 2).mean(axis=1)
        assert 0.5 < np.sqrt((off * off).mean()) < 4
        assert (off != 0).all()
        assert abs(off.mean()) < 3
    again = station.hours(scenario)
    assert (again.pm25 == told.pm25).all()


def test_a_scenario_without_stations_has_none() -> None:
    told = station.hours(load("bonfire"))
    assert told.pm25.shape == (24, 0)


def test_the_command_writes_what_stations_report_and_where_all_hang(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        sim, ["stations", "--scenario", "winter-smog", "--hours", "5", str(tmp_path / "new")]
    )
    assert done.exit_code == 0, done.output
    scenario, told = load("winter-smog"), station.hours(load("winter-smog"))
    tables = tomllib.loads((tmp_path / "new" / "stations.toml").read_text())
    assert list(tables) == list(told.names)
    for column, one in enumerate(scenario.reference):
        assert tables[one.name] == {"lat": one.lat, "lon": one.lon, "file": f"{one.name}.csv"}
        rows = list(csv.DictReader((tmp_path / "new" / f"{one.name}.csv").open()))
        assert [row["pm25"] for row in rows] == [f"{value:.2f}" for value in told.pm25[:5, column]]
        assert rows[0]["hour_end"] == "2026-01-12T01:00:00Z"
    nodes = tomllib.loads((tmp_path / "new" / "nodes.toml").read_text())["nodes"]
    assert nodes == {one.name: {"lat": one.lat, "lon": one.lon} for one in plan(scenario)}


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    for words, why in (
        (["--scenario", "bonfire", str(tmp_path)], "bonfire has no reference station"),
        (["--scenario", "nowhere", str(tmp_path)], "give a TOML file or one of"),
        (["--scenario", "fog", "--start", "soon", str(tmp_path)], "is no date"),
    ):
        done = CliRunner().invoke(sim, ["stations", *words])
        assert (done.exit_code, why in done.output) == (2, True), done.output
