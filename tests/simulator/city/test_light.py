"""Light nodes: contract-true messages in order, the same bytes every time, recorded, replayed, published."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from simulator.city.light import LightFleet, Message, TruthRow
from simulator.city.publish import PublishError, publish
from simulator.city.record import RecordingError, digest, heading, record, replay, truth_path, truths
from simulator.city.scenario import parse
from tests.support import REPO, Mosquitto, choose_port, wait_for

# SHA-256 of a recording of SCENARIO with FAULTS, and of its truth. They change with the model only.
EXACT = (
    "a6a234e2efc2c0cd3a5ee950f8f160007bc5d3c79e94399d35b7b190295dfc67",
    "ccb530588c99b7c6ee6fff47e04d75b00cd6978c0c9db8f800259ed1f2894997",
)
SCENARIO = """
name = "try"
seed = 9
start = 2026-01-10T00:00:00Z
days = 0.5
[fleet]
nodes = 16
[[fleet.kit]]
sensors = ["sds011", "bme280"]
share = 2
[[fleet.kit]]
sensors = ["pms5003", "pms5003", "dht22"]
[[fleet.kit]]
sensors = ["sps30"]
[[fleet.kit]]
sensors = ["sen55"]
[[event]]
kind = "fireworks"
start = 2026-01-10T03:00:00Z
"""
KINDS = (
    "stuck", "clogged", "saturated", "spikes", "offset", "dead", "condensation", "clock", "silent", "garbage",
    "climate",
)  # fmt: skip
NODES = {kind: f"sim-{number:04}" for number, kind in enumerate(KINDS, start=1)}
FAULTS = "".join(
    f'[[fault]]\nkind = "{kind}"\nnode = "{node}"\nstart = 2026-01-10T04:00:00Z\nhours = 4\n'
    for kind, node in NODES.items()
)


@pytest.fixture(scope="module")
def lights() -> LightFleet:
    return LightFleet(parse(SCENARIO + FAULTS))


@pytest.fixture(scope="module")
def told(lights: LightFleet) -> list[tuple[Message, list[TruthRow]]]:
    return list(lights.messages())


@pytest.fixture(scope="module")
def readings(
    told: list[tuple[Message, list[TruthRow]]],
) -> dict[str, list[tuple[dict[str, Any], int, TruthRow]]]:
    """By node: (reading, boot, truth)."""
    out: dict[str, list[tuple[dict[str, Any], int, TruthRow]]] = {}
    for message, behind in told:
        if message.topic.endswith("/readings"):
            content = json.loads(message.payload)
            for reading, row in zip(content["readings"], behind, strict=True):
                out.setdefault(row.node, []).append((reading, content["boot"], row))
    return out


def test_every_message_keeps_to_the_contract(told: list[tuple[Message, list[TruthRow]]]) -> None:
    schema = json.loads((REPO / "tests" / "contract" / "schema.json").read_text())
    judges = {
        kind: jsonschema.Draft202012Validator({**schema, "$ref": f"#/$defs/{kind}"})
        for kind in ("readings", "health", "status")
    }
    counts = dict.fromkeys(judges, 0)
    for message, _ in told:
        dl, version, network, shard, node, kind = message.topic.split("/")
        assert (dl, version, network) == ("dl", "1", "warsaw")
        assert shard == f"{zlib.crc32(node.encode()) & 15:x}"
        assert message.retain == (kind == "status")
        assert len(message.payload) <= 8192
        if kind != "readings" or counts[kind] % 20 == 0:  # enough of them
            judges[kind].validate(json.loads(message.payload))
        counts[kind] += 1
    assert counts["readings"] > 10_000
    assert counts["health"] > 1000
    assert counts["status"] == 16 + 2  # one node fell silent and came back


def test_messages_come_in_the_order_of_time(told: list[tuple[Message, list[TruthRow]]]) -> None:
    times = [message.at for message, _ in told]
    assert times == sorted(times)


def test_readings_have_an_identity_and_windows_without_gaps(
    readings: dict[str, list[tuple[dict[str, Any], int, TruthRow]]],
) -> None:
    assert len(readings) == 16
    for node, own in readings.items():
        slots = {reading["slot"] for reading, _, _ in own}
        boots = sorted({boot for _, boot, _ in own})
        assert len(boots) == (2 if node == NODES["silent"] else 1)
        for boot in boots:
            of_boot = [reading for reading, number, _ in own if number == boot]
            assert [reading["seq"] for reading in of_boot] == list(range(1, len(of_boot) + 1))
            for slot in slots:
                of_slot = [reading for reading in of_boot if reading["slot"] == slot]
                ups = [reading["up"] for reading in of_slot]
                assert {b - a for a, b in itertools.pairwise(ups)} == {60}
                assert 90 <= ups[0] < 151  # 30 s of warm-up and a window
        for reading, boot, row in own:
            assert (row.seq, row.boot, row.slot) == (reading["seq"], boot, reading["slot"])
            ahead = 10_800 if row.faults == "clock" else 0
            assert reading["t"] - row.t == ahead
            assert reading["tq"] == ("held" if ahead else "ntp")


def test_health_counts_what_was_born(told: list[tuple[Message, list[TruthRow]]]) -> None:
    born: dict[tuple[str, int], int] = {}
    seen_old = False
    for message, behind in told:
        node = message.topic.split("/")[4]
        if behind:
            born[node, behind[-1].boot] = behind[-1].seq
        elif message.topic.endswith("/health"):
            content = json.loads(message.payload)
            for boot, last in content["born"]:
                assert born[node, boot] == last
            seen_old |= len(content["born"]) == 2
            assert content["born"][0][0] == content["boot"]
    assert seen_old


def flags_of(
    readings: dict[str, list[tuple[dict[str, Any], int, TruthRow]]], kind: str, slot: str = "a"
) -> list[tuple[list[str], dict[str, Any]]]:
    """(flags, reading) of the node with that fault, while it lasted."""
    return [
        (reading["flags"], reading)
        for reading, _, row in readings[NODES[kind]]
        if row.faults == kind and row.slot == slot
    ]


def test_flags_are_those_the_firmware_would_set(
    readings: dict[str, list[tuple[dict[str, Any], int, TruthRow]]],
) -> None:
    stuck = flags_of(readings, "stuck")
    assert len(stuck) == 240
    high = stuck[0][1]["pm10"] > 10
    after = [at for at, (flags, _) in enumerate(stuck) if "stuck" in flags]
    assert after == list(range(9 if high else 59, 240))
    assert len({reading["pm25"] for _, reading in stuck}) == 1
    assert all("saturated" in flags for flags, _ in flags_of(readings, "saturated"))
    dead = flags_of(readings, "dead")
    assert all(flags == ["no_frame"] for flags, _ in dead)
    assert all(reading["n"] == 0 and "pm25" not in reading for _, reading in dead)
    wet = flags_of(readings, "condensation")
    if "rh" in wet[0][1]:
        assert all(reading["rh"] == 100 for _, reading in wet)
        assert "climate_stuck" not in wet[58][0]
        assert "climate_stuck" in wet[61][0]
    climate = flags_of(readings, "climate")
    assert all("temp" not in reading for _, reading in climate)
    assert not flags_of(readings, "silent")  # no reading is born
    healthy = [r for own in readings.values() for r, _, row in own if not row.faults]
    flagged = [r for r in healthy if r["flags"] and r["flags"] != ["disagree"]]
    assert len(flagged) < 0.001 * len(healthy)


def test_sensors_that_disagree_are_flagged_after_some_minutes() -> None:
    text = SCENARIO.partition("[[event]]")[0]
    text = text.replace('["sds011", "bme280"]\nshare = 2', '["pms5003", "pms7003"]\nshare = 200')
    when = "start = 2026-01-10T04:00:00Z\nhours = 2\nstrength = 90.0"
    fault = f'[[fault]]\nkind = "offset"\nnode = "sim-0002"\nslot = "b"\n{when}'
    lights = LightFleet(parse(text + fault))
    columns = lights.columns["sim-0002"]
    hours = [lights.block(first, 60).disagree[:, columns] for first in (180, 240, 300, 480)]
    assert not hours[0].any()
    assert hours[1][40:].all()  # two sensors: nobody knows which is right
    assert hours[2].all()
    assert not hours[3].any()
    # The block's edge makes no difference.
    assert (lights.block(225, 60).disagree[15:, columns] == hours[1][:45]).all()


def test_fields_are_those_of_each_model(
    readings: dict[str, list[tuple[dict[str, Any], int, TruthRow]]],
) -> None:
    common = {"seq", "t", "tq", "up", "dt", "n", "slot", "model", "flags"}
    spread = {"pm25_sd", "pm10_sd"}
    masses = {
        "sds011": {"pm25", "pm10"},
        "pms5003": {"pm1", "pm25", "pm10", "pm1_cf1", "pm25_cf1", "pm10_cf1",
                    "n03", "n05", "n1", "n25", "n5", "n10"},
        "sps30": {"pm1", "pm25", "pm4", "pm10"},
        "sen55": {"pm1", "pm25", "pm4", "pm10"},
    }  # fmt: skip
    climate = {
        "sds011": {"temp", "rh", "press"},
        "pms5003": {"temp", "rh"},
        "sps30": set[str](),
        "sen55": {"temp", "rh"},
    }
    models = set()
    for own in readings.values():
        reading = own[5][0]
        model = reading["model"]
        models.add(model)
        assert set(reading) == common | spread | masses[model] | climate[model]
    assert models == set(masses)


def test_two_recordings_are_the_same_to_the_byte_also_in_another_process(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from simulator.city.light import LightFleet;"
        "from simulator.city.record import record; from simulator.city.scenario import load;"
        "record(LightFleet(load(Path(sys.argv[1]))), Path(sys.argv[2]))"
    )
    (tmp_path / "try.toml").write_text(SCENARIO + FAULTS)
    first = tmp_path / "first.jsonl.gz"
    seen: list[int] = []
    count = record(LightFleet(parse(SCENARIO + FAULTS)), first, seen.append)
    assert seen[-1] == count > 10_000
    exact = (digest(first), digest(truth_path(first)))
    assert exact == EXACT
    other = tmp_path / "other.jsonl.gz"
    env = {**os.environ, "PYTHONHASHSEED": "4242", "TZ": "America/Lima"}
    words = [sys.executable, "-c", code, tmp_path / "try.toml", other]
    subprocess.run(words, cwd=REPO, env=env, check=True)
    assert (digest(other), digest(truth_path(other))) == exact
    assert other.read_bytes() == first.read_bytes()
    another = tmp_path / "another.jsonl.gz"
    record(LightFleet(parse((SCENARIO + FAULTS).replace("seed = 9", "seed = 10"))), another)
    assert digest(another) != exact[0]
    assert not list(tmp_path.glob("*.part"))


def test_a_replay_is_what_was_recorded_and_the_truth_fits_it(
    lights: LightFleet, told: list[tuple[Message, list[TruthRow]]], tmp_path: Path
) -> None:
    path = tmp_path / "run.jsonl.gz"
    record(lights, path)
    assert list(replay(path)) == [message for message, _ in told]
    rows = list(truths(path))
    assert rows == [row for _, behind in told for row in behind]
    head = heading(truth_path(path))
    assert [fault[2] for fault in head["faults"]] == sorted(KINDS, key=lambda kind: NODES[kind])
    assert {row.faults for row in rows} == {"", *KINDS} - {"silent"}
    nodes = heading(path)["nodes"]
    assert [node["name"] for node in nodes] == [node.name for node in lights.nodes]


def test_a_damaged_recording_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl.gz"
    lights = LightFleet(parse(SCENARIO.replace("days = 0.5", "days = 0.02")))
    record(lights, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RecordingError, match=r"run.jsonl.gz: is damaged or cut short"):
        list(replay(path))
    path.write_bytes(gzip.compress(b'{"recording":1}\n[1,"t",true]\n'))
    with pytest.raises(RecordingError, match=r"run.jsonl.gz, line 2: is no message"):
        list(replay(path))
    path.write_bytes(gzip.compress(b'{"recording":2}\n'))
    with pytest.raises(RecordingError, match="is no recording of version 1"):
        list(replay(path))
    with pytest.raises(RecordingError, match="holds no recording"):
        list(replay(truth_path(path)))
    with pytest.raises(RecordingError, match=r"ends in .jsonl.gz"):
        record(lights, tmp_path / "run.json")


def test_a_broker_gets_every_message_as_fast_as_it_goes_and_at_a_pace(
    mosquitto: Callable[..., Mosquitto],
) -> None:
    broker = mosquitto(["max_inflight_messages 0"])
    lights = LightFleet(parse(SCENARIO.replace("days = 0.5", "days = 0.03")))
    messages = [message for message, _ in lights.messages()]
    got: list[tuple[str, bytes]] = []
    ready = threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
    client.on_connect = lambda *_: client.subscribe("dl/1/warsaw/#", qos=1)
    client.on_subscribe = lambda *_: ready.set()
    client.on_message = lambda _, __, message: got.append((message.topic, message.payload))
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    try:
        assert ready.wait(10)
        assert publish(messages, "127.0.0.1", broker.port, speed=None) == len(messages)
        wait_for(lambda: len(got) >= len(messages), 20, "all messages")
        assert got == [(message.topic, message.payload) for message in messages]
        # Ten minutes' worth at 600 times real time take a second.
        few = [message for message in messages if message.at < messages[0].at + 600]
        started = time.monotonic()
        publish(few, "127.0.0.1", broker.port, speed=600.0)
        assert time.monotonic() - started >= (few[-1].at - few[0].at) / 600
    finally:
        client.disconnect()
        client.loop_stop()


def test_a_broker_that_is_not_there_is_told() -> None:
    port = choose_port()
    with pytest.raises(PublishError, match=rf"broker 127.0.0.1:{port}: no connection .* is it running\?"):
        publish([], "127.0.0.1", port)


def test_a_thousand_light_nodes_run_a_thousand_times_as_fast_as_time() -> None:
    """By the processor's time, as others may use it too; 17,000 readings a second are asked for."""
    text = SCENARIO.replace("nodes = 16", "nodes = 1000").replace("days = 0.5", "days = 0.05")
    lights = LightFleet(parse(text))
    list(lights.block(0, 1))  # what is made once
    started = time.process_time()
    count = sum(len(behind) for _, behind in lights.messages())
    took = time.process_time() - started
    simulated = lights.rows * 60
    print(f"{count} readings, {count / took:.0f} a second, {simulated / took:.0f} times real time")
    assert simulated / took > 1000
