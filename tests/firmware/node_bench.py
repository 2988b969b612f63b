"""What tests of whole nodes share: a node, a real broker, a gateway that answers as told. conftest.py has the
fixtures for all of this folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from jsonschema import Draft202012Validator

from simulator.node import NodeOptions, SimNode
from simulator.ntp import NtpServer
from tests.support import REPO, Mosquitto

QUICK = {"warmup_s": 1, "window_s": 1, "health_s": 1, "ack_timeout_s": 2, "keepalive_s": 5, "router": True}
AIR = (8.0, 12.0, 20.0)


SCHEMA = json.loads((REPO / "tests" / "contract" / "schema.json").read_text())
CONTRACT = {
    kind: Draft202012Validator({**SCHEMA, "$ref": f"#/$defs/{kind}"})
    for kind in ("readings", "health", "status", "reply", "fetch")
}
MAX_BYTES = 8192


class ScriptedGateway:
    """Takes readings and answers as the test says: `answer(message) -> dict or None`. Every message that the
    node makes is held to the contract; `broken` says what breaks it."""

    def __init__(self, port: int) -> None:
        self.broken: list[str] = []
        self.readings: list[tuple[int, dict[str, Any]]] = []
        self.batches: list[dict[str, Any]] = []
        self.health: list[dict[str, Any]] = []
        self.status: list[dict[str, Any]] = []
        self.answer: Callable[[dict[str, Any]], dict[str, Any] | None] = acknowledge
        self.topics: set[str] = set()
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="scripted")
        self.client.on_message = self._take
        self.client.on_connect = lambda client, *_: client.subscribe("dl/1/warsaw/+/+/+", 1)
        self.client.reconnect_delay_set(1, 1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _take(self, _client: mqtt.Client, _user: Any, message: mqtt.MQTTMessage) -> None:
        prefix, kind = message.topic.rsplit("/", 1)
        self.topics.add(message.topic)
        if kind not in ("readings", "health", "status"):
            return
        body = json.loads(message.payload)
        self.broken += [f"{kind}: {error.message}" for error in CONTRACT[kind].iter_errors(body)]
        if len(message.payload) > MAX_BYTES:
            self.broken.append(f"{kind}: {len(message.payload)} bytes")
        if kind != "readings":
            getattr(self, kind).append(body)
            return
        answer = self.answer(body)
        self.batches.append(body)
        if answer is not None:
            self.readings += [(body["boot"], reading) for reading in body["readings"]]
            self.client.publish(prefix + "/ack", json.dumps({"v": 1, **answer}), 1)

    def identities(self) -> set[tuple[int, int]]:
        return {(boot, reading["seq"]) for boot, reading in self.readings}


def acknowledge(body: dict[str, Any]) -> dict[str, Any]:
    return {"boot": body["boot"], "upto": max(reading["seq"] for reading in body["readings"])}


def nothing(_body: dict[str, Any]) -> None:
    return None


@pytest.fixture
def broker(mosquitto: Callable[..., Mosquitto]) -> Mosquitto:
    return mosquitto()


@pytest.fixture
def gateway(broker: Mosquitto) -> Iterator[ScriptedGateway]:
    gateway = ScriptedGateway(broker.port)
    yield gateway
    gateway.close()
    assert gateway.broken == []


@pytest.fixture
def ntp() -> Iterator[NtpServer]:
    server = NtpServer().start()
    yield server
    server.stop()


@pytest.fixture
def node(tmp_path: Path, broker: Mosquitto, ntp: NtpServer) -> Iterator[Callable[..., SimNode]]:
    started: list[SimNode] = []

    def start(
        firmware: Path | None = None, board: Mapping[str, bytes] | None = None, **options: Any
    ) -> SimNode:
        chosen = {"broker_port": broker.port, "ntp": (ntp.address,), **QUICK, **options}
        made_of = NodeOptions("praga-1", **chosen)
        one = SimNode(tmp_path / "node", made_of, lambda _at: AIR, firmware=firmware, board=board)
        started.append(one)
        return one.start()

    yield start
    for one in started:
        one.stop()
        print(one.log.read_text())
