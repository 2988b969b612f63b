"""Messages as nodes send them, and a broker that holds them for its subscribers before any of them connects.

So the time of publishing is in no figure, and each way gets the same messages from the same broker.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Iterator, Sequence

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

NETWORK = "bench"
FILTER = f"dl/1/{NETWORK}/+/+/readings"
RECEIVE_MAXIMUM = 1000
_WINDOW = 2000


def connection(client_id: str, clean: bool = False) -> tuple[mqtt.Client, Properties]:
    """An MQTT 5 client with a session that stays, and the properties to connect with."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5)
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 0 if clean else 3600
    properties.ReceiveMaximum = RECEIVE_MAXIMUM
    return client, properties


def leave_sessions(port: int, client_ids: Sequence[str]) -> None:
    """Subscribe under each client id and leave; the broker keeps what comes for it."""
    for client_id in client_ids:
        client, properties = connection(client_id)
        done: list[int] = []
        client.on_subscribe = lambda _client, _userdata, mid, *_, done=done: done.append(mid)
        client.connect("127.0.0.1", port, clean_start=True, properties=properties)
        client.subscribe([(FILTER, mqtt.SubscribeOptions(qos=1))])
        while not done:
            client.loop(0.1)
        client.disconnect()
        client.loop(0.1)


def messages(count: int, per_message: int, nodes: int, first: int = 1) -> Iterator[tuple[str, bytes]]:
    """Topic and payload: node after node, seqs from `first` on; distinct rows, times of the last hours."""
    rounds = -(-count // nodes)
    now = int(time.time()) - 60 * (rounds * per_message + 1)
    for number in range(count):
        at, round_ = number % nodes, number // nodes
        node = f"node-{at:05}"
        seq = first + round_ * per_message
        readings = [
            {
                "seq": seq + i,
                "t": now + 60 * (seq - first + i),
                "tq": "ntp",
                "up": 60 * (seq + i),
                "dt": 60,
                "n": 58,
                "slot": "a",
                "model": "sds011",
                "pm25": (number * 7 + i) % 997 / 10,
                "pm10": (number * 11 + i) % 1999 / 10,
                "temp": (number + i) % 300 / 10,
                "rh": 40 + (number + i) % 500 / 10,
                "press": 990 + (number + i) % 300 / 10,
                "flags": [],
            }
            for i in range(per_message)
        ]
        payload = json.dumps({"v": 1, "boot": 1, "readings": readings}, separators=(",", ":")).encode()
        yield f"dl/1/{NETWORK}/{zlib.crc32(node.encode()) & 15:x}/{node}/readings", payload


def publish(port: int, what: Iterator[tuple[str, bytes]]) -> None:
    """Publish all with QoS 1 and return when the broker has them."""
    client, properties = connection("bench-publisher", clean=True)
    client.max_inflight_messages_set(_WINDOW)
    client.max_queued_messages_set(0)
    acked = 0

    def count(*_: object) -> None:
        nonlocal acked
        acked += 1

    client.on_publish = count
    client.connect("127.0.0.1", port, clean_start=True, properties=properties)
    client.loop_start()
    sent = 0
    for topic, payload in what:
        client.publish(topic, payload, 1)
        sent += 1
        while sent - acked > _WINDOW:
            time.sleep(0.001)
    while acked < sent:
        time.sleep(0.005)
    client.disconnect()
    client.loop_stop()
