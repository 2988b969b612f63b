"""`dustline sim fleet`: light nodes, real firmware in simulated time, recordings, replays, mistakes."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from click.testing import CliRunner

from simulator.city.record import digest, heading, replay, truth_path, truths
from simulator.depths.cli import fleet, scenarios
from tests.support import Mosquitto, wait_for

COMMAND = [sys.executable, "-m", "dustline.cli", "sim", "fleet"]
SCENARIO = """
name = "try"
seed = 4
start = 2026-01-10T17:00:00Z
days = 1
[fleet]
nodes = 2
[[fleet.kit]]
sensors = ["sds011", "bme280"]
[[fleet.kit]]
sensors = ["pms5003", "sht3x"]
[[fault]]
kind = "silent"
node = "sim-0001"
start = 2026-01-10T17:20:00Z
hours = 0.1
[[fault]]
kind = "dead"
node = "sim-0002"
start = 2026-01-10T17:20:00Z
hours = 0.1
[[fault]]
kind = "clock"
node = "sim-0002"
start = 2026-01-10T18:20:00Z
hours = 0.1
"""
Key = tuple[str, int, int]


@pytest.fixture
def scenario(tmp_path: Path) -> str:
    path = tmp_path / "try.toml"
    path.write_text(SCENARIO)
    return str(path)


def readings(path: Path) -> dict[Key, dict[str, Any]]:
    found: dict[Key, dict[str, Any]] = {}
    for message in replay(path):
        if message.topic.endswith("/readings"):
            body = json.loads(message.payload)
            for reading in body["readings"]:
                found[message.topic.split("/")[-2], body["boot"], reading["seq"]] = reading
    return found


def run(*words: object) -> str:
    done = CliRunner().invoke(fleet, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done.output


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.jsonl.gz" for name in ("a", "b", "c")]
    for path, seed in zip(paths, (3, 3, 4), strict=True):
        words = ("--depth", "light", "--scenario", "winter-smog", "--nodes", 20, "--hours", 1)
        said = run(*words, "--seed", seed, "--record", path)
        assert f"sha256 {digest(path)}" in said
    assert digest(paths[0]) == digest(paths[1]) != digest(paths[2])
    assert digest(truth_path(paths[0])) == digest(truth_path(paths[1])) != digest(truth_path(paths[2]))
    assert {(row.node, row.boot, row.seq) for row in truths(paths[0])} == readings(paths[0]).keys()
    assert len(readings(paths[0])) > 1000
    assert not list(tmp_path.glob("*.part"))


def test_a_bar_is_for_a_terminal_only(tmp_path: Path) -> None:
    words = ["--depth", "light", "--hours", "1", "--nodes", "10", "--record", str(tmp_path / "a.jsonl.gz")]
    piped = subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=True)
    assert "\x1b" not in piped.stderr + piped.stdout
    assert "%" not in piped.stderr + piped.stdout
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    with open(ours, "rb", buffering=0) as screen:
        shown = subprocess.Popen(
            [*COMMAND, *words], stdout=subprocess.DEVNULL, stderr=theirs, env=environment
        )
        os.close(theirs)
        seen = b""
        while b"%" not in seen:
            seen += screen.read(1024)
        assert shown.wait(30) == 0


@pytest.mark.needs_mosquitto
def test_a_replay_is_what_was_recorded(
    tmp_path: Path, mosquitto: Callable[..., Mosquitto], scenario: str
) -> None:
    path = tmp_path / "a.jsonl.gz"
    run("--depth", "light", "--scenario", scenario, "--hours", 1, "--record", path)
    broker = mosquitto()
    heard: list[tuple[str, bytes]] = []
    ready: list[bool] = []
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.on_connect = lambda client, *_: client.subscribe("dl/1/#", 1)
    client.on_subscribe = lambda *_: ready.append(True)
    client.on_message = lambda _client, _user, message: heard.append((message.topic, message.payload))
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    try:
        wait_for(lambda: ready, what="the subscription")
        run("--replay", path, "--broker", f"127.0.0.1:{broker.port}", "--pace", "max")
        told = [(message.topic, message.payload) for message in replay(path)]
        wait_for(lambda: len(heard) >= len(told), what="all messages")
        assert heard == told
    finally:
        client.disconnect()
        client.loop_stop()


@pytest.mark.needs_mosquitto
def test_ctrl_c_closes_a_recording(tmp_path: Path, mosquitto: Callable[..., Mosquitto]) -> None:
    """At a pace of 60 a day takes 24 minutes."""
    broker, path = mosquitto(), tmp_path / "a.jsonl.gz"
    words = ["--depth", "light", "--scenario", "fog", "--pace", "60", "--record", str(path)]
    process = subprocess.Popen(
        [*COMMAND, *words, "--broker", f"127.0.0.1:{broker.port}"], stdout=subprocess.PIPE, text=True
    )
    try:
        wait_for(lambda: broker.log.read_text().count("dustline-light-fleet"), 30, "the fleet at the broker")
    finally:
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "ended early" in said
    assert f"sha256 {digest(path)}" in said
    assert {(row.node, row.boot, row.seq) for row in truths(path)} == readings(path).keys()


@pytest.mark.needs_micropython
@pytest.mark.needs_mosquitto
def test_real_firmware_in_simulated_time(tmp_path: Path, scenario: str) -> None:
    """An hour of two nodes: their readings have a truth, faults come as planned, and the values
    are those of light nodes in the same city."""
    real, light = tmp_path / "real.jsonl.gz", tmp_path / "light.jsonl.gz"
    said = run("--depth", "days", "--scenario", scenario, "--hours", 1, "--record", real)
    assert "not played at this depth: clock" in said
    assert "3 starts of 2 nodes" in said  # one was silent, and booted anew
    run("--depth", "light", "--scenario", scenario, "--hours", 1, "--record", light)
    seen, truth = readings(real), {(row.node, row.boot, row.seq): row for row in truths(real)}
    assert seen.keys() == truth.keys()
    assert len(seen) > 105
    assert all(abs(seen[key]["t"] - row.t) <= 2 for key, row in truth.items())
    assert {boot for node, boot, _ in seen if node == "sim-0001"} == {1, 2}
    dead = {key for key, row in truth.items() if row.faults == "dead"}
    assert len(dead) == 6
    assert sum("no_frame" in seen[key]["flags"] for key in dead) >= 5
    for node in ("sim-0001", "sim-0002"):
        ours, theirs = (
            {name: mean([one[name] for key, one in found.items() if key[0] == node and name in one])}
            for name in ("pm25",)
            for found in (seen, readings(light))
        )
        print(node, ours, theirs)
        assert ours["pm25"] == pytest.approx(theirs["pm25"], rel=0.05)
    begin = heading(real)["start"]
    assert all(begin <= message.at <= begin + 3600 + 120 for message in replay(real))


@pytest.mark.needs_micropython
@pytest.mark.needs_mosquitto
def test_real_firmware_over_real_sockets(
    tmp_path: Path, mosquitto: Callable[..., Mosquitto], scenario: str
) -> None:
    """They live in the scenario's time, though the machine's clock is elsewhere."""
    broker, path = mosquitto(), tmp_path / "a.jsonl.gz"
    words = ["--scenario", scenario, "--window", "1", "--warmup", "1", "--record", str(path)]
    process = subprocess.Popen(
        [*COMMAND, *words, "--broker", f"127.0.0.1:{broker.port}"], stdout=subprocess.PIPE, text=True
    )
    part = path.with_name(path.name + ".part")
    heard: set[str] = set()
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.on_connect = lambda client, *_: client.subscribe("dl/1/warsaw/+/+/readings", 1)
    client.on_message = lambda _client, _user, message: heard.add(message.topic)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    try:
        wait_for(lambda: len(heard) == 2, 60, "readings of both nodes")
        assert part.exists()
    finally:
        client.disconnect()
        client.loop_stop()
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert not part.exists()
    seen, truth = readings(path), {(row.node, row.boot, row.seq): row for row in truths(path)}
    assert {node for node, _, _ in seen} == {"sim-0001", "sim-0002"}
    assert seen.keys() == truth.keys()
    begin = heading(path)["start"]
    assert all(begin <= row.t < begin + 300 for row in truth.values())


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--depth", "light", "--pace", "0"], 2, "write 1 for real time"),
        (["--pace", "60"], 2, "take --depth days"),
        (["--nodes", "100000"], 2, "are more than fit"),
        (["--depth", "days", "--nodes", "fit"], 2, "fit is for --depth firmware"),
        (["--depth", "light", "--nodes", "none"], 2, "no number of nodes"),
        (["--depth", "light", "--warmup", "0"], 2, "take --warmup away"),
        (["--depth", "light", "--scenario", "nope"], 2, "winter-smog"),
        (["--depth", "light", "--start", "2026-01-12"], 2, "has no time zone"),
        (["--depth", "light", "--broker", "here"], 2, "is not HOST:PORT"),
        (["--depth", "light", "--broker", "127.0.0.1:1"], 1, "is it running?"),
        (["--depth", "light", "--record", "a.json"], 1, "ends in .jsonl.gz"),
        (["--depth", "light", "--hours", "1", "--record", "/nowhere/a.jsonl.gz"], 1, "/nowhere/a.jsonl.gz"),
        (["--replay", "/nowhere/a.jsonl.gz"], 1, "cannot be read"),
        (["--replay", "a.jsonl.gz", "--seed", "1"], 2, "take --seed away"),
    ],
)
def test_a_mistake_is_told(words: list[str], code: int, told: str) -> None:
    done = CliRunner().invoke(fleet, words)
    assert done.exit_code == code, done.output
    assert told in done.output.replace("\n", " ")
    assert "Traceback" not in done.output


def test_without_numpy_the_line_to_install_is_told() -> None:
    code = "import sys; sys.modules['numpy'] = None; from dustline.cli import main; main()"
    for words in (["sim", "fleet"], ["sim", "scenarios"]):
        done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
        assert done.returncode == 1
        assert "pip install 'dustline[city]'" in done.stderr
        assert "Traceback" not in done.stderr


def test_scenarios_are_listed() -> None:
    said = CliRunner().invoke(scenarios).output
    assert "winter-smog" in said
    assert "2026-01-12" in said


def test_a_scenario_moves_with_all_in_it(tmp_path: Path, scenario: str) -> None:
    path = tmp_path / "a.jsonl.gz"
    start = "2026-07-01T00:00:00Z"
    run("--depth", "light", "--scenario", scenario, "--start", start, "--hours", 1, "--record", path)
    assert heading(path)["start"] == 1782864000
    onsets = {fault[2]: fault[3] - 1782864000 for fault in heading(truth_path(path))["faults"]}
    assert onsets == {"silent": 1200, "dead": 1200, "clock": 4800}
