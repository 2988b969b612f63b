"""Keep the way to the gateway open: Wi-Fi, then MQTT, again and again, with growing and jittered pauses."""

import asyncio
import binascii
import json
import random

from micropython import const

from node.mqtt.client import Client
from node.mqtt.errors import MqttError

_JOIN_MS = const(20000)
_FIRST_PAUSE_MS = const(500)
_LONGEST_PAUSE_MS = const(60000)
_LOOK_MS = const(2000)
_CONTRACT = const(1)


def shard(node):
    """The topic's shard: CRC-32 of the node's name mod 16, one hex digit."""
    return f"{binascii.crc32(node.encode()) & 15:x}"


def pause_ms(failures):
    """How long to wait after so many failures in a row: doubling, at most a minute, somewhere in its upper
    half, so that thousands of nodes do not come back in the same second."""
    longest = min(_LONGEST_PAUSE_MS, _FIRST_PAUSE_MS << min(failures, 7))
    return longest // 2 + random.getrandbits(16) * longest // 131072


class Link:
    """`client` is the MQTT connection while it is up, else None; `up` is an event to wait for."""

    def __init__(self, config, wifi, now, status, on_message):
        self.config = config
        self.wifi = wifi
        self.now = now
        self.client = None
        self.up = asyncio.Event()
        self.joined = asyncio.Event()
        self.counters = {"wifi_joins": 0, "wifi_failures": 0, "mqtt_connects": 0, "mqtt_failures": 0}
        self._status = status
        self._on_message = on_message
        self.beat = 0  # grows while run() gets on, see guard.py
        self._was_up = False
        self._prefix = f"dl/{_CONTRACT}/{config.network}/{shard(config.node)}/{config.node}/"

    def topic(self, kind):
        return self._prefix + kind

    async def run(self):
        """Never returns."""
        self.wifi.start("dustline-" + self.config.node)
        failures = 0
        while True:
            self.beat += 1
            if not self.wifi.is_up():
                self.joined.clear()
                if not await self._join():
                    failures += 1
                    await asyncio.sleep_ms(pause_ms(failures))
                    continue
            self.joined.set()
            try:
                await self._session()
            except MqttError as error:
                print("mqtt:", error)
            if self._was_up:
                failures = 0
            failures += 1
            await asyncio.sleep_ms(pause_ms(failures))

    async def _join(self):
        """Try each known network once."""
        for known in self.config.wifi:
            print("wifi: joining", known["ssid"])
            try:
                self.wifi.join(known["ssid"], known.get("password") or "")
            except OSError as error:
                print("wifi: cannot join now:", error)
                self.counters["wifi_failures"] += 1
                continue
            until = self.now() + _JOIN_MS
            while self.now() < until:
                await asyncio.sleep_ms(200)
                self.beat += 1
                if self.wifi.is_up():
                    print("wifi: up")
                    self.counters["wifi_joins"] += 1
                    return True
            self.counters["wifi_failures"] += 1
            print("wifi:", known["ssid"], "-", self.wifi.status())
            self.wifi.leave()
        if not self.config.wifi:
            print("wifi: no network is configured")
        return False

    async def _session(self):
        """One MQTT connection from start to end. Raises MqttError with the reason of the end."""
        self._was_up = False
        broker = self.config.broker
        client = Client(
            broker["host"],
            broker["port"],
            self.config.node,
            user=broker["user"],
            password=broker["password"],
            keepalive=self.config.keepalive_s,
            will=(self.topic("status"), b'{"v":1,"online":false}', 1, True),
            clean_session=False,
            on_message=self._received,
            now=self.now,
        )
        try:
            await client.connect()
            await client.subscribe(self.topic("ack"), 1)
            await client.subscribe(self.topic("config"), 1)
            await client.publish(self.topic("status"), json.dumps(self._status()).encode(), 1, True)
            print("mqtt: connected to", broker["host"])
            self.counters["mqtt_connects"] += 1
            self.client = client
            self._was_up = True
            self.up.set()
            await self._until_closed(client)
        finally:
            if not self._was_up:
                self.counters["mqtt_failures"] += 1
            self.client = None
            self.up.clear()
            client.close()

    async def _until_closed(self, client):
        """A socket does not notice that Wi-Fi has gone; the interface does."""
        while self.wifi.is_up():
            self.beat += 1
            try:
                return await asyncio.wait_for_ms(client.wait_closed(), _LOOK_MS)
            except asyncio.TimeoutError:
                pass
        raise MqttError("Wi-Fi is gone: " + self.wifi.status(), "wifi")

    async def publish(self, kind, payload):
        """Publish with QoS 1 and wait for the broker's PUBACK. Raises MqttError without a connection."""
        if self.client is None:
            raise MqttError("not connected")
        await self.client.publish(self.topic(kind), payload, 1, kind == "status")

    def drop(self):
        """Close the connection that is open, if any; run() makes a new one."""
        if self.client is not None:
            self.client.close()

    async def publish_status(self):
        """Say anew what the node is and runs, after a change."""
        await self.publish("status", json.dumps(self._status()).encode())

    def _received(self, topic, payload):
        """Never raises: that would end the connection, and the broker would deliver the message again and
        again. What one needs too much memory for, or cannot be written to flash, is said and passed over."""
        try:
            message = json.loads(payload)
            if isinstance(message, dict):
                self._on_message(topic.rsplit("/", 1)[-1], message)
        except Exception as error:  # noqa: BLE001 - see above
            print("mqtt: cannot take a message on", topic, "-", repr(error))
