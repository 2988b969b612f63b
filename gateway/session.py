"""The MQTT session: persistent, manually acknowledged, back by itself for as long as it takes.

paho's own thread runs the callbacks; an exception in one would end that thread, so none gets out. tend()
looks after the session from another thread: one that gives no sign of life is started anew.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.reasoncodes import ReasonCode

from gateway import topics
from gateway.broker_client import abandon, advice, connect, leave, make_stream_client, subscribe
from gateway.broker_settings import BrokerSettings
from gateway.broker_stream import Publication, StreamClient
from gateway.contract import MAX_MESSAGE_BYTES
from gateway.no_connection import WANTS_TLS, WANTS_TLS_ADVICE, ShortLives, trouble_and_advice
from gateway.receive import Inbox, Incoming
from gateway.refusals import Refusals

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.session")

P = ParamSpec("P")
# Without a connection a sign of life is an attempt: paho's longest pause between two, and the attempt itself.
BETWEEN_ATTEMPTS_SECONDS = 60.0
_TAKEN_OVER = (
    "another gateway uses this client id: give each its own shard, or set standby.enabled on every machine "
    "that may serve this one"
)


@dataclass(slots=True)
class SessionCounts:
    """Since the gateway's start. `restarts` are the watchdog's, `resubscriptions` its questions."""

    connections: int = 0
    resubscriptions: int = 0
    restarts: int = 0
    callback_errors: int = 0


class Session:
    """Receives into the inbox; acknowledges and answers when the pipeline says so.

    `may_connect` is asked, in paho's thread, before each connection is made.
    """

    def __init__(
        self,
        broker: BrokerSettings,
        network: str,
        inbox: Inbox,
        may_connect: Callable[[], bool] | None = None,
    ) -> None:
        self._broker = broker
        self._may_connect = may_connect
        self._held_back = False
        self._network = network
        self._filters = topics.filters(network, broker.shard_digits)
        self._inbox = inbox
        # Guards which client and which connection are the present ones.
        self._mutex = threading.Lock()
        # Held while clients are exchanged: by the watch over the session, or by a reload.
        self._exchanging = threading.Lock()
        # None while not connected: what was received before is then nobody's to acknowledge.
        self._epoch: int | None = None
        self._stopping = threading.Event()
        # Until start(), and from rest() to the next start(): not connected, and not to be.
        self._resting = True
        self._deaf = False
        self._failing = False
        self._refused = False
        self._lives = ShortLives()
        self._last_sign = self._begun = self._asked = time.monotonic()
        self._message_since_asked = False
        self.counts = SessionCounts()
        self.refusals = Refusals(network)
        self.subscribed = threading.Event()
        # Why it is not connected or not subscribed, for people.
        self.trouble = "no connection to the broker was made yet"
        self._client = self._make_client(broker)

    def _make_client(self, broker: BrokerSettings) -> StreamClient:
        client = make_stream_client(broker, broker.id_for(self._network))
        client.on_connect = self._guarded(self._on_connect)
        client.on_connect_fail = self._guarded(self._on_connect_fail)
        client.on_disconnect = self._guarded(self._on_disconnect)
        client.on_subscribe = self._guarded(self._on_subscribe)
        client.on_publications = self._guarded(self._on_publications)
        client.on_refusals = self._guarded(self.refusals.tell)
        if self._may_connect is not None:
            client.may_connect = lambda: client is self._client and self._has_leave()
            # Each attempt asks anew, which costs little: the shard is to be served again soon.
            client.reconnect_delay_set(1, 5)
        return client

    def _has_leave(self) -> bool:
        self._held_back = self._may_connect is not None and not self._may_connect()
        return not self._held_back

    def _guarded(
        self, callback: Callable[Concatenate[mqtt.Client, P], None]
    ) -> Callable[Concatenate[mqtt.Client, P], None]:
        """Every call is a sign of life. Log what a callback raises; paho's thread must live."""

        @wraps(callback)
        def call(client: mqtt.Client, *args: P.args, **kwargs: P.kwargs) -> None:
            if client is not self._client:
                # Given up, and back: connected, it would take the session away from the present client.
                client.disconnect()
                return
            self._last_sign = time.monotonic()
            try:
                callback(client, *args, **kwargs)
            except Exception:
                self.counts.callback_errors += 1
                log.exception("a bug in an MQTT callback", callback=callback.__name__)

        return call

    @property
    def connected(self) -> bool:
        return self._epoch is not None

    @property
    def silent_s(self) -> float:
        """Seconds since the last sign of life of paho's thread, whichever client's; 0 while it rests."""
        return 0.0 if self._resting else time.monotonic() - self._last_sign

    @property
    def patience_s(self) -> float:
        """How long it may be silent before it is started anew."""
        asked_for = 2.0 * self._broker.keepalive_s
        return asked_for if self.connected else asked_for + BETWEEN_ATTEMPTS_SECONDS

    def start(self) -> None:
        """Begin to connect, also after rest(); returns at once, whether or not a broker is there."""
        with self._exchanging:
            if self._stopping.is_set():
                return
            self._resting = self._deaf = False
            self._last_sign = time.monotonic()
            self._begin()

    def rest(self, seconds: float) -> None:
        """Leave within `seconds`, and stay away until start(). The session stays at the broker.

        What is received and not acknowledged by then comes again, to whoever connects under this client id.
        """
        client = self._make_client(self._broker)
        with self._exchanging:
            self._resting = self._deaf = True
            old = self._exchange(client)
            self.trouble = "stands by: another gateway has the shard"
            if not leave(old, seconds):
                abandon(old)

    def tend(self) -> None:
        """To be called every second or so: asks for a sign of life, and starts anew what gives none."""
        if self._deaf or not self._exchanging.acquire(blocking=False):
            return
        try:
            if not self._resting:
                self._look_after()
        finally:
            self._exchanging.release()

    def _look_after(self) -> None:
        now = time.monotonic()
        if self._inbox.full:
            # paho's thread waits for room, as it should: what hangs is not the session.
            self._last_sign = now
        if self._client.loop_start() == mqtt.MQTT_ERR_SUCCESS:
            self._start_anew("its thread had ended")
        elif now - max(self._last_sign, self._begun) > self.patience_s:
            self._start_anew(f"no sign of life for {self.patience_s:.0f} s")
        elif self.connected and now - self._asked >= self._broker.keepalive_s:
            self._ask(now)

    def _ask(self, now: float) -> None:
        """Subscribe once more. The answer proves the broker, the connection and paho's thread, needs no right
        beyond those there are, and brings back a subscription that the broker has forgotten.

        With MQTT 3.1.1 all retained messages come again with it, so there only a silent session asks.
        """
        self._asked = now
        silent, self._message_since_asked = not self._message_since_asked, False
        if self._broker.protocol == 5 or silent or not self.subscribed.is_set():
            self.counts.resubscriptions += 1
            subscribe(self._client, self._broker, self._filters, again=True)

    def _start_anew(self, why: str) -> None:
        """With another client under the same id: the broker takes the session from the old one for it."""
        log.error("the MQTT session is started anew", why=why)
        self.counts.restarts += 1
        abandon(self._exchange(self._make_client(self._broker)))
        self._begin()

    def change(self, broker: BrokerSettings, seconds: float) -> None:
        """Leave within `seconds` and come back by these settings, as the same client.

        What has not been acknowledged by then comes again, and is a duplicate then.
        """
        client = self._make_client(broker)  # raises before anything is changed
        with self._exchanging:
            self._change_to(client, broker, seconds)

    def _change_to(self, client: StreamClient, broker: BrokerSettings, seconds: float) -> None:
        self._deaf = True
        deadline = time.monotonic() + seconds
        while self._inbox.depth and time.monotonic() < deadline - seconds / 2:
            time.sleep(0.01)
        old = self._exchange(client)
        if not leave(old, deadline - time.monotonic()):
            abandon(old)
        self._broker = broker
        self._deaf = self._stopping.is_set() or self._resting
        if not self._deaf:
            self._begin()

    def _exchange(self, client: StreamClient) -> StreamClient:
        with self._mutex:
            old, self._client, self._epoch = self._client, client, None
        self.subscribed.clear()
        return old

    def _begin(self) -> None:
        self._begun = self._asked = time.monotonic()
        connect(self._client, self._broker)
        self._client.loop_start()

    def stop_receiving(self) -> None:
        """Take no more messages; the broker keeps them for the next start."""
        self._stopping.set()
        self._deaf = True

    def stop(self, seconds: float) -> None:
        """Send what still waits to be sent, within `seconds`, and leave; the session stays at the broker."""
        self.stop_receiving()
        if not leave(self._client, seconds):
            abandon(self._client)

    def acknowledge(self, messages: Iterable[Incoming]) -> None:
        """PUBACK those of the present connection; the others will come again and are duplicates then."""
        with self._mutex:
            epoch = self._epoch
            mids = [message.mid for message in messages if message.qos and message.epoch == epoch]
            self._client.acknowledge(mids)

    def answer(self, answers: Iterable[tuple[str, bytes]]) -> None:
        """Publish (topic, payload) each, QoS 1, not retained; they wait while there is no connection."""
        packed = [(topic.encode(), payload) for topic, payload in answers]
        if self.refusals.holding:
            self.refusals.count += len(packed)
            return
        dropped = self._client.answer(packed)
        if dropped:
            log.warning(
                "too many answers wait for the broker; some are dropped, the nodes will ask again",
                dropped=dropped,
            )

    def _on_connect(
        self,
        client: mqtt.Client,
        userdata: Any,
        flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        properties: Any,
    ) -> None:
        self._refused = reason.is_failure
        if reason.is_failure:
            self._log_failure(f"the broker refuses the connection: {reason}", advice(str(reason)))
            return
        self._lives.began()
        with self._mutex:
            if client is not self._client:
                return
            self.counts.connections += 1
            self._epoch = self.counts.connections
        if self.refusals.connected():
            self.refusals.count += self._client.drop_answers()
        self._client.begin(properties)
        self._failing = False
        self._asked = time.monotonic()
        self.trouble = "the broker has not confirmed the subscriptions yet"
        log.info(
            "connected to the broker",
            host=self._broker.host,
            port=self._broker.port,
            session_present=flags.session_present,
        )
        subscribe(client, self._broker, self._filters)

    def _on_connect_fail(self, client: mqtt.Client, userdata: Any) -> None:
        if self._held_back:
            self.trouble = "waits until it is sure that no other gateway has taken the shard"
            return
        # paho calls this from where it has caught what connecting raised.
        self._log_failure(*trouble_and_advice(sys.exc_info()[1], self._broker.tls))

    def _on_disconnect(
        self, client: mqtt.Client, userdata: Any, flags: Any, reason: ReasonCode, properties: Any
    ) -> None:
        with self._mutex:
            was_connected, self._epoch = self._epoch is not None, None
        self.subscribed.clear()
        refused, self._refused = self._refused, False
        if self._deaf:
            return
        if not was_connected:
            if not refused:
                self._log_failure(WANTS_TLS, WANTS_TLS_ADVICE)
            return
        self.trouble = f"the connection to the broker was lost: {reason}"
        advised = {"advice": _TAKEN_OVER} if str(reason) == "Session taken over" else {}
        log.warning("connection to the broker lost; will connect again", reason=str(reason), **advised)
        if self._lives.ended():
            # Not every broker says why: Mosquitto 2.0.11 does not.
            log.error(
                "connections to the broker end as soon as they are made",
                in_a_row=self._lives.in_a_row,
                client_id=self._broker.id_for(self._network),
                advice=f"perhaps {_TAKEN_OVER}; else the broker's log says why",
            )

    def _on_subscribe(
        self, client: mqtt.Client, userdata: Any, mid: int, reasons: list[ReasonCode], properties: Any
    ) -> None:
        failed = [
            f"{each}: {reason}"
            for each, reason in zip(self._filters, reasons, strict=False)
            if reason.is_failure
        ]
        if failed:
            self.subscribed.clear()
            self.trouble = f"the broker refuses subscriptions: {', '.join(failed)}"
            log.error(
                "the broker refuses subscriptions: readings under them are NOT received",
                refused=failed,
                advice="give this user the right to read these topics in the broker's access rules",
            )
        else:
            self.subscribed.set()

    def _on_publications(self, client: mqtt.Client, came: list[Publication]) -> None:
        with self._mutex:
            # The epoch of another client's connection would have another message confirmed.
            epoch = self._epoch if client is self._client else None
        if epoch is None or self._deaf:
            return
        self._message_since_asked = True
        now_ms = time.time_ns() // 1_000_000
        messages = [_incoming(each, epoch, now_ms) for each in came]
        self._inbox.put(messages, lambda: self._deaf or client is not self._client)

    def _log_failure(self, what: str, to_do: str) -> None:
        """Once per outage, not once per attempt."""
        self.trouble = f"{what}; its address: {self._broker.host}:{self._broker.port}"
        if not self._failing and not self._deaf:
            self._failing = True
            log.warning(
                "no connection; will keep trying",
                problem=what,
                host=self._broker.host,
                port=self._broker.port,
                advice=to_do,
            )


def _incoming(it: Publication, epoch: int, now_ms: int) -> Incoming:
    try:
        topic = it.topic.decode()
    except UnicodeDecodeError:
        topic = "(not valid UTF-8)"
    payload, size = it.payload, None
    if len(payload) > MAX_MESSAGE_BYTES:
        # The beginning is enough to refuse it, and thousands of long ones may wait in the inbox.
        payload, size = payload[:MAX_MESSAGE_BYTES], len(payload)
    return Incoming(topic, payload, it.qos, it.retain, it.mid, epoch, now_ms, size)
