"""Scenarios: those that come along run, and a wrong field is named with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.city import fleet
from simulator.city.light import LightFleet
from simulator.city.scenario import EVENTS, ScenarioError, load, parse, shipped

HEAD = 'name = "try"\nstart = 2026-01-10T00:00:00Z\ndays = 1\n'


def test_the_shipped_scenarios_are_all_there_and_run() -> None:
    assert shipped() == ["bonfire", "fog", "new-year", "quiet-summer", "saharan-dust", "winter-smog"]
    for name in shipped():
        scenario = load(name)
        assert scenario.name == name
        lights = LightFleet(scenario)
        assert len(lights.nodes) == scenario.fleet.nodes
        block = lights.block(0, 2)
        assert (block.true.pm25 > 0).all()


def test_every_kind_of_event_is_shown_in_one() -> None:
    used = {event.kind for name in shipped() for event in load(name).event}
    assert used == set(EVENTS)


EVENT = HEAD + "[[event]]\nstart = 2026-01-10T00:00:00Z\n"
KIT = HEAD + "[[fleet.kit]]\nsensors = "
FAULT = HEAD + "[[fault]]\n"
# (what stands in the file, what the message must say)
WRONG = (
    ("", "name: is missing; add it"),
    ("days = 1", "start: is missing; add it"),
    (HEAD + "colour = 3", "colour: there is no such field; correct the name or take it away"),
    (HEAD.replace("days = 1", 'days = "1"'), "days: is '1'; write a number"),
    (HEAD.replace("days = 1", "days = -1"), "days: is -1; input should be greater than 0"),
    (HEAD.replace("Z", ""), "start: 2026-01-10T00:00:00 has no time zone; add Z"),
    (HEAD.replace("00:00Z", "30:00Z"), "start: is not at a full hour; move it to one"),
    (HEAD.replace('"try"', '"Try it"'), "name: is 'Try it'; it must match"),
    (EVENT + 'kind = "rain"', "event 1.kind: 'rain' is not known; take one of: inversion, fog"),
    (EVENT + 'kind = "fog"\nstrength = 5', "event 1.strength: is 5; for fog it is how thick, 0 to 1: 0 to 1"),
    (EVENT + 'kind = "bonfire"', "event 1.lat: a bonfire needs a place: add lat and lon"),
    (EVENT + 'kind = "fog"\nlat = 52.2\nlon = 21.0', "event 1.lat: fog is everywhere: take lat and lon away"),
    (EVENT + 'kind = "bonfire"\nlat = 50.06\nlon = 21.0', "event 1.lat: is 50.06; input should be greater"),
    (HEAD + "[fleet]\nperiod_s = 70", "fleet.period_s: is 70; take a divisor of 3600"),
    (HEAD + "[fleet]\nwindow_s = 90", "fleet.window_s: is 90, longer than period_s (60); shorten it"),
    (KIT + '["sds12"]', "fleet.kit 1.sensors: 'sds12' is not known; take one of: sds011"),
    (KIT + '["bme280"]', "fleet.kit 1.sensors: holds no particle sensor; add one of"),
    (KIT + '["sps30", "dht22", "bme280"]', "fleet.kit 1.sensors: holds more than one climate"),
    (FAULT + 'kind = "tired"\nshare = 0.1', "fault 1.kind: 'tired' is not known"),
    (FAULT + 'kind = "stuck"', "fault 1.node: give either node (its name) or share"),
    (FAULT + 'kind = "stuck"\nnode = "a"\nshare = 0.1', "fault 1.node: give either node"),
    (
        FAULT + 'kind = "clogged"\nshare = 0.1\nstrength = 3.0',
        "fault 1.strength: is 3; for clogged it is the",
    ),
    (FAULT + 'kind = "stuck"\nshare = 7.0', "fault 1.share: is 7.0; input should be less than or equal to 1"),
    (
        HEAD + "[fleet]\nnodes = 2\n[[fleet.place]]\nlat = 52.2\nlon = 21.0\nnodes = 3",
        "fleet.nodes: is 2, but 3",
    ),
    (
        HEAD + 2 * '[[reference]]\nname = "a"\nlat = 52.2\nlon = 21.0\n',
        "reference: two stations have the same",
    ),
    ("days = ", "no TOML"),
)


@pytest.mark.parametrize(("text", "says"), WRONG, ids=[says[:32] for _, says in WRONG])
def test_a_wrong_field_is_named_with_what_to_do(text: str, says: str) -> None:
    with pytest.raises(ScenarioError) as found:
        parse(text, "my.toml")
    lines = str(found.value).splitlines()
    assert any(line.startswith(f"my.toml: {says}") for line in lines), lines


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ScenarioError) as found:
        parse('name = 5\nstart = 2026-01-10T00:00:00Z\ndays = 0\n[fleet]\nnodes = "many"')
    assert len(str(found.value).splitlines()) == 3


def test_a_file_that_is_not_there_names_what_is(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"nowhere: cannot be read .* one of: bonfire, fog"):
        load("nowhere")
    (tmp_path / "own.toml").write_text(HEAD)
    assert load(tmp_path / "own.toml").fleet.nodes == 20


def test_a_fault_of_a_node_or_slot_that_is_not_there_is_told() -> None:
    wrong = '[[fault]]\nkind = "stuck"\nnode = "sim-0099"'
    with pytest.raises(ValueError, match="no node 'sim-0099'; they are sim-0001 to sim-0020"):
        LightFleet(parse(HEAD + wrong))
    with pytest.raises(ValueError, match="node sim-0003 has no particle sensor in slot b"):
        LightFleet(parse(HEAD + '[[fault]]\nkind = "stuck"\nnode = "sim-0003"\nslot = "b"'))


def test_kits_places_and_stations_are_as_the_file_says() -> None:
    scenario = parse(
        HEAD
        + """
        [fleet]
        nodes = 50
        prefix = "w"
        [[fleet.kit]]
        sensors = ["sds011", "bme280"]
        share = 3
        [[fleet.kit]]
        sensors = ["sps30", "pms5003"]
        share = 1
        [[fleet.place]]
        lat = 52.3
        lon = 20.9
        nodes = 2
        [[reference]]
        name = "ref"
        lat = 52.22
        lon = 21.0
        beside = 3
        """
    )
    nodes = fleet.plan(scenario)
    assert [node.name for node in nodes[:2]] == ["w-0001", "w-0002"]
    assert [node.station for node in nodes[:4]] == ["ref", "ref", "ref", None]
    assert [(node.lat, node.lon) for node in nodes[2:5]] == [(52.22, 21.0), (52.3, 20.9), (52.3, 20.9)]
    kinds = [tuple(node.kit.sensors) for node in nodes]
    assert kinds.count(("sps30", "pms5003")) in (12, 13)
    assert len({node.district for node in nodes}) > 10
    assert len({(node.lat, node.lon) for node in nodes[5:]}) == 45
    # More nodes leave those that there were where they are.
    more = fleet.plan(scenario.model_copy(update={"fleet": scenario.fleet.model_copy(update={"nodes": 80})}))
    assert [(a.lat, a.lon) for a in more[:50]] == [(b.lat, b.lon) for b in nodes]
