"""A short connection to the broker beside a running gateway's, to talk to nodes: commands and settings."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.reasoncodes import ReasonCode

from gateway.broker_client import advice, connect, make_client, subscribe
from gateway.broker_settings import CHECK_ENDING, BrokerSettings

ANSWER_SECONDS = 10.0
# A broker sends what it retains behind its SUBACK; none promises how soon.
_RETAINED_SECONDS = 0.3


class ControlError(Exception):
    """The broker cannot be used for that; the message says why and what to do."""


@dataclass(slots=True, frozen=True)
class Heard:
    topic: str
    payload: bytes


class Control:
    """Use it with `with`. Raises ControlError. Settings, credentials and TLS are the gateway's."""

    def __init__(self, broker: BrokerSettings, client_id: str) -> None:
        self._where = f"broker {broker.host}:{broker.port}"
        self._broker = broker
        ending = f"-{os.urandom(2).hex()}"  # two of these at a time do not throw each other out
        assert len(ending) <= len(CHECK_ENDING)
        self._client = client = make_client(broker, client_id + ending, clean=True)
        self._heard: queue.Queue[Heard] = queue.Queue()
        self._changed = threading.Condition()
        self._connected = False
        self._refused = ""
        self._answers: dict[int, list[ReasonCode]] = {}  # mid -> what the broker said to it
        client.on_connect = self._on_connect
        client.on_connect_fail = lambda _client, _userdata: self._refuse("cannot be reached; " + _ASK)
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_subscribe = lambda _client, _userdata, mid, reasons, _properties: self._answer(mid, reasons)
        client.on_unsubscribe = self._on_unsubscribe
        client.on_publish = lambda _client, _userdata, mid, reason, _properties: self._answer(mid, [reason])

    def __enter__(self) -> Control:
        connect(self._client, self._broker, clean=True)
        self._client.loop_start()
        try:
            self._wait(lambda: self._connected, "does not answer; " + _ASK)
        except ControlError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def listen(self, *filters: str) -> None:
        """Subscribe; messages() then gives what comes, what is retained first."""
        mid = subscribe(self._client, self._broker, filters)
        for topic, reason in zip(filters, self._wait_for(mid, "a subscription"), strict=False):
            if reason.is_failure:
                raise ControlError(
                    f"{self._where} refuses the subscription to {topic}: {reason}; "
                    "give this user the right to read it"
                )

    def retained(self, *filters: str) -> dict[str, bytes]:
        """Subscribe, and return what the broker has retained there, by topic."""
        self.listen(*filters)
        # A round trip: what the broker sends at once lies before its answer.
        _, mid = self._client.unsubscribe("dustline/nothing")
        self._wait_for(mid, "a question")
        return {heard.topic: heard.payload for heard in self.messages(_RETAINED_SECONDS)}

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> bool:
        """Publish with QoS 1. False when the broker says that nobody is subscribed; MQTT 3.1.1 cannot."""
        reason = self._wait_for(self._client.publish(topic, payload, 1, retain).mid, topic)[0]
        if reason.is_failure:
            raise ControlError(
                f"{self._where} refuses to take {topic}: {reason}; give this user the right to write it"
            )
        return reason.value != 16  # no matching subscribers

    def messages(self, seconds: float) -> Iterator[Heard]:
        """What comes within so many seconds."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                yield self._heard.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return

    def _wait_for(self, mid: int | None, what: str) -> list[ReasonCode]:
        self._wait(lambda: mid in self._answers, f"does not answer {what}; see its log")
        return self._answers[mid or 0]

    def _wait(self, done: Any, otherwise: str) -> None:
        with self._changed:
            self._changed.wait_for(lambda: done() or self._refused, ANSWER_SECONDS)
            # An answer counts also when the broker closes the connection right behind it. Mosquitto may do
            # so, after the "not authorized" of a message.
            if not done():
                raise ControlError(f"{self._where} {self._refused or otherwise}")

    def _on_connect(
        self, _client: mqtt.Client, _userdata: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        if reason.is_failure:
            self._refuse(f"refuses the connection: {reason}; {advice(str(reason))}")
            return
        with self._changed:
            self._connected = True
            self._changed.notify_all()

    def _on_disconnect(
        self, _client: mqtt.Client, _userdata: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        # Mosquitto ends the connection of an MQTT 3.1.1 client that publishes what it may not.
        self._refuse(f"closed the connection ({reason}); may this user write there? See the broker's log")

    def _on_message(self, client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        client.ack(message.mid, message.qos)
        self._heard.put(Heard(message.topic, bytes(message.payload)))

    def _on_unsubscribe(
        self, _client: mqtt.Client, _userdata: Any, mid: int, reasons: Any, _properties: Any
    ) -> None:
        self._answer(mid, reasons)

    def _answer(self, mid: int, reasons: list[ReasonCode]) -> None:
        with self._changed:
            self._answers[mid] = reasons
            self._changed.notify_all()

    def _refuse(self, why: str) -> None:
        with self._changed:
            self._refused = self._refused or why
            self._changed.notify_all()


_ASK = "is it running there, and are host, port and tls right?"
