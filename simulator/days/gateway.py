"""A gateway for days: takes all that one node sends and answers, in step with the node's clock. It keeps
everything, in memory, and judges nothing by itself."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

HOST = "127.0.0.1"
PATIENCE_S = 20.0
KEEPALIVE_S = 65535  # true time; nobody pings while the node lives days. Not 0, which rumqttd refuses
# What breaks a message of that kind, in words.
Judge = Callable[[str, dict[str, Any]], list[str]]


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
    batch is answered; one that is not counts as not having arrived. `seen`: gets each message of the node,
    (topic, payload, retain), when it comes."""

    def __init__(
        self,
        port: int,
        clock: Callable[[], float],
        node: str,
        *,
        host: str = HOST,
        login: tuple[str, str | None] | None = None,
        judge: Judge = lambda _kind, _body: [],
    ) -> None:
        """Raises OSError when there is no broker, ValueError when it refuses the connection."""
        self._clock = clock
        self._judge = judge
        self._mark = f"dustline-days/{node}"
        self.seen: Callable[[str, bytes, bool], None] = lambda _topic, _payload, _retain: None
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
        self.client = client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"days-{node}")
        if login is not None:
            client.username_pw_set(*login)
        client.max_inflight_messages_set(1000)
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        self.subscribed = False
        self._topics = [(f"dl/1/+/+/{node}/+", 1), (self._mark, 0)]
        self._refused = ""
        client.connect(host, port, KEEPALIVE_S)
        # Else a mark waits 40 ms behind an acknowledgement, which the broker need not answer.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        deadline = time.monotonic() + PATIENCE_S
        while not self.subscribed:
            client.loop(1.0)
            if self._refused or time.monotonic() > deadline:
                raise ValueError(f"broker {host}:{port}: {self._refused or 'does not answer'}")

    @property
    def socket(self) -> socket.socket:
        """Of the connection to the broker; it must be there."""
        return cast(socket.socket, self.client.socket())

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
        self.client.publish(self._mark, b"", 0)
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

    def _on_connect(self, client: mqtt.Client, _user: Any, _flags: Any, code: ReasonCode, _more: Any) -> None:
        if code.is_failure:
            self._refused = f"refuses the connection ({code}); check user and password"
        else:
            client.subscribe(self._topics)

    def _on_subscribe(self, *_: Any) -> None:
        self.subscribed = True

    def _on_publish(self, *_: Any) -> None:
        self.moved += not self.marked

    def _on_message(self, _client: mqtt.Client, _user: Any, message: mqtt.MQTTMessage) -> None:
        if message.topic == self._mark:
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
        self.seen(message.topic, bytes(message.payload), message.retain)
        self._prefix = prefix + "/"
        body = json.loads(message.payload)
        if kind == "readings":
            self._readings(body)
            return
        self.broken += self._judge(kind, body)
        if kind == "reply":
            self.replies.append(body)
        else:
            (self.health if kind == "health" else self.status).append((self._clock(), body))

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
