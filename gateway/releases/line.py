"""A connection of its own for updates: pieces and commands never stand before acks, and what the broker does
to this one does nothing to the readings' session."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.reasoncodes import ReasonCode

from gateway import topics
from gateway.broker_client import abandon, connect, leave, make_stream_client, subscribe
from gateway.broker_settings import CHECK_ENDING, BrokerSettings
from gateway.broker_stream import Publication, Refusal, StreamClient

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.releases")

ENDING = "-fw"
# What the broker has not confirmed; more would only wait there.
MOST_UNSENT = 200
# After a refusal nothing is sent for a while: Mosquitto may close the connection at each.
HOLD_SECONDS = 30.0
QUIET_SECONDS = 3600.0


class Line:
    """`heard` gets (topic, payload, retained) in paho's thread. start() and stop() at will."""

    def __init__(
        self, broker: BrokerSettings, network: str, heard: Callable[[bytes, bytes, bool], None]
    ) -> None:
        assert len(ENDING) <= len(CHECK_ENDING)
        self._broker, self._network, self._heard = broker, network, heard
        self._filters = topics.filters(network, broker.shard_digits, topics.KINDS_OF_UPDATES)
        self._client = self._make_client()
        self._started = False
        self._held_until = self._quiet_until = 0.0
        self.subscribed = threading.Event()
        self.refused = self.errors = self.connections = 0

    def _make_client(self) -> StreamClient:
        client = make_stream_client(self._broker, self._broker.id_for(self._network) + ENDING, clean=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_publications = self._on_publications
        client.on_refusals = self._on_refusals
        return client

    def tend(self) -> None:
        """To be called now and then: connects, and starts paho's thread anew should it have ended."""
        if not self._started:
            self._started = True
            self._client = self._make_client()  # one that was left may hang
            connect(self._client, self._broker, clean=True)
        self._client.loop_start()

    def stop(self, seconds: float) -> None:
        """Leave, until tend() is called again."""
        if self._started:
            self._started = False
            self.subscribed.clear()
            if not leave(self._client, seconds):
                abandon(self._client)

    @property
    def ready(self) -> bool:
        """Whether what is sent now has a chance to arrive soon."""
        return (
            self.subscribed.is_set()
            and self._client.unsent < MOST_UNSENT
            and time.monotonic() >= self._held_until
        )

    def send(self, node: str, kind: str, payload: bytes) -> None:
        """With QoS 1, to a node."""
        self._client.answer([(topics.build(self._network, node, kind).encode(), payload)])

    def _on_connect(
        self, client: mqtt.Client, _userdata: Any, _flags: Any, reason: ReasonCode, properties: Any
    ) -> None:
        if (
            client is self._client and not reason.is_failure
        ):  # the readings' session tells of failures, with the same settings
            self._client.drop_answers()
            self._client.begin(properties)
            self.connections += 1
            subscribe(client, self._broker, self._filters)

    def _on_disconnect(self, client: mqtt.Client, *_: Any) -> None:
        if client is self._client:
            self.subscribed.clear()

    def _on_subscribe(
        self, _client: mqtt.Client, _userdata: Any, _mid: int, reasons: list[ReasonCode], _properties: Any
    ) -> None:
        if any(each.is_failure for each in reasons):
            self._complain(
                "the broker refuses the subscriptions of updates: no node can get one", "read", "fetch"
            )
        else:
            self.subscribed.set()

    def _on_publications(self, client: mqtt.Client, came: list[Publication]) -> None:
        if client is not self._client:
            return
        self._client.acknowledge([each.mid for each in came if each.qos])
        for each in came:
            try:
                self._heard(each.topic, each.payload, each.retain)
            except Exception:
                self.errors += 1
                log.exception("a bug in the callback of updates")

    def _on_refusals(self, _client: mqtt.Client, refused: list[Refusal]) -> None:
        self.refused += len(refused)
        self._held_until = time.monotonic() + HOLD_SECONDS
        kind = refused[-1].topic.decode(errors="replace").rpartition("/")[2]
        self._complain("the broker refuses what is sent for updates; readings do not suffer", "write", kind)

    def _complain(self, what: str, access: str, kind: str) -> None:
        """With the rule that lacks, at most once an hour."""
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + QUIET_SECONDS
            rule = f"topic {access} dl/1/{self._network}/+/+/{kind}"
            user = self._broker.username or "(anonymous)"
            log.error(what, advice=f"in the broker's access rules write, under `user {user}`: {rule}")
