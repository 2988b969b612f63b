"""A node as the gateway sees one: publishes what it is told, keeps the answers. MQTT 3.1.1 through paho."""

from __future__ import annotations

import json
import time
import zlib
from typing import Any

import paho.mqtt.client as mqtt

from tests.support import wait_for


def reading(seq: Any, **changes: Any) -> dict[str, Any]:
    """A valid reading of now."""
    plain = {
        "seq": seq,
        "t": int(time.time()),
        "tq": "ntp",
        "up": 60 * int(seq or 0),
        "dt": 60,
        "n": 58,
        "slot": "a",
    }
    return {**plain, "model": "sds011", "pm25": int(seq or 0) / 10, "pm10": 20.5, "flags": [], **changes}


def topic(node: str, kind: str, network: str = "warsaw") -> str:
    """By the contract's words, not by the gateway's code."""
    return f"dl/1/{network}/{zlib.crc32(node.encode()) & 15:x}/{node}/{kind}"


class Talker:
    """Connected when made; `answers` grows as acks come in."""

    def __init__(self, port: int, name: str = "node-1", password: str | None = None) -> None:
        self.name = name
        self.answers: list[dict[str, Any]] = []
        self._subscribed: list[int] = []
        self._client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv311, clean_session=False
        )
        if password is not None:
            self._client.username_pw_set(name, password)
        self._client.max_queued_messages_set(0)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_message = self._on_message
        self._client.on_connect = lambda client, *_: client.subscribe(topic(name, "ack"), 1)
        self._client.on_subscribe = lambda _client, _userdata, mid, *_: self._subscribed.append(mid)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        wait_for(lambda: self._subscribed, what="the node's subscription")

    def _on_message(self, _client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        self.answers.append(json.loads(message.payload))

    def send(
        self, payload: Any, *, to: str | None = None, kind: str = "readings", retain: bool = False
    ) -> None:
        """Publish with QoS 1 and return when the broker has it."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        # paho queues without a connection too, but cannot be asked then whether the broker has it.
        wait_for(self._client.is_connected, 20, "the node's connection")
        self._client.publish(to or topic(self.name, kind), body, 1, retain).wait_for_publish(20)

    def send_soon(self, payload: Any) -> None:
        self._client.publish(topic(self.name, "readings"), json.dumps(payload).encode(), 1)

    def readings(self, *items: Any, boot: int = 1) -> None:
        self.send({"v": 1, "boot": boot, "readings": list(items)})

    def round_trip(self) -> None:
        """Return when everything that the broker had for this node has arrived."""
        mark = {"mark": time.monotonic_ns()}
        self.send(mark, kind="ack")
        wait_for(lambda: mark in self.answers, what="the mark")
        self.answers.remove(mark)

    def acked(self, boot: int, seq: int) -> bool:
        return any(
            answer.get("boot") == boot and answer["upto"] >= seq and not _excepts(answer, seq)
            for answer in self.answers
        )

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def _excepts(answer: dict[str, Any], seq: int) -> bool:
    items = answer.get("except", [])
    return seq < answer.get("from", 1) or any(
        seq == item if isinstance(item, int) else item[0] <= seq <= item[1] for item in items
    )
