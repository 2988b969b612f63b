"""What the nodes say of themselves, heard at the broker and not through the gateway."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

RECONNECT_S = 1


@dataclass
class Told:
    """One node's own words. `born`: boot -> last seq born in it. `reports` counts its health messages."""

    born: dict[int, int] = field(default_factory=dict[int, int])
    depth: int = 0
    measuring: bool = True
    reports: int = 0
    heap_free: int | None = None


class Observer:
    """Listens to health messages, and gives the nodes settings as a city's operator would."""

    def __init__(self, host: str, port: int, network: str) -> None:
        """`port` is one that speaks MQTT 3.1.1."""
        self._network = network
        self._lock = threading.Lock()
        self._told: dict[str, Told] = {}
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id="demo-observer", protocol=mqtt.MQTTv311
        )
        self._client.reconnect_delay_set(RECONNECT_S, RECONNECT_S)
        self._client.on_connect = self._subscribe
        self._client.on_message = self._hear
        self._client.connect_async(host, port, keepalive=10)

    def start(self) -> Observer:
        self._client.loop_start()
        return self

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def told(self, node: str) -> Told:
        """A copy of what is known of a node; empty before its first health message."""
        with self._lock:
            known = self._told.get(node, Told())
            return Told(dict(known.born), known.depth, known.measuring, known.reports, known.heap_free)

    def set_config(self, node: str, version: int, settings: dict[str, Any]) -> None:
        """Publish retained settings for a node; sent once there is a connection."""
        topic = f"dl/1/{self._network}/{crc32(node.encode()) & 15:x}/{node}/config"
        message = {"v": 1, "version": version, "settings": settings}
        self._client.publish(topic, json.dumps(message), qos=1, retain=True)

    def _subscribe(self, client: mqtt.Client, *_: Any) -> None:
        client.subscribe(f"dl/1/{self._network}/+/+/health", qos=1)

    def _hear(self, _client: mqtt.Client, _user: Any, message: mqtt.MQTTMessage) -> None:
        try:
            health = json.loads(message.payload)
            node = message.topic.split("/")[4]
            born = {int(boot): int(last) for boot, last in health["born"]}
            depth, measuring = int(health["outbox"]["depth"]), bool(health["measuring"])
            heap_free = int(health["heap_free"])
        except (ValueError, TypeError, KeyError, IndexError):
            return  # the gateway judges messages and quarantines such a one; here it is just no news
        with self._lock:
            told = self._told.setdefault(node, Told())
            for boot, last in born.items():
                told.born[boot] = max(last, told.born.get(boot, 0))
            told.depth, told.measuring, told.heap_free = depth, measuring, heap_free
            told.reports += 1
