"""A gateway for days: takes all that the node sends and answers, in step with the node's clock."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as mqtt

from tests.firmware.node_bench import CONTRACT

MARK = "settled"


@dataclass(frozen=True)
class Arrival:
    """A reading that came: at `at` simulated seconds, at `real` by the machine's clock, in batch `batch`."""

    at: float
    real: float
    batch: int
    boot: int
    reading: dict[str, Any]


class Gateway:
    """`away`: takes nothing; what came meanwhile is taken when it is back. `acks(body) -> bool`: whether a
    batch is answered; one that is not counts as not having arrived."""

    def __init__(self, port: int, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.arrivals: list[Arrival] = []
        self.batches = 0
        self.repeated = 0  # readings that came again
        self.unanswered = 0
        self.health: list[tuple[float, dict[str, Any]]] = []
        self.status: list[tuple[float, dict[str, Any]]] = []
        self.replies: list[dict[str, Any]] = []
        self.broken: list[str] = []
        self.acks: Callable[[dict[str, Any]], bool] = lambda _body: True
        self.marked = True
        self.moved = 0  # messages that came or were acknowledged, marks left out
        self._prefix = ""
        self._known: set[tuple[int, int]] = set()
        self._away: list[mqtt.MQTTMessage] | None = None
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="days")
        self.client.max_inflight_messages_set(1000)
        self.client.on_message = self._on_message
        self.client.on_publish = self._on_publish
        self.client.on_connect = lambda client, *_: client.subscribe([("dl/1/#", 1), (MARK, 0)])
        self.client.on_subscribe = lambda *_: setattr(self, "subscribed", True)
        self.subscribed = False
        self.client.connect("127.0.0.1", port, 0)
        # Else a mark waits 40 ms behind an acknowledgement, which the broker need not answer.
        self.client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while not self.subscribed:
            self.client.loop(1.0)

    def read(self) -> None:
        """The socket has something."""
        self.client.loop_read()
        self.write()

    def write(self) -> None:
        while self.client.want_write():
            self.client.loop_write()

    def mark(self) -> None:
        """Send ourselves a message: once it is here, the broker has done what came to it before."""
        self.marked = False
        self.client.publish(MARK, b"", 0)
        self.write()

    @property
    def away(self) -> bool:
        return self._away is not None

    @away.setter
    def away(self, away: bool) -> None:
        waiting, self._away = self._away, [] if away else None
        for message in waiting or ():
            self._take(message)
        self.write()

    def send(self, kind: str, message: dict[str, Any], retain: bool = False) -> None:
        """Something of the gateway's own accord."""
        self.client.publish(self._prefix + kind, json.dumps({"v": 1, **message}), 1, retain)
        self.moved += 1
        self.write()

    def close(self) -> None:
        self.client.disconnect()

    def _on_publish(self, *_: Any) -> None:
        self.moved += not self.marked

    def _on_message(self, _client: mqtt.Client, _user: Any, message: mqtt.MQTTMessage) -> None:
        if message.topic == MARK:
            self.marked = True
            return
        self.moved += 1
        if self._away is not None:
            self._away.append(message)
        else:
            self._take(message)

    def _take(self, message: mqtt.MQTTMessage) -> None:
        prefix, kind = message.topic.rsplit("/", 1)
        if kind not in ("readings", "health", "status", "reply"):
            return
        self._prefix = prefix + "/"
        body = json.loads(message.payload)
        if kind == "readings":
            self._readings(body)
            return
        if kind in CONTRACT:
            self.broken += [f"{kind}: {error.message}" for error in CONTRACT[kind].iter_errors(body)]
        if kind == "reply":
            self.replies.append(body)
        else:
            getattr(self, kind).append((self._clock(), body))

    def _readings(self, body: dict[str, Any]) -> None:
        if not self.acks(body):
            self.unanswered += 1
            return
        self.batches += 1
        boot, now = body["boot"], self._clock()
        for reading in body["readings"]:
            if (boot, reading["seq"]) in self._known:
                self.repeated += 1
                continue
            self._known.add((boot, reading["seq"]))
            self.arrivals.append(Arrival(now, time.monotonic(), self.batches, boot, reading))
        seqs = [reading["seq"] for reading in body["readings"]]
        # Literally true: of the stretch that this batch spans, what is not held is named.
        gaps = [n for n in range(min(seqs), max(seqs)) if (boot, n) not in self._known]
        ack = {"boot": boot, "from": min(seqs), "upto": max(seqs), "except": gaps[:64]}
        if len(gaps) > 64:
            ack = {"boot": boot, "from": max(seqs), "upto": max(seqs)}
        self.client.publish(self._prefix + "ack", json.dumps({"v": 1, **ack}), 1)
