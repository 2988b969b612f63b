"""Nodes as the gateway sees them: each sends a reading again until it has the gateway's ack.

One MQTT connection speaks for all of them, so that a few hundred nodes cost one thread.
"""

from __future__ import annotations

import json
import random
import threading
import time
import zlib
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as mqtt

NETWORK = "torture"
AGAIN_S = 3.0
MOST = 60  # readings in a message
_TICK_S = 0.01


@dataclass
class Node:
    name: str
    slot: int  # its place in the fleet, for values of its own
    born: int = 0
    waiting: OrderedDict[int, dict[str, Any]] = field(default_factory=OrderedDict[int, dict[str, Any]])
    sent: float = 0.0  # when the oldest was sent last

    def topic(self, kind: str) -> str:
        return f"dl/1/{NETWORK}/{zlib.crc32(self.name.encode()) & 15:x}/{self.name}/{kind}"


class Fleet:
    """`rate` readings a second of all nodes together, one in a message; what comes again comes in batches.

    With an infinite `again_s` each is sent once, as by a node of another make that knows no ack.
    """

    def __init__(self, port: int, nodes: int, rate: float, seed: int, again_s: float = AGAIN_S) -> None:
        self._again_s = again_s
        self.last_acks: dict[str, float] = {}  # when one came, by time.monotonic(), of each shard digit
        self.nodes = [Node(f"node-{number:03}", number) for number in range(nodes)]
        self._by_name = {node.name: node for node in self.nodes}
        self.rate = rate  # may be changed at any time
        self._chance = random.Random(seed)
        self._began = int(time.time()) - 10_000_000
        self._mutex = threading.Lock()
        self._over = threading.Event()
        self._quiet = threading.Event()
        self.refusals: list[str] = []
        self._client = client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, client_id="fleet", protocol=mqtt.MQTTv311, clean_session=True
        )
        client.reconnect_delay_set(1, 1)
        client.max_inflight_messages_set(1000)
        client.on_connect = lambda it, *_: it.subscribe(f"dl/1/{NETWORK}/+/+/ack", 1)
        client.on_message = self._on_ack
        client.connect_async("127.0.0.1", port)
        client.loop_start()
        self._thread = threading.Thread(target=self._run, name="fleet", daemon=True)
        self._thread.start()

    @property
    def born(self) -> int:
        return sum(node.born for node in self.nodes)

    @property
    def waiting(self) -> int:
        with self._mutex:
            return sum(len(node.waiting) for node in self.nodes)

    def value(self, node: Node, seq: int) -> float:
        """What was measured: any reader can work it out again."""
        return (node.slot * 31 + seq * 7) % 9999 / 10

    def time_of(self, node: Node, seq: int) -> int:
        """Each reading of a node has a second of its own."""
        return self._began + seq

    def be_quiet(self) -> None:
        """Measure no more; go on sending what waits."""
        self._quiet.set()

    def claim(self) -> None:
        """Say in health what was born."""
        for node in self.nodes:
            message = {
                "v": 1, "boot": 1, "up": node.born, "t": None, "heap_free": 1, "reset": "power",
                "born": [[1, node.born]], "outbox": {"depth": 0, "bytes": 0, "aside": 0}, "sensors": [],
                "counters": {},
            }  # fmt: skip
            self._client.publish(node.topic("health"), json.dumps(message), 1).wait_for_publish(20)

    def close(self) -> None:
        self._over.set()
        self._thread.join(10)
        self._client.disconnect()
        self._client.loop_stop()

    def _run(self) -> None:
        while not self._client.is_connected() and not self._over.wait(_TICK_S):
            continue
        begun, at, rate = time.monotonic(), 0, self.rate
        count = 0
        while not self._over.wait(_TICK_S):
            now = time.monotonic()
            if self._quiet.is_set() or rate != self.rate:
                begun, count, rate = now, 0, self.rate
            while not self._quiet.is_set() and count < (now - begun) * rate:
                self._bear(self._chance.choice(self.nodes))
                count += 1
            for _ in range(20):
                self._again(self.nodes[at % len(self.nodes)], now)
                at += 1

    def _bear(self, node: Node) -> None:
        with self._mutex:
            node.born += 1
            reading = self._reading(node, node.born)
            fresh = not node.waiting
            node.waiting[node.born] = reading
        if fresh:
            node.sent = time.monotonic()
        self._send(node, [reading])

    def _again(self, node: Node, now: float) -> None:
        with self._mutex:
            if not node.waiting or now - node.sent < self._again_s:
                return
            batch = [reading for _, reading in zip(range(MOST), node.waiting.values(), strict=False)]
        node.sent = now
        self._send(node, batch)

    def _send(self, node: Node, readings: list[dict[str, Any]]) -> None:
        if self._client.is_connected():  # or else it waits here, not in paho
            body = json.dumps({"v": 1, "boot": 1, "readings": readings}, separators=(",", ":"))
            self._client.publish(node.topic("readings"), body, 1)

    def _reading(self, node: Node, seq: int) -> dict[str, Any]:
        return {
            "seq": seq, "t": self.time_of(node, seq), "tq": "ntp", "up": seq, "dt": 1, "n": 1, "slot": "a",
            "model": "sds011", "pm25": self.value(node, seq), "pm10": 20.0, "flags": [],
        }  # fmt: skip

    def _on_ack(self, _client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        self.last_acks[message.topic.split("/")[3]] = time.monotonic()
        answer = json.loads(message.payload)
        node = self._by_name[message.topic.split("/")[4]]
        if "refused" in answer:
            self.refusals.append(answer["refused"])
            return
        first, upto = answer.get("from", 1), answer["upto"]
        gaps = [(item, item) if isinstance(item, int) else tuple(item) for item in answer.get("except", [])]
        with self._mutex:
            for seq in list(node.waiting):
                if seq > upto:
                    break
                if seq >= first and not any(low <= seq <= high for low, high in gaps):
                    del node.waiting[seq]
