"""Commands end to end: the gateway's command line, a real Mosquitto, the real firmware, and the reply."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dustline.cli import main
from simulator.bytecode import compile_tree
from simulator.node import SimNode
from tests.firmware.node_bench import CONTRACT, MAX_BYTES, ScriptedGateway
from tests.support import REPO, Mosquitto, wait_for

pytestmark = pytest.mark.needs_micropython
START_S = 60


@pytest.fixture
def dustline(tmp_path: Path, broker: Mosquitto) -> Callable[..., Result]:
    settings = tmp_path / "gateway.toml"
    settings.write_text(f"[broker]\nport = {broker.port}\n")

    def call(*words: str) -> Result:
        result = CliRunner().invoke(main, ["gateway", *words, "--config", str(settings)])
        print(*words, "->", result.exit_code, result.output)
        return result

    return call


def up(gateway: ScriptedGateway, starts: int = 1) -> None:
    """Wait until the node has connected so often, and its readings are acked."""
    wait_for(lambda: sum(s["online"] for s in gateway.status) >= starts, START_S, "the node's status")
    wait_for(lambda: gateway.readings, START_S, "readings")


def test_selftest_in_both_languages(
    node: Callable[..., SimNode], gateway: ScriptedGateway, dustline: Callable[..., Result]
) -> None:
    one = node()
    up(gateway)
    result = dustline("command", "praga-1", "selftest", "--json", "--timeout", "90")
    reply = json.loads(result.output)
    assert list(CONTRACT["reply"].iter_errors(reply)) == []
    assert len(result.output.encode()) < MAX_BYTES
    found = {each["part"]: each for each in reply["results"]}
    assert " ".join(found) == "sensor_a wiring supply wifi broker clock storage settings"
    assert [part for part in found if found[part]["ok"] is False] == []
    assert found["supply"]["ok"] is None  # nobody can know
    assert reply["ok"] is True
    assert result.exit_code == 0
    assert "works; messages read" in found["sensor_a"]["en"]
    assert "działa; odczytane komunikaty" in found["sensor_a"]["pl"]
    assert not list(one.flash.glob("selftest*"))

    # Now with a fault, and for people: the sensor hangs. The node finds out by itself why it is silent.
    one.change("a", lambda sensor: setattr(sensor.faults, "mute", True))
    wait_for(
        lambda: gateway.health[-1]["sensors"][0]["state"] == "silent", START_S, "the node to miss its sensor"
    )
    result = dustline("command", "praga-1", "selftest", "--lang", "pl", "--timeout", "200")
    assert result.exit_code == 1
    assert "BAD sensor_a  Czujnik a (sds011) milczy: sprawdź jego wtyczkę" in result.output
    assert "?   wiring    Czujnik a: na pinach 17/16 nic nie słychać." in result.output
    # The sensor is read again afterwards.
    one.change("a", lambda sensor: setattr(sensor.faults, "mute", False))
    wait_for(lambda: gateway.health[-1]["sensors"][0]["state"] == "ok", 2 * START_S, "the sensor")


def test_identify_and_reboot(
    node: Callable[..., SimNode], gateway: ScriptedGateway, dustline: Callable[..., Result]
) -> None:
    one = node()
    up(gateway)
    result = dustline("command", "praga-1", "identify", "--seconds", "5", "--timeout", "60")
    assert (result.exit_code, result.output) == (0, "praga-1: identify: done: the LED blinks for 5 s\n")

    result = dustline("command", "praga-1", "reboot", "--timeout", "60")
    assert (result.exit_code, result.output) == (0, "praga-1: reboot: done: starting anew in 2 s\n")
    wait_for(lambda: one.starts == 2, START_S, "the restart")
    up(gateway, 2)
    assert gateway.status[-1]["boot"] == 2
    assert one.crashes == 0
    wait_for(lambda: gateway.health[-1]["boot"] == 2, START_S, "health after it")
    assert gateway.health[-1]["counters"]["crashes"] == 0, "it was asked for"


def test_a_repeated_reboot_makes_no_loop(node: Callable[..., SimNode], gateway: ScriptedGateway) -> None:
    """MQTT delivers a QoS 1 message again when its PUBACK was lost; here a third time after the restart."""
    one = node()
    up(gateway)
    replies: list[dict[str, Any]] = []

    def keep(_client: Any, _user: Any, message: Any) -> None:
        replies.append(json.loads(message.payload))

    def send(**changes: Any) -> None:
        message = {"v": 1, "id": "again", "t": int(time.time()), "do": "reboot", **changes}
        gateway.client.publish("dl/1/warsaw/a/praga-1/command", json.dumps(message), 1)

    gateway.client.message_callback_add("dl/1/warsaw/+/+/reply", keep)
    send()
    send()
    wait_for(lambda: len(replies) == 2, START_S, "two replies")
    wait_for(lambda: one.starts == 2, START_S, "the restart")
    up(gateway, 2)
    send()
    wait_for(lambda: len(replies) == 3, START_S, "the third reply")
    assert [reply["ok"] for reply in replies] == [True] * 3
    assert replies[2]["text"] == "it came again and was done already"
    send(id="late", t=int(time.time()) - 700)
    send(id="strange", do="erase")
    wait_for(lambda: len(replies) == 5, START_S, "two refusals")
    assert [(reply["id"], reply["ok"]) for reply in replies[3:]] == [("late", False), ("strange", False)]
    assert one.starts == 2
    assert [error for reply in replies for error in CONTRACT["reply"].iter_errors(reply)] == []


def test_a_node_that_does_not_answer(broker: Mosquitto, dustline: Callable[..., Result]) -> None:
    result = dustline("command", "praga-1", "identify")
    assert result.exit_code == 2
    assert "praga-1 is not known to the broker: check its name" in result.output
    deaf = ScriptedGateway(broker.port)  # subscribes to all

    def subscribed() -> bool:
        deaf.client.publish("dl/1/warsaw/a/praga-1/ack", "{}", 1)
        return "dl/1/warsaw/a/praga-1/ack" in deaf.topics

    wait_for(subscribed, START_S, "the subscription")
    result = dustline("command", "praga-1", "identify", "--timeout", "1")
    deaf.close()
    assert result.exit_code == 2
    assert "no reply of praga-1 within 1 s; by its status it is not connected" in result.output
    broker.stop()
    result = dustline("command", "praga-1", "identify")
    assert result.exit_code == 2
    assert "cannot be reached; is it running there" in result.output


def test_selftest_on_the_console_without_a_network(node: Callable[..., SimNode], tmp_path: Path) -> None:
    """A broken aerial: nothing is joined, and yet each part is told."""
    firmware = tmp_path / "firmware"
    shutil.copytree(REPO / "firmware", firmware)
    (firmware / "main.py").write_text("from setup.selftest_console import run\nrun(12)\n")
    one = node(firmware=firmware, wifi_password="wrong", extra={"wifi": [{"ssid": "away", "password": "x"}]})
    wait_for(lambda: "selftest: 2 to be put right" in one.log.read_text(), 2 * START_S, "the results")
    said = one.log.read_text()
    assert "ok  sensor_a  Sensor a (sds011) " in said
    assert "BAD wifi      No Wi-Fi (away): is the router on, near, and at 2.4 GHz?" in said
    assert "              Brak Wi-Fi (away): czy router jest włączony" in said
    assert "?   broker    Without Wi-Fi the broker 127.0.0.1 cannot be tried." in said
    assert "ok  storage   Storage works" in said


def test_a_damaged_module_costs_its_own_work_only(
    node: Callable[..., SimNode],
    gateway: ScriptedGateway,
    dustline: Callable[..., Result],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Flash has damaged commands.mpy as a board has it: the node says so, and goes on."""
    built = compile_tree(REPO / "firmware", tmp_path / "built", link=True)
    commands = built / "node" / "commands.mpy"
    commands.write_bytes(commands.read_bytes()[:-1])
    monkeypatch.setattr("simulator.node.compiled", lambda *_, **__: built)
    one = node()
    up(gateway)
    result = dustline("command", "praga-1", "identify", "--timeout", "2")
    assert "no reply of praga-1 within 2 s" in result.output
    assert "flash: cannot keep what command says: ../fw/node/commands.mpy damaged" in one.log.read_text()
    before = len(gateway.readings)
    wait_for(lambda: len(gateway.readings) > before, START_S, "more readings")
    wait_for(lambda: gateway.health[-1]["counters"]["flash_errors"] == 1, START_S, "health to tell it")
    assert gateway.health[-1]["counters"]["mqtt_connects"] == 1, "it stayed connected"
    assert one.starts == 1
