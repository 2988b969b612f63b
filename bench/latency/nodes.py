"""Light nodes, a process of their own: `python -m bench.latency.nodes PORT RATE SECONDS RUN`

They publish one reading a message, QoS 1, at the given rate in all, for so many seconds, and wait for the
gateway's acks. One connection speaks for all of them. Prints a JSON object: `sent`, `seconds` of publishing,
`unacked`, `acks` (ms from publish to the gateway's ack, one for each reading), and `marked`: the time
(time.monotonic) at which each reading of the node MARKED was published, from seq `RUN * SEQS + 1` on.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
import zlib
from collections import deque
from typing import Any

import paho.mqtt.client as mqtt

from bench.ingest.load import NETWORK, connection

NODES = 1000
MARKED = "node-00000"
# The marked node's readings a second, at most: each is asked for in the database.
MARKED_RATE = 50
# Room for one run's readings of a node.
SEQS = 100_000
_PATIENCE_S = 20.0
# Each reading of a node has a second of its own, since the beginning of 2026: no clock is before that.
BEGAN = 1_767_225_600


class Nodes:
    """`waiting` has (seq, time of publishing) of each node, oldest first."""

    def __init__(self, port: int, run: int) -> None:
        self.names = [f"node-{number:05}" for number in range(NODES)]
        self.topics = [
            f"dl/1/{NETWORK}/{zlib.crc32(name.encode()) & 15:x}/{name}/readings" for name in self.names
        ]
        self.seqs = [run * SEQS] * NODES
        self.waiting: dict[str, deque[tuple[int, float]]] = {name: deque() for name in self.names}
        self.acks: list[float] = []
        self.marked: list[float] = []
        self.sent = 0
        self.client, self._properties = connection(f"light-nodes-{run}", clean=True)
        self.client.max_inflight_messages_set(2000)
        self.client.max_queued_messages_set(0)
        self.client.on_message = self._on_ack
        heard = threading.Event()
        self.client.on_subscribe = lambda *_: heard.set()
        # One connection stands for many: none waits for another's TCP.
        self.client.on_socket_open = lambda _client, _userdata, it: it.setsockopt(  # type: ignore[union-attr]
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )
        self.client.connect("127.0.0.1", port, clean_start=True, properties=self._properties)
        self.client.loop_start()
        self.client.subscribe(f"dl/1/{NETWORK}/+/+/ack", 1)
        if not heard.wait(10):
            raise RuntimeError("the broker does not confirm the subscription")

    def publish(self, at: int) -> None:
        seq = self.seqs[at] = self.seqs[at] + 1
        pm = (at * 31 + seq * 7) % 9999 / 10
        payload = (
            f'{{"v":1,"boot":1,"readings":[{{"seq":{seq},"t":{BEGAN + seq},"tq":"ntp","up":{seq},"dt":1,'
            f'"n":1,"slot":"a","model":"sds011","pm25":{pm},"pm10":20.0,"temp":21.5,"rh":40.2,"press":1001.0,'
            '"flags":[]}]}'
        )
        now = time.monotonic()
        self.waiting[self.names[at]].append((seq, now))
        if at == 0:
            self.marked.append(now)
        self.client.publish(self.topics[at], payload, 1)
        self.sent += 1

    def _on_ack(self, _client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        now = time.monotonic()
        answer = json.loads(message.payload)
        waiting = self.waiting[message.topic.split("/")[4]]
        while waiting and waiting[0][0] <= answer["upto"]:
            self.acks.append((now - waiting.popleft()[1]) * 1000)


def main() -> None:
    port, rate, seconds, run = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    nodes = Nodes(port, run)
    every = max(1, round(rate / MARKED_RATE))
    began, other = time.monotonic(), 0
    while (now := time.monotonic()) - began < seconds:
        due = began + nodes.sent / rate
        if due > now:
            time.sleep(min(due - now, 0.1))
            continue
        if nodes.sent % every == 0:
            nodes.publish(0)
        else:
            other = other % (NODES - 1) + 1
            nodes.publish(other)
    took = time.monotonic() - began
    while len(nodes.acks) < nodes.sent and time.monotonic() - began < seconds + _PATIENCE_S:
        time.sleep(0.05)
    nodes.client.disconnect()
    nodes.client.loop_stop()
    found = {
        "sent": nodes.sent,
        "seconds": took,
        "unacked": nodes.sent - len(nodes.acks),
        "acks": [round(each, 2) for each in nodes.acks],
        "marked": nodes.marked,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
