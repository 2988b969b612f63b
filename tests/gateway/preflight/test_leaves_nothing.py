"""A check takes nothing from a running network, and leaves nothing behind at the broker or on the disk."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest

from gateway.journal import JournalReader
from tests.gateway.talker import Talker, reading
from tests.support import Mosquitto, require, wait_for

SESSION = "dustline-gateway-warsaw-queue"


def session_present(port: int) -> bool:
    """Whether the broker holds a session under the trial's id. Looking at it ends it."""
    came: list[bool] = []
    for at, clean in enumerate((False, True)):
        client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, SESSION, protocol=mqtt.MQTTv311, clean_session=clean
        )
        client.on_connect = lambda _client, _userdata, flags, *_: came.append(flags.session_present)
        client.connect("127.0.0.1", port)
        client.loop_start()
        wait_for(lambda at=at: len(came) > at, what="the connection")
        client.disconnect()
        client.loop_stop()
    return came[0]


def retained(port: int) -> list[str]:
    """Topics of all that the broker retains, but for its own."""
    topics: list[str] = []
    subscribed = threading.Event()
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "looker", protocol=mqtt.MQTTv311)
    client.on_message = lambda _client, _userdata, message: topics.append(message.topic)
    client.on_subscribe = lambda *_: subscribed.set()
    client.on_connect = lambda client, *_: client.subscribe([("dl/#", 1), ("mark", 1)])
    client.connect("127.0.0.1", port)
    client.loop_start()
    assert subscribed.wait(10)
    client.publish("mark", b"", 1)
    wait_for(lambda: "mark" in topics, what="the mark behind what is retained")
    client.disconnect()
    client.loop_stop()
    return [topic for topic in topics if topic != "mark"]


@pytest.mark.parametrize("protocol", [5, 311])
def test_broker_that_keeps_all_has_no_finding_and_nothing_is_left(
    protocol: int, mosquitto: Any, toml: Any, check: Any, tmp_path: Path
) -> None:
    broker: Mosquitto = mosquitto()
    found = check(toml(broker.port, f"protocol = {protocol}"), "--rate", "3")
    assert found.exit_code == 0, found.findings
    assert found.failed == set()
    assert "all of 1,800 messages" in found["broker.queue"]["text"]
    window = 1000 if protocol == 5 else 20
    assert f"{window:,} messages come without an ack" in found["broker.window"]["text"]
    assert retained(broker.port) == []
    assert not session_present(broker.port)
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".dustline")] == []
    assert not (tmp_path / "journal.sqlite").exists()


@pytest.mark.parametrize(
    ("protocol", "ending"), [(5, signal.SIGINT), (311, signal.SIGTERM), (311, signal.SIGKILL)]
)
def test_ended_check_leaves_no_session_for_long(
    protocol: int, ending: int, mosquitto: Any, toml: Any, check: Any, tmp_path: Path
) -> None:
    broker: Mosquitto = mosquitto()
    config = toml(broker.port, f"protocol = {protocol}")
    command = [require("dustline"), "gateway", "check", "--config", str(config), "--rate", "1000"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        # Left on purpose: it was ended, made anew to stay, and the messages are on their way.
        parked = re.compile(rf"(?s)Client {SESSION} disconnected.*Client {SESSION} disconnected")
        wait_for(lambda: parked.search(broker.log.read_text()), 60, "the session to be left at the broker")
        process.send_signal(ending)
        process.wait(60)
    assert process.returncode != 0
    if ending == signal.SIGKILL:
        # With MQTT 5 the broker ends it after 5 minutes; in any case the next check does.
        assert "broker.queue" not in check(config, "--rate", "1").failed
    assert not session_present(broker.port)
    assert [each for each in os.listdir(tmp_path) if each.startswith(".dustline")] == []


def test_running_gateway_loses_nothing_and_is_not_pushed_off(
    mosquitto: Any, toml: Any, check: Any, run_gateway: Any, talk: Any, tmp_path: Path
) -> None:
    port = mosquitto().port
    gateway = run_gateway(port)
    node: Talker = talk(port)
    stop, sent = threading.Event(), [0]

    def talk_on() -> None:
        while not stop.is_set():
            sent[0] += 1
            node.readings(reading(sent[0]))
            stop.wait(0.005)

    talking = threading.Thread(target=talk_on)
    talking.start()
    try:
        wait_for(lambda: node.acked(1, 1), what="the first ack")
        found = check(toml(port), "--rate", "10")
    finally:
        stop.set()
        talking.join(30)
    assert found.failed == set()
    assert "in use by a running gateway" in found["journal.file"]["text"]
    # Readings flow, so the right to read them is seen.
    assert found["broker.read"]["level"] == "ok"
    wait_for(lambda: node.acked(1, sent[0]), what="the last ack")
    assert gateway.session.counts.connections == 1
    with JournalReader(tmp_path / "journal.sqlite") as reader:
        (row,) = reader.ledger()
    assert (row.stored, row.quarantined, row.missing) == (sent[0], 0, 0)
    assert gateway.counters.quarantined == {}
