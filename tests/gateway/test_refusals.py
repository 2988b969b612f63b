"""Acks that the broker refuses, with a real Mosquitto whose access rules forget them."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
import structlog

from gateway.broker_stream import Refusal
from gateway.operate.metrics import registry_of
from gateway.refusals import Refusals
from tests.gateway.talker import Talker, reading
from tests.support import wait_for

TOLD = "the broker refuses our acks: the readings are safe, but the nodes keep them and send them again"
RULES = """\
topic read dl/1/warsaw/+/+/readings
topic read dl/1/warsaw/+/+/status
topic read dl/1/warsaw/+/+/health
topic readwrite dl/1/warsaw/+/node-1/readings
topic read dl/1/warsaw/+/node-1/ack
"""


@pytest.mark.needs_mosquitto
@pytest.mark.parametrize("closes", [False, True])
def test_a_forgotten_right_is_told_once_and_stops_nothing(
    tmp_path: Path, mosquitto: Any, run_gateway: Any, talk: Any, monkeypatch: pytest.MonkeyPatch, closes: bool
) -> None:
    """Mosquitto 2.0.11 `closes` the connection after the PUBACK where max_queued_messages is 0."""
    rules = tmp_path / "acl"
    rules.write_text(RULES)
    rules.chmod(0o644)
    broker = mosquitto([f"acl_file {rules}", f"max_queued_messages {0 if closes else 100}"])
    with structlog.testing.capture_logs() as logs:
        gateway = run_gateway(broker.port)
        node: Talker = talk(broker.port)
        for seq in range(1, 6):
            node.readings(reading(seq))
            wait_for(lambda seq=seq: gateway.session.refusals.count >= seq, what=f"refusal {seq}")
        assert gateway.counters.stored == 5
        assert node.answers == []
        told = [each for each in logs if each["log_level"] == "error"]
        assert [each["event"] for each in told] == [TOLD]
        assert told[0]["reason"] == "Not authorized"
        assert told[0]["topic"].endswith("/node-1/ack")
        assert told[0]["advice"].endswith("topic write dl/1/warsaw/+/+/ack")
        # Closed by the broker once at most: after that, acks are held back.
        assert gateway.session.counts.connections <= (2 if closes else 1)
        if closes and gateway.session.counts.connections == 1:
            pytest.skip("this Mosquitto does not close the connection")
        assert registry_of(gateway).get_sample_value("dustline_session_answers_refused_total") == 5
        # The line itself, and nothing else, is what was missing.
        rules.write_text(RULES + told[0]["advice"].split(": ")[1] + "\n")
        broker.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "Reloading config" in broker.log.read_text(), what="the broker's new rules")
        assert gateway.session.refusals.holding == closes
        monkeypatch.setattr(Refusals, "holding", False)  # nobody waits here for that to pass
        node.readings(reading(5))  # a node without an ack sends again
        wait_for(lambda: node.acked(1, 5), what="the ack")


def test_acks_are_held_back_only_after_a_connection_that_a_refusal_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    refusals = Refusals("waw")
    assert not refusals.connected()
    refusals.tell(mqtt.Client(mqtt.CallbackAPIVersion.VERSION2), [Refusal(b"t", 0x87)])
    assert not refusals.holding
    now += 2
    assert refusals.connected()
    assert refusals.holding
    now += 29
    assert not refusals.connected()
    assert refusals.holding
    now += 1
    assert not refusals.holding
    refusals.tell(mqtt.Client(mqtt.CallbackAPIVersion.VERSION2), [Refusal(b"t", 0x87)])
    now += 31  # a connection lost for another reason, later
    assert not refusals.connected()


def test_it_is_told_again_after_a_while_with_the_count() -> None:
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.username_pw_set("dustline-gateway", "secret")
    once, always = Refusals("waw"), Refusals("waw", quiet_s=0.0)
    for refusals, times in ((once, 1), (always, 3)):
        with structlog.testing.capture_logs() as logs:
            for _ in range(3):
                refusals.tell(client, [Refusal(b"dl/1/waw/0/a/ack", 0x87)] * 2)
        assert [each["refused"] for each in logs] == [2, 4, 6][:times]
        assert "under `user dustline-gateway`: topic write dl/1/waw/+/+/ack" in logs[0]["advice"]
        assert refusals.count == 6


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (0x97, "Quota exceeded"),
        (0x83, "Implementation specific error"),
        (0x81, "reason code 0x81"),
        (0xFE, "reason code 0xfe"),
    ],
)
def test_any_other_reason_is_told_by_its_name(code: int, name: str) -> None:
    with structlog.testing.capture_logs() as logs:
        Refusals("waw").tell(mqtt.Client(mqtt.CallbackAPIVersion.VERSION2), [Refusal(b"t", code)])
    assert logs[0]["reason"] == name
    assert logs[0]["advice"] == "see the broker's log"
