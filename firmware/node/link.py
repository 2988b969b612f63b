"""Keep the way to the gateway open: Wi-Fi, then MQTT, again and again.

What is done while it is not open is loaded for it: link_join.py (Wi-Fi), link_open.py (MQTT), link_pause.py.
"""

# pyright: reportAttributeAccessIssue=false, reportGeneralTypeIssues=false
# link_start.py gives a Link its attributes.

import asyncio
import json

from micropython import const

from node import use_once
from node.mqtt.errors import MqttError

_LOOK_MS = const(2000)
_PAUSE_MS = const(250)


class Link:
    """`client` is the MQTT connection while it is up, else None; `up` is an event to wait for, `joined` one
    for Wi-Fi. `on_message(kind, message)` gets what the gateway says, `status()` makes what it is told."""

    def __init__(self, app):
        self.app = app
        self.wifi = app.board.Wifi()
        self.client = None
        self.up = asyncio.Event()
        self.joined = asyncio.Event()
        self.counters = {"wifi_joins": 0, "wifi_failures": 0, "mqtt_connects": 0, "mqtt_failures": 0}
        self.beat = 0  # grows while run() gets on, see guard.py
        use_once("link_start", "begin", self)

    async def run(self):
        """Never returns."""
        while True:
            try:
                await use_once("link_join", "join", self)
                await use_once("link_open", "open_mqtt", self)
                await self._until_closed()
            except MqttError as error:
                until = self.app.now() + use_once("link_pause", "after", self, error)
            finally:
                self.up.clear()
                self.drop()
                self.client = None
            while self.app.now() < until:
                self.beat += 1
                await asyncio.sleep_ms(min(_LOOK_MS, until - self.app.now()))

    async def _until_closed(self):
        """A socket does not notice that Wi-Fi has gone; the interface does. Ends with an MqttError."""
        client = self.client
        # Not a wait with an end: that costs a second task.
        while not client.closed.is_set():
            if not self.wifi.is_up():
                raise MqttError("Wi-Fi is gone", "wifi")
            self.beat += 1
            await asyncio.sleep_ms(_PAUSE_MS)
        await client.wait_closed()
        raise MqttError("closed", "closed")  # by drop()

    async def publish(self, kind, payload):
        """Publish with QoS 1 and wait for the broker's PUBACK. Raises MqttError without a connection."""
        if self.client is None:
            raise MqttError("not connected")
        await self.client.publish(self.prefix + kind, payload, 1, kind == "status")

    def drop(self):
        """Close the connection that is open, if any; run() makes a new one."""
        if self.client is not None:
            self.client.close()

    async def publish_status(self):
        """Say anew what the node is and runs, after a change."""
        await self.publish("status", json.dumps(self.app.status()).encode())

    def received(self, topic, payload):
        """Never raises: that would end the connection, and the broker would deliver the message again and
        again. What one needs too much memory for, or cannot be written to flash, is said and passed over."""
        try:
            kind = topic.rsplit("/", 1)[-1]
            message = payload if kind == "chunk" else json.loads(payload)
            if kind == "chunk" or isinstance(message, dict):
                self.app.on_message(kind, message)
        except Exception as error:  # noqa: BLE001 - see above
            print("mqtt: cannot take a message on", topic, "-", repr(error))
