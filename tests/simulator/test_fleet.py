"""Several nodes: who hangs where with which sensors, and how all of them end."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.fleet import KITS, Fleet, plan
from simulator.options import NodeOptions
from simulator.places import PLACES
from simulator.runtime import SimulatorError
from simulator.weather import CityWeather
from tests.simulator.tiny_node import logged


def test_a_fleet_has_distinct_nodes_at_places(tmp_path: Path) -> None:
    planned = plan(len(PLACES) + 2, NodeOptions("", window_s=5))
    names = [options.name for options, _ in planned]
    assert len(set(names)) == len(names)
    assert names[-1].endswith("-2")
    models = [[sensor["model"] for sensor in options.config()["sensors"]] for options, _ in planned]
    assert models[:3] == [["sds011", "bme280"], ["pms5003"], ["auto"]]
    assert len({options.seed for options, _ in planned}) == len(names)
    assert len({(place.lat, place.lon) for _, place in planned}) == len(names)

    firmware = tmp_path / "own"
    firmware.mkdir()
    (firmware / "main.py").write_text(
        "import machine, json\nprint('I am', json.load(open('config.json'))['node'])\n"
    )
    with Fleet(tmp_path / "fleet", planned[:3], firmware=firmware) as fleet:
        for node in fleet.nodes:
            logged(node, f"I am {node.options.name}")
        assert fleet["centrum"] is fleet.nodes[0]
    assert not any(node.alive for node in fleet.nodes)


def test_kits_differ_and_have_room(tmp_path: Path) -> None:
    options = [each for each, _ in plan(len(KITS), NodeOptions("", window_s=5))]
    assert len({kit[0].model for kit in KITS[:6]}) >= 4
    assert [each.kit for each in options[:3]] == ["sds011 + bme280", "pms5003", "(sds011)"]
    assert any(each.fitted[-1].model in ("bme280", "sht3x", "dht22") for each in options[:6])
    assert any(sensor["model"] == "auto" for each in options[:6] for sensor in each.config()["sensors"])
    for each in options:
        alone = len(each.sensors) == 1 and each.sensors[0].configured is None
        assert each.heap == ("128k" if alone else "192k")
    assert {each.heap for each, _ in plan(len(KITS), NodeOptions("", heap="256k"))} == {"256k"}


class Node:
    """Not a process: it says what was done to it, and fails on demand."""

    def __init__(self, fails: str = "") -> None:
        self.fails = fails
        self.told: list[str] = []

    def start(self) -> None:
        self._tell("start")

    def stop(self) -> None:
        self._tell("stop")

    def _tell(self, what: str) -> None:
        self.told.append(what)
        if what == self.fails:
            raise SimulatorError(f"{what} failed")


def fleet_of(tmp_path: Path, nodes: list[Node]) -> Fleet:
    fleet = Fleet(tmp_path, [])
    fleet.nodes = nodes  # type: ignore[assignment]
    return fleet


def test_all_are_stopped_although_some_fail(tmp_path: Path, micropython: str) -> None:
    nodes = [Node("stop" if number in (0, 50) else "") for number in range(100)]
    with pytest.raises(SimulatorError, match="stop failed\nstop failed"):
        fleet_of(tmp_path, nodes).stop()
    assert all(node.told == ["stop"] for node in nodes)


def test_a_fleet_that_cannot_start_leaves_none_on(tmp_path: Path, micropython: str) -> None:
    nodes = [Node(), Node("start"), Node()]
    with pytest.raises(SimulatorError, match="start failed"), fleet_of(tmp_path, nodes):
        pass
    assert [node.told for node in nodes] == [["start", "stop"], ["start", "stop"], ["stop"]]


def test_all_nodes_have_the_same_weather_which_is_that_of_the_seed(tmp_path: Path, micropython: str) -> None:
    planned = plan(4, NodeOptions("", window_s=5))

    def temps(seed: int) -> list[float]:
        devices = [one.devices for one in Fleet(tmp_path, planned, seed=seed).nodes]
        climate = [devices[0]["b"], devices[3]["b"]]
        return [device.weather(3.6e6)[0] for device in climate]  # type: ignore[attr-defined]

    one, other = temps(3)
    assert one == other == CityWeather(3).at(3.6e6)[0]
    assert temps(4) != temps(3)
