"""A connection to the broker for questions: answers are waited for, and nothing connects again by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.broker_client import make_client
from gateway.broker_settings import BrokerSettings

ANSWER_SECONDS = 10.0
# Publications under way without the broker's word, unless it allows fewer.
_UNDER_WAY = 100
Value = TypeVar("Value")


class LineError(Exception):
    """No answer. `cause` is what connecting raised, `reason` the broker's refusal to connect; `closed` when
    the broker ended the connection."""

    def __init__(
        self,
        message: str,
        cause: OSError | None = None,
        reason: ReasonCode | None = None,
        closed: bool = False,
    ) -> None:
        super().__init__(message)
        self.cause = cause
        self.reason = reason
        self.closed = closed


class Line:
    """Use it with `with`. `expiry_s` is asked of MQTT 5; leaving ends the session unless `park()` was called.

    While `holding` is set, what comes is not acknowledged. Raises LineError.
    """

    def __init__(self, broker: BrokerSettings, client_id: str, *, clean: bool, expiry_s: int = 0) -> None:
        self._broker = broker
        self._v5 = broker.protocol == 5
        self._clean = clean
        self._expiry_s = expiry_s
        self._changed = threading.Condition()
        self._closed = ""
        self._left = False
        self._answers: dict[int, list[ReasonCode]] = {}
        self._held: list[tuple[int, int]] = []
        self.holding = False
        self.connack: tuple[ReasonCode, bool, Any] | None = None
        # Topic and payload of each message that came.
        self.heard: list[tuple[str, bytes]] = []
        self._client = client = make_client(broker, client_id, clean=clean)
        client.max_inflight_messages_set(_UNDER_WAY)
        client.max_queued_messages_set(0)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_subscribe = lambda _client, _userdata, mid, reasons, _properties: self._answer(mid, reasons)
        client.on_publish = lambda _client, _userdata, mid, reason, _properties: self._answer(mid, [reason])

    def __enter__(self) -> Line:
        properties = None
        if self._v5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = self._expiry_s
            properties.ReceiveMaximum = self._broker.receive_maximum
        try:
            self._client.connect(
                self._broker.host,
                self._broker.port,
                self._broker.keepalive_s,
                clean_start=self._clean if self._v5 else mqtt.MQTT_CLEAN_START_FIRST_ONLY,
                properties=properties,
            )
        except OSError as error:
            raise LineError(str(error), error) from error
        self._client.loop_start()
        try:
            self.wait(lambda: self.connack, "does not answer the connection")
            assert self.connack is not None
            if self.connack[0].is_failure:
                raise LineError(str(self.connack[0]), reason=self.connack[0])
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    def _leave(self) -> None:
        """End the session with the connection. With MQTT 3.1.1 it ends so only when it began clean."""
        if not self._left:
            self._left = True
            properties = None
            if self._v5 and self._expiry_s:
                properties = Properties(PacketTypes.DISCONNECT)
                properties.SessionExpiryInterval = 0
            self._client.disconnect(properties=properties)
            self._client.loop_stop()

    def park(self) -> None:
        """Disconnect and leave the session at the broker."""
        self._left = True
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def session_present(self) -> bool:
        return self.connack is not None and self.connack[1]

    def told(self, name: str, otherwise: int) -> int:
        """A property of MQTT 5 that the broker's CONNACK has."""
        properties = self.connack[2] if self.connack else None
        return int(getattr(properties, name, otherwise))

    def subscribe(self, filters: Sequence[str]) -> list[ReasonCode]:
        _, mid = self._client.subscribe([(each, 1) for each in filters])
        return self._answer_to(mid, "a subscription")

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> ReasonCode:
        """With QoS 1; the reason in the PUBACK, which with MQTT 3.1.1 is always success."""
        return self._answer_to(self._client.publish(topic, payload, 1, retain).mid, "a message")[0]

    def publish_many(self, topic: str, payloads: Sequence[bytes], seconds: float) -> int:
        """Publish as many as the broker confirms in that time; how many it confirmed."""
        with self._changed:
            self._answers.clear()
        mids = [self._client.publish(topic, each, 1).mid for each in payloads]
        self.wait(lambda: len(self._answers) >= len(mids), "", seconds)
        with self._changed:
            return sum(not self._answers[mid][0].is_failure for mid in mids if mid in self._answers)

    def release(self) -> None:
        """Acknowledge what was held, and from now on what comes."""
        with self._changed:
            self.holding = False
            held, self._held = self._held, []
        for mid, qos in held:
            self._client.ack(mid, qos)

    def wait(self, done: Callable[[], Value], otherwise: str, seconds: float | None = None) -> Value:
        """What `done` gives once it is true. After that time LineError with `otherwise`, or without those
        words what it gives then."""
        with self._changed:
            self._changed.wait_for(lambda: done() or self._closed, seconds or ANSWER_SECONDS)
            value = done()
            if not value and (self._closed or otherwise):
                raise LineError(self._closed or otherwise, closed=bool(self._closed))
            return value

    def _answer_to(self, mid: int | None, what: str) -> list[ReasonCode]:
        self.wait(lambda: mid in self._answers, f"does not answer {what}")
        return self._answers[mid or 0]

    def _on_connect(
        self,
        _client: mqtt.Client,
        _userdata: Any,
        flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        properties: Any,
    ) -> None:
        with self._changed:
            self.connack = reason, flags.session_present, properties
            self._changed.notify_all()

    def _on_disconnect(
        self, client: mqtt.Client, _userdata: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        client.disconnect()  # or paho connects again
        with self._changed:
            self._closed = self._closed or f"closed the connection ({reason})"
            self._changed.notify_all()

    def _on_message(self, client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        with self._changed:
            self.heard.append((message.topic, bytes(message.payload)))
            if self.holding:
                self._held.append((message.mid, message.qos))
            self._changed.notify_all()
            held = self.holding
        if not held:
            client.ack(message.mid, message.qos)

    def _answer(self, mid: int, reasons: list[ReasonCode]) -> None:
        with self._changed:
            self._answers[mid] = reasons
            self._changed.notify_all()
