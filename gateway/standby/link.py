"""The connection over which gateways of one shard agree who works. Its client id is its own."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.reasoncodes import ReasonCode

from gateway.broker_client import abandon, advice, connect, leave, make_client
from gateway.broker_settings import BrokerSettings
from gateway.no_connection import WANTS_TLS, WANTS_TLS_ADVICE, trouble_and_advice
from gateway.standby.rules import Word

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.standby")

P = ParamSpec("P")
# Longest pause between attempts, s: an owner must be back before another's patience is at its end.
_LONGEST_PAUSE = 2


class Link:
    """Calls back from paho's thread: `subscribed()`, `lost()`, `heard(payload)`.

    Words are sent with QoS 1 and received with QoS 0: another one follows soon, and none must come late.
    """

    def __init__(
        self,
        broker: BrokerSettings,
        client_id: str,
        topic: str,
        will: Word,
        *,
        subscribed: Callable[[], object],
        lost: Callable[[], object],
        heard: Callable[[bytes], object],
    ) -> None:
        self._broker = broker
        self._client_id = client_id
        self._topic = topic
        self._will = will
        self._subscribed, self._lost, self._heard = subscribed, lost, heard
        self._told = False
        # Whether the broker has answered the present connection.
        self._answered = False
        # Why no words come and go, for people.
        self.trouble: str | None = "no connection to the broker was made yet"
        self._client = self._make_client()

    def _make_client(self) -> mqtt.Client:
        client = make_client(self._broker, self._client_id, clean=True)
        client.reconnect_delay_set(1, _LONGEST_PAUSE)
        # Not retained: it is about this connection, and a newcomer is to see the lease.
        client.will_set(self._topic, self._will.model_dump_json(), 1, retain=False)
        client.on_connect = self._guarded(self._on_connect)
        client.on_connect_fail = self._guarded(self._on_connect_fail)
        client.on_disconnect = self._guarded(self._on_disconnect)
        client.on_subscribe = self._guarded(self._on_subscribe)
        client.on_message = self._guarded(self._on_message)
        return client

    def _guarded(
        self, callback: Callable[Concatenate[mqtt.Client, P], None]
    ) -> Callable[Concatenate[mqtt.Client, P], None]:
        """For the present client only. Log what a callback raises; paho's thread must live."""

        @wraps(callback)
        def call(client: mqtt.Client, *args: P.args, **kwargs: P.kwargs) -> None:
            if client is not self._client:
                client.disconnect()  # given up, and back
                return
            try:
                callback(client, *args, **kwargs)
            except Exception:
                log.exception("a bug in an MQTT callback of the lease", callback=callback.__name__)

        return call

    def start(self) -> None:
        """Begin to connect; returns at once."""
        connect(self._client, self._broker, clean=True)
        self._client.loop_start()

    def send(self, word: Word) -> mqtt.MQTTMessageInfo | None:
        """None without a connection: a word that waits for one would come too late."""
        if not self._client.is_connected():
            return None
        return self._client.publish(self._topic, word.model_dump_json(), 1, word.retained)

    def begin_anew(self, broker: BrokerSettings | None = None) -> None:
        """Give the connection up, whose thread may hang, and make another; by other settings if given."""
        if broker is not None:
            self._broker = broker
        old, self._client = self._client, self._make_client()
        self._lost()
        abandon(old)
        self.start()

    def stop(self, last: Word | None, seconds: float) -> None:
        """Say the last word and leave. An orderly end has no will."""
        sent = self.send(last) if last is not None else None
        if sent is not None:
            with contextlib.suppress(
                RuntimeError, ValueError
            ):  # the connection is lost: then the will says it
                sent.wait_for_publish(seconds / 2)
        if not leave(self._client, seconds / 2):
            abandon(self._client)

    def _on_connect(
        self, client: mqtt.Client, _userdata: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        self._answered = True
        if reason.is_failure:
            self._fail(f"the broker refuses the lease's connection: {reason}", advice(str(reason)))
            return
        client.subscribe(self._topic, 0)

    def _on_connect_fail(self, _client: mqtt.Client, _userdata: Any) -> None:
        # paho calls this from where it has caught what connecting raised.
        self._fail(*trouble_and_advice(sys.exc_info()[1], self._broker.tls))

    def _on_disconnect(
        self, _client: mqtt.Client, _userdata: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        self._lost()
        if not self._answered:
            self._fail(WANTS_TLS, WANTS_TLS_ADVICE)
        self._answered = False
        self.trouble = self.trouble or f"the connection to the broker was lost: {reason}"

    def _on_subscribe(
        self, _client: mqtt.Client, _userdata: Any, _mid: int, reasons: list[ReasonCode], _properties: Any
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._fail(f"the broker refuses the subscription to {self._topic}", self.rights)
            return
        self.trouble, self._told = None, False
        self._subscribed()

    def _on_message(self, _client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        self._heard(bytes(message.payload))

    @property
    def rights(self) -> str:
        return f"give this user the right to read and write {self._topic} in the broker's access rules"

    @property
    def deaf(self) -> str:
        """What to say when words do not come back."""
        return f"what is said on {self._topic} does not come back from the broker: {self.rights}"

    def _fail(self, what: str, to_do: str) -> None:
        """Once per outage, not once per attempt."""
        self.trouble = f"{what}: {to_do}"
        if not self._told:
            self._told = True
            log.warning("no lease can be held or watched; will keep trying", problem=what, advice=to_do)
