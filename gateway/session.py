"""The MQTT session: persistent, manually acknowledged, back by itself for as long as it takes.

paho's own thread runs the callbacks; an exception in one would end that thread, so none gets out.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any, ParamSpec

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway import topics
from gateway.broker_settings import BrokerSettings
from gateway.contract import MAX_MESSAGE_BYTES
from gateway.receive import Inbox, Incoming

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.session")

P = ParamSpec("P")
# Answers to nodes that wait for the broker; each node has at most one batch under way.
MOST_QUEUED_ANSWERS = 20000
RESUBSCRIBE_SECONDS = 30.0


def guarded(callback: Callable[P, None]) -> Callable[P, None]:
    """Log what a callback raises; paho's thread must live."""

    @wraps(callback)
    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            callback(*args, **kwargs)
        except Exception:
            log.exception("a bug in an MQTT callback", callback=callback.__name__)

    return call


def make_client(broker: BrokerSettings, client_id: str, clean: bool = False) -> mqtt.Client:
    """A paho client by the settings, not yet connected."""
    v5 = broker.protocol == 5
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=None if v5 else clean,
        protocol=mqtt.MQTTv5 if v5 else mqtt.MQTTv311,
        manual_ack=True,
    )
    if broker.username is not None:
        password = broker.password.get_secret_value() if broker.password is not None else None
        client.username_pw_set(broker.username, password)
    if broker.tls:
        # Certificate and host name are verified by default; nothing here can turn that off.
        client.tls_set(  # pyright: ignore[reportUnknownMemberType] - paho leaves cert_reqs untyped
            ca_certs=None if broker.ca_file is None else str(broker.ca_file)
        )
    client.reconnect_delay_set(1, 30)
    client.max_queued_messages_set(MOST_QUEUED_ANSWERS)
    client.max_inflight_messages_set(100)
    return client


def connect(client: mqtt.Client, broker: BrokerSettings, clean: bool = False) -> None:
    """Name the server; the connection itself is made by the client's loop."""
    if broker.protocol == 5:
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 0 if clean else broker.session_expiry_s
        properties.ReceiveMaximum = broker.receive_maximum
        client.connect_async(
            broker.host, broker.port, broker.keepalive_s, clean_start=clean, properties=properties
        )
    else:
        client.connect_async(broker.host, broker.port, broker.keepalive_s)


def subscribe(client: mqtt.Client, broker: BrokerSettings, filters: Sequence[str]) -> int | None:
    """Ask for the filters with QoS 1; the request's id."""
    if broker.protocol == 5:
        _, mid = client.subscribe([(each, SubscribeOptions(qos=1)) for each in filters])
    else:
        _, mid = client.subscribe([(each, 1) for each in filters])
    return mid


class Session:
    """Receives into the inbox; acknowledges and answers when the pipeline says so."""

    def __init__(self, broker: BrokerSettings, network: str, inbox: Inbox) -> None:
        self._broker = broker
        self._filters = topics.filters(network, broker.shard_digits)
        self._inbox = inbox
        self._mutex = threading.Lock()
        # None while not connected: what was received before is then nobody's to acknowledge.
        self._epoch: int | None = None
        self._epochs = 0
        self._stopping = threading.Event()
        self._failing = False
        self._subscribe_again: float | None = None
        self.subscribed = threading.Event()
        self._client = client = make_client(broker, broker.id_for(network))
        client.on_connect = guarded(self._on_connect)
        client.on_connect_fail = guarded(self._on_connect_fail)
        client.on_disconnect = guarded(self._on_disconnect)
        client.on_subscribe = guarded(self._on_subscribe)
        client.on_message = guarded(self._on_message)

    @property
    def connected(self) -> bool:
        return self._epoch is not None

    def start(self) -> None:
        """Begin to connect; returns at once, whether or not a broker is there."""
        connect(self._client, self._broker)
        self._client.loop_start()

    def tend(self) -> None:
        """To be called every second or so: restarts what should never have ended."""
        if self._stopping.is_set():
            return
        # Does nothing while paho's thread lives.
        self._client.loop_start()
        if self._subscribe_again is not None and time.monotonic() >= self._subscribe_again:
            self._subscribe_again = None
            subscribe(self._client, self._broker, self._filters)

    def stop_receiving(self) -> None:
        """Take no more messages; the broker keeps them for the next start."""
        self._stopping.set()

    def stop(self, seconds: float) -> None:
        """Send what still waits to be sent, within `seconds`, and leave; the session stays at the broker."""
        self._stopping.set()
        deadline = time.monotonic() + seconds
        while self.connected and self._client.want_write() and time.monotonic() < deadline:
            time.sleep(0.01)
        self._client.disconnect()
        self._client.loop_stop()

    def acknowledge(self, messages: Iterable[Incoming]) -> None:
        """PUBACK those of the present connection; the others will come again and are duplicates then."""
        with self._mutex:
            for message in messages:
                if message.qos and message.epoch == self._epoch:
                    self._client.ack(message.mid, message.qos)

    def publish(self, topic: str, payload: bytes) -> None:
        """QoS 1, not retained; waits in memory while there is no connection."""
        result = self._client.publish(topic, payload, qos=1)
        if result.rc == mqtt.MQTT_ERR_QUEUE_SIZE:
            log.warning("too many answers wait for the broker; one is dropped, the node will ask again")

    def _on_connect(
        self,
        client: mqtt.Client,
        userdata: Any,
        flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        properties: Any,
    ) -> None:
        if reason.is_failure:
            self._log_failure(f"the broker refuses the connection: {reason}", advice(str(reason)))
            return
        with self._mutex:
            self._epochs += 1
            self._epoch = self._epochs
        self._failing = False
        log.info(
            "connected to the broker",
            host=self._broker.host,
            port=self._broker.port,
            session_present=flags.session_present,
        )
        subscribe(client, self._broker, self._filters)

    def _on_connect_fail(self, client: mqtt.Client, userdata: Any) -> None:
        self._log_failure("cannot reach the broker", "is it running there, and are host, port and tls right?")

    def _on_disconnect(
        self, client: mqtt.Client, userdata: Any, flags: Any, reason: ReasonCode, properties: Any
    ) -> None:
        with self._mutex:
            was_connected, self._epoch = self._epoch is not None, None
        self.subscribed.clear()
        if was_connected and not self._stopping.is_set():
            log.warning("connection to the broker lost; will connect again", reason=str(reason))

    def _on_subscribe(
        self, client: mqtt.Client, userdata: Any, mid: int, reasons: list[ReasonCode], properties: Any
    ) -> None:
        failed = [
            f"{each}: {reason}"
            for each, reason in zip(self._filters, reasons, strict=False)
            if reason.is_failure
        ]
        if failed:
            self._subscribe_again = time.monotonic() + RESUBSCRIBE_SECONDS
            log.error(
                "the broker refuses subscriptions: readings under them are NOT received",
                refused=failed,
                advice="give this user the right to read these topics in the broker's access rules",
            )
        else:
            self.subscribed.set()

    def _on_message(self, client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
        epoch = self._epoch
        if epoch is None or self._stopping.is_set():
            return
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "(not valid UTF-8)"
        now_ms = time.time_ns() // 1_000_000
        # The beginning is enough to refuse it, and thousands of long ones may wait in the inbox.
        kept = bytes(message.payload[:MAX_MESSAGE_BYTES])
        size = len(message.payload)
        incoming = Incoming(topic, kept, message.qos, message.retain, message.mid, epoch, now_ms, size)
        self._inbox.put(incoming, self._stopping.is_set)

    def _log_failure(self, what: str, to_do: str) -> None:
        """Once per outage, not once per attempt."""
        if not self._failing and not self._stopping.is_set():
            self._failing = True
            log.warning(
                "no connection; will keep trying",
                problem=what,
                host=self._broker.host,
                port=self._broker.port,
                advice=to_do,
            )


def advice(reason: str) -> str:
    """What to do about a connection that the broker refuses."""
    if reason in ("Not authorized", "Bad user name or password"):
        return "check broker.username and DUSTLINE_BROKER__PASSWORD against the broker's password file"
    if reason == "Unsupported protocol version":
        return "set broker.protocol to 311, or use the broker's port for MQTT 5"
    return "see the broker's log"
