"""A session that has gone silent, hangs, died or was forgotten comes back by itself."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from gateway import topics
from gateway.receive import Inbox
from gateway.service import Gateway
from gateway.session import Session
from simulator.bad_network import BadNetwork
from tests.gateway.conftest import make_settings
from tests.gateway.talker import reading, topic
from tests.support import Mosquitto, wait_for

KEEPALIVE_S = 2


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[Callable[..., Gateway]]:
    """Gateways with a keepalive shorter than the configuration allows; the watchdog waits twice that."""
    running: list[Gateway] = []

    def start(port: int, **broker: Any) -> Gateway:
        settings = make_settings(tmp_path, port, broker=broker)
        quick = settings.broker.model_copy(update={"keepalive_s": KEEPALIVE_S})
        gateway = Gateway(settings.model_copy(update={"broker": quick}))
        running.append(gateway)
        gateway.start()
        wait_for(gateway.session.subscribed.is_set, what="the gateway's subscription")
        return gateway

    yield start
    for gateway in running:
        gateway.stop()


@pytest.fixture
def bad_network(shared_broker: Mosquitto) -> Iterator[BadNetwork]:
    network = BadNetwork("127.0.0.1", shared_broker.port)
    yield network
    network.close()


def test_connection_that_went_silent_is_replaced(
    bad_network: BadNetwork, shared_broker: Mosquitto, impatient: Any, talk: Any
) -> None:
    gateway = impatient(bad_network.port, client_id="silent")
    bad_network.silence()  # open, and no byte gets through in either direction
    node = talk(shared_broker.port, "node-s")
    node.readings(reading(1))
    wait_for(lambda: node.acked(1, 1), 20, "the ack over a new connection")
    assert bad_network.connections == 2
    assert (gateway.counters.stored, gateway.session.counts.connections) == (1, 2)


class DeafBroker:
    """Confirms a connection's first subscription, answers pings ever after, and nothing else: a broker, or a
    proxy before it, that is half dead. No server here can be made to do so. MQTT 3.1.1, 3.2, 3.9, 3.13."""

    def __init__(self) -> None:
        self.connections = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        subscribed = False
        with connection:
            while packet := connection.recv(4096):
                if packet[0] == 0x10:
                    connection.sendall(b"\x20\x02\x00\x00")
                elif packet[0] == 0x82 and not subscribed:
                    subscribed = True
                    at = 3 if packet[1] & 0x80 else 2
                    connection.sendall(b"\x90\x05" + packet[at : at + 2] + b"\x01\x01\x01")
                elif packet[0] == 0xC0:
                    connection.sendall(b"\xd0\x00")

    def close(self) -> None:
        self._server.close()


def test_broker_that_answers_nothing_but_pings_is_left(impatient: Any) -> None:
    broker = DeafBroker()
    gateway = impatient(broker.port, protocol=311)
    # On a busy machine a ping's answer may come too late: that is a loss of connection, not yet the watchdog.
    wait_for(lambda: gateway.session.counts.restarts > 0, 30, "the watchdog")
    left = gateway.session.counts.connections
    wait_for(lambda: gateway.session.counts.connections > left, 15, "a new connection")
    broker.close()


@pytest.mark.parametrize("protocol", [5, 311])
def test_forgotten_subscription_is_made_again(
    protocol: int, shared_broker: Mosquitto, impatient: Any, talk: Any
) -> None:
    gateway = impatient(shared_broker.port, protocol=protocol, client_id=f"forgotten-{protocol}")
    gone = threading.Event()
    client = gateway.session._client
    client.on_unsubscribe = lambda *_: gone.set()
    client.unsubscribe(topics.filters("warsaw", topics.SHARDS))
    assert gone.wait(10), "the broker's answer"
    # Sent while nobody is subscribed, so the broker drops it; a node of ours would send it again.
    node = talk(shared_broker.port, f"node-f{protocol}")
    node.readings(reading(1))
    asked = gateway.session.counts.resubscriptions
    wait_for(lambda: gateway.session.counts.resubscriptions > asked, 15, "the question")

    def sent_again() -> bool:
        node.readings(reading(2))
        return node.acked(1, 2)

    wait_for(sent_again, 15, "the ack")
    assert gateway.session.counts.connections == 1, "without a new connection"


def test_asking_again_brings_no_retained_message_twice(
    shared_broker: Mosquitto, impatient: Any, talk: Any
) -> None:
    node = talk(shared_broker.port, "node-retained")
    node.send({"v": 1, "state": "offline"}, kind="status", retain=True)
    gateway = impatient(shared_broker.port)
    wait_for(lambda: gateway.counters.received == 1, what="the retained status")
    wait_for(lambda: gateway.session.counts.resubscriptions >= 1, 15, "the question")
    node.readings(reading(1))
    wait_for(lambda: node.acked(1, 1), what="the ack")
    assert gateway.counters.received == 2
    node.send(b"", kind="status", retain=True)


def test_callback_that_hangs_costs_its_connection_and_no_reading(
    shared_broker: Mosquitto, impatient: Any, talk: Any
) -> None:
    gateway = impatient(shared_broker.port, client_id="hanging")
    put, release, calls = gateway.inbox.put, threading.Event(), 0

    def hang_once(*args: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            release.wait(60)
        else:
            put(*args)

    gateway.inbox.put = hang_once
    node = talk(shared_broker.port, "node-h")
    node.readings(reading(1))
    wait_for(lambda: node.acked(1, 1), 20, "the ack by a new client")
    assert gateway.session.counts.restarts == 1
    # The old thread wakes up: it must not take the session back.
    left = {each.name for each in threading.enumerate()}
    release.set()
    node.readings(reading(2))
    wait_for(lambda: node.acked(1, 2), what="the next ack")
    assert gateway.session.counts.connections == 2, left


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_thread_that_died_is_replaced(shared_broker: Mosquitto, impatient: Any, talk: Any) -> None:
    gateway = impatient(shared_broker.port, client_id="dying")

    # Behind the guard's back, as a bug in paho itself would.
    def die(*_: Any) -> None:
        raise SystemExit  # ends a thread without a word

    gateway.session._client.on_publications = die
    node = talk(shared_broker.port, "node-d")
    node.readings(reading(1))
    wait_for(lambda: node.acked(1, 1), 15, "the ack by a new client")
    assert gateway.session.counts.restarts == 1


def test_full_inbox_is_no_reason_to_start_anew(shared_broker: Mosquitto, tmp_path: Path, talk: Any) -> None:
    settings = make_settings(tmp_path, shared_broker.port, broker={"client_id": "full"})
    inbox = Inbox(1)
    session = Session(settings.broker.model_copy(update={"keepalive_s": 1}), "warsaw", inbox)
    session.start()
    try:
        wait_for(session.subscribed.is_set, what="the subscription")
        node = talk(shared_broker.port, "node-full")
        node.readings(reading(1))
        node.readings(reading(2))
        wait_for(lambda: inbox.full, what="a full inbox")
        wait_for(lambda: session.silent_s > 2.5, what="a silence beyond the patience")
        session.tend()
        assert session.counts.restarts == 0
        (first,) = inbox.take(1, 0, 1)
        (second,) = inbox.take(1, 0, 5)
        assert {first.topic, second.topic} == {topic("node-full", "readings")}
    finally:
        session.stop(1)


def test_bugs_in_callbacks_are_counted_and_logged(
    shared_broker: Mosquitto, impatient: Any, talk: Any
) -> None:
    gateway = impatient(shared_broker.port, client_id="buggy")
    put, calls = gateway.inbox.put, 0

    def fail_twice(*args: Any) -> None:
        nonlocal calls
        calls += 1
        if calls <= 2:
            raise RuntimeError("a bug")
        put(*args)

    gateway.inbox.put = fail_twice
    node = talk(shared_broker.port, "node-b")
    with structlog.testing.capture_logs() as logs:
        for seq in (1, 2, 3):
            node.readings(reading(seq))
            wait_for(lambda seq=seq: calls == seq, what="the message")
        wait_for(lambda: node.acked(1, 3), what="the ack of the third")
    assert gateway.session.counts.callback_errors == 2
    assert [each["event"] for each in logs].count("a bug in an MQTT callback") == 2
    assert gateway.session.counts.restarts == 0
