"""What a real Mosquitto keeps for a gateway that is away, as a check sees it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gateway.preflight import load
from gateway.preflight.load import QUEUE_ENDING
from tests.support import wait_for


@pytest.mark.parametrize("protocol", [5, 311])
@pytest.mark.parametrize(
    ("line", "kept"),
    [("max_queued_messages 100", range(100, 121)), ("max_queued_bytes 60000", range(150, 260))],
)
def test_small_queue_is_a_loss(
    protocol: int, line: str, kept: range, mosquitto: Any, toml: Any, check: Any
) -> None:
    broker = mosquitto([line])
    found = check(toml(broker.port, f"protocol = {protocol}"), "--rate", "2")
    assert found.exit_code == 1
    assert "broker.queue" in found.failed
    match = re.search(r"the broker kept (\d+)", found["broker.queue"]["text"])
    assert match is not None
    assert int(match[1]) in kept
    assert "max_queued_messages 0" in found.change("broker.queue")
    assert "max_queued_bytes 500000000" in found.change("broker.queue")
    # A slow network's outage fits into the same queue.
    assert "broker.queue" not in check(toml(broker.port), "--rate", "0.1").failed


def test_more_than_is_tried_is_told_as_unseen(mosquitto: Any, toml: Any, check: Any) -> None:
    found = check(toml(mosquitto().port), "--rate", "50")
    assert "broker.queue" in found.warned
    assert "20,000 messages" in found["broker.queue"]["text"]
    assert "400 s" in found["broker.queue"]["text"]


def test_small_window_of_mqtt_311_stalls_a_busy_network(mosquitto: Any, toml: Any, check: Any) -> None:
    port = mosquitto(["max_inflight_messages 5"]).port
    found = check(toml(port, "protocol = 311", "wait_ms = 1000"), "--rate", "4")
    assert "broker.window" in found.failed
    assert "5 messages come without an ack, fewer than the 10 of a batch" in found["broker.window"]["text"]
    assert found.change("broker.window") == "mosquitto.conf: max_inflight_messages 20"
    # A slow one only waits: no loss, no stall.
    assert "broker.window" in check(toml(port, "protocol = 311"), "--rate", "0.1").warned
    # With MQTT 5 the gateway's own word counts; what the broker takes at a time is about the acks.
    found = check(toml(port), "--rate", "4")
    assert found["broker.window"]["level"] == "ok"
    assert "broker.ack_window" in found.warned


def test_broker_that_forgets_sessions_is_a_loss(
    mosquitto: Any, toml: Any, check: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No broker here does that; one that is not asked to keep the session stands for it."""
    monkeypatch.setattr(load, "_EXPIRY_SECONDS", 0)
    found = check(toml(mosquitto().port), "--rate", "1")
    assert found.failed == {"broker.queue"}
    assert "forgets the session" in found["broker.queue"]["text"]


def test_no_load_sends_nothing_and_says_so(mosquitto: Any, toml: Any, check: Any) -> None:
    broker = mosquitto(["max_queued_messages 100"])
    found = check(toml(broker.port), "--no-load", "--rate", "10")
    assert {"broker.queue", "broker.window", "journal.speed"} <= found.warned
    assert found.exit_code == 0
    assert QUEUE_ENDING not in broker.log.read_text()
    assert check(toml(broker.port), "--no-load", "--strict").exit_code == 1


def test_count_of_the_broker_itself_is_told(mosquitto: Any, toml: Any, check: Any) -> None:
    broker = mosquitto(["max_queued_messages 100", "sys_interval 1"])
    config = toml(broker.port)
    assert "broker.dropped" not in check(config, "--no-load").warned
    check(config, "--rate", "1")
    wait_for(lambda: "broker.dropped" in check(config, "--no-load").warned, what="$SYS to count it")
