"""Pieces for nodes over a real Mosquitto: what is answered, what is not, and that readings never wait."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest

from gateway.service import Gateway
from tests.gateway.releases.fleet import NEW, NOT_OFFERED, QUICK, add, dustline
from tests.gateway.talker import Talker, reading, topic
from tests.support import Mosquitto, wait_for


class Asker:
    """A node that asks for pieces; MQTT 3.1.1."""

    def __init__(self, port: int, name: str = "praga-1", password: str | None = None) -> None:
        self.name = name
        self.chunks: list[bytes] = []
        subscribed: list[int] = []
        self.client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv311, clean_session=False
        )
        if password is not None:
            self.client.username_pw_set(name, password)
        self.client.max_queued_messages_set(0)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_message = lambda _client, _user, message: self.chunks.append(message.payload)
        self.client.on_connect = lambda client, *_: client.subscribe(topic(name, "chunk"), 1)
        self.client.on_subscribe = lambda _client, _user, mid, *_: subscribed.append(mid)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        wait_for(lambda: subscribed, what="the subscription")

    def send(self, payload: Any, to: str | None = None, retain: bool = False) -> None:
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        wait_for(self.client.is_connected, 20, "the connection")
        self.client.publish(to or topic(self.name, "fetch"), data, 1, retain).wait_for_publish(20)

    def ask(self, at: int, length: int = 2048, version: str = NEW) -> None:
        self.send({"v": 1, "version": version, "from": at, "len": length})

    def piece(self, at: int, length: int = 2048, version: str = NEW) -> bytes:
        """Asks until there is an answer, as a node does, only sooner."""
        for _ in range(20):
            before = len(self.chunks)
            self.ask(at, length, version)
            deadline = time.monotonic() + 2
            while len(self.chunks) == before and time.monotonic() < deadline:
                time.sleep(0.005)
            if len(self.chunks) > before:
                return self.chunks[-1]
        raise AssertionError(f"no answer for byte {at}")

    def whole(self, size: int) -> bytes:
        got = b""
        while len(got) < size:
            piece = self.piece(len(got))
            assert piece[:4] == len(got).to_bytes(4, "big")
            got += piece[4:]
        return got

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def asker(broker: Mosquitto) -> Iterator[Callable[..., Asker]]:
    made: list[Asker] = []

    def make(name: str = "praga-1") -> Asker:
        made.append(Asker(broker.port, name))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize("protocol", [5, 311])
def test_a_release_piece_by_piece(
    config: Path, broker: Mosquitto, updating: Callable[..., Gateway], asker: Any, protocol: int
) -> None:
    """Whole, through a restart of the broker and of the gateway."""
    data = add(config, size=30000)
    gateway = updating(broker={"protocol": protocol})
    node: Asker = asker()
    assert node.piece(0) == NOT_OFFERED, "no roll-out has it"
    dustline(config, "rollout", "start", NEW)
    wait_for(lambda: node.piece(0) != NOT_OFFERED, what="the offer")
    assert node.whole(len(data)) == data
    assert node.piece(len(data) - 5, 100)[4:] == data[-5:], "fewer at the end"
    assert node.piece(7, 3) == b"\0\0\0\7" + data[7:10]
    assert node.piece(0, version="9.9.9") == NOT_OFFERED
    broker.kill()
    broker.start()
    assert node.whole(len(data)) == data
    gateway.stop()
    updating(broker={"protocol": protocol})
    assert node.whole(len(data)) == data
    dustline(config, "rollout", "stop")
    wait_for(lambda: node.piece(0) == NOT_OFFERED, what="the end of the offer")


def test_bad_questions_are_counted_and_harm_nothing(
    config: Path, updating: Callable[..., Gateway], asker: Any, talk: Any, broker: Mosquitto
) -> None:
    data = add(config, size=9000)
    dustline(config, "rollout", "start", NEW)
    good = {"v": 1, "version": NEW, "from": 0, "len": 2048}
    node: Asker = asker()
    node.send(good, retain=True)  # it would be asked at each of the gateway's connections
    gateway = updating()
    updates = gateway.updates
    assert updates is not None
    assert node.piece(0)[4:] == data[:2048]
    before = len(node.chunks)
    bad: list[Any] = [
        *(b"", b"{", b"\xff\xfe", b"[]", b"null", b"x" * 100_000, b'{"v":1,"v":1}'),
        *(
            {**good, "v": 2},
            {**good, "len": 2049},
            {**good, "len": 0},
            {**good, "from": -1},
            {**good, "x": 1},
        ),
        *(
            {**good, "version": "1.1"},
            {**good, "from": "0"},
            {**good, "len": True},
            {**good, "from": 1 << 20},
        ),
        {**good, "from": len(data)},  # beyond its end
    ]
    for each in bad:
        node.send(each)
    node.send(good, to="dl/1/warsaw/0/praga-1/fetch")  # a wrong shard
    node.send(good, to="dl/1/warsaw/0/PRAGA/fetch")
    wait_for(lambda: updates.server.counts.bad >= len(bad) + 3, what="all of them to be counted")
    assert node.piece(2048)[4:] == data[2048:4096]
    assert len(node.chunks) == before + 1, "no other answer"
    wola: Talker = talk(broker.port, "wola-2")
    wola.readings(reading(1))
    wait_for(lambda: wola.acked(1, 1), what="the ack of a reading")
    assert gateway.counters.quarantined == {}


def test_a_greedy_node_waits_and_acks_do_not(
    config: Path, updating: Callable[..., Gateway], asker: Any, talk: Any, broker: Mosquitto
) -> None:
    """Hundreds of questions at once from one node: it gets what its rate allows, another one its own, and
    readings are acked as ever."""
    data = add(config, size=200_000)
    dustline(config, "rollout", "start", NEW)
    gateway = updating(releases={"node_kb_per_s": 20, "total_kb_per_s": 100})
    updates = gateway.updates
    assert updates is not None
    greedy: Asker = asker("greedy")
    modest: Asker = asker("modest")
    wola: Talker = talk(broker.port, "wola-2")
    greedy.piece(0)
    begun, had = time.monotonic(), len(greedy.chunks)
    for number in range(600):
        data_of = {"v": 1, "version": NEW, "from": 2048 * (number % 90), "len": 2048}
        greedy.client.publish(topic("greedy", "fetch"), json.dumps(data_of), 1)
        if number % 100 == 0:
            wola.readings(reading(number + 1))
            assert modest.piece(2048 * (number // 100))[4:] == data[2048 * (number // 100) :][:2048]
    wait_for(lambda: wola.acked(1, 501), what="the acks")
    wait_for(lambda: updates.server.counts.fetches > 600, what="all questions")
    took = time.monotonic() - begun
    pieces = len(greedy.chunks) - had
    assert pieces * 2048 <= 20_000 * took + 4 * 2048, f"{pieces} pieces in {took:.1f} s"
    assert updates.server.counts.bad == 0


def test_shards_serve_their_own(
    config: Path, run_gateway: Any, asker: Any, broker: Mosquitto, tmp_path: Path
) -> None:
    """Two gateways of one machine share the store; each node is answered once."""
    data = add(config, size=9000)
    dustline(config, "rollout", "start", NEW)
    for part in ("1/2", "2/2"):
        journal = {"path": tmp_path / f"journal-{part[0]}.sqlite"}
        gateway = run_gateway(broker.port, broker={"shards": part}, journal=journal, releases=QUICK)
        wait_for(gateway.updates.line.subscribed.is_set, what="the subscription of updates")
    for number in range(6):
        node: Asker = asker(f"node-{number}")
        assert node.whole(len(data)) == data
        assert len(node.chunks) == -(-len(data) // 2048), "each piece once"


def test_only_the_owner_of_a_shard_serves(
    config: Path, run_gateway: Any, asker: Any, broker: Mosquitto, tmp_path: Path
) -> None:
    data = add(config, size=3000)
    dustline(config, "rollout", "start", NEW)

    def start(number: int) -> Gateway:
        journal = {"path": tmp_path / f"journal-{number}.sqlite"}
        standby = {"enabled": True, "patience_s": 1}
        gateway: Gateway = run_gateway(
            broker.port, wait=False, journal=journal, standby=standby, releases=QUICK
        )
        return gateway

    owner = start(1)
    wait_for(owner.session.subscribed.is_set, 20, "the owner")
    standby = start(2)
    assert owner.updates is not None
    assert standby.updates is not None
    node: Asker = asker()
    assert node.piece(0)[4:] == data[:2048]
    assert not standby.updates.line.subscribed.is_set()
    assert len(node.chunks) == 1
    owner.stop()
    wait_for(standby.updates.line.subscribed.is_set, 20, "the other one to serve")
    assert node.piece(2048)[4:] == data[2048:]


def test_a_reload_exchanges_it(config: Path, updating: Callable[..., Gateway], asker: Any) -> None:
    """Another rate, from the next piece on; the session is left alone."""
    data = add(config, size=3000)
    dustline(config, "rollout", "start", NEW)
    gateway = updating()
    node: Asker = asker()
    assert node.piece(0)[4:] == data[:2048]
    before = gateway.updates
    own = gateway.settings.releases.model_copy(update={"node_kb_per_s": 77})
    assert gateway.reload(lambda: gateway.settings.model_copy(update={"releases": own})) == [
        "releases.node_kb_per_s"
    ]
    assert node.piece(2048)[4:] == data[2048:]
    assert before is not None
    assert not before.is_alive()
    assert gateway.session.counts.connections == 1
