"""The node's MQTT client on real MicroPython against real Mosquitto, with paho-mqtt as the other side."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest

from tests.firmware.mqtt_probe_driver import Node, Peer, Server, byte_by_byte
from tests.support import Mosquitto, require, wait_for

pytestmark = [pytest.mark.needs_mosquitto, pytest.mark.needs_micropython]


@pytest.fixture
def node(micropython: str, tmp_path: Path) -> Iterator[Node]:
    node = Node(micropython, tmp_path)
    yield node
    node.end()


@pytest.fixture
def peer() -> Iterator[Callable[..., Peer]]:
    started: list[Peer] = []

    def start(*args: object, **named: object) -> Peer:
        started.append(Peer(*args, **named))  # type: ignore[arg-type]
        return started[-1]

    yield start
    for each in started:
        each.end()


@pytest.mark.parametrize("protocol", [paho.MQTTv311, paho.MQTTv5], ids=["3.1.1", "5"])
def test_qos_1_both_ways(mosquitto, node: Node, peer, protocol: int) -> None:
    broker = mosquitto()
    other = peer(broker.port, "up/#", protocol)
    assert node.open(broker.port) == "opened False"
    node.do("sub", topic="down/#")
    assert node.expect("subscribed") == "subscribed 1"
    node.do("pub", topic="up/a", payload="hello")
    node.expect("published hello")
    other.expect("up/a", "hello", 1, False)
    other.say("down/b", "good day")
    node.expect("got down/b good day")
    node.do("pub", topic="up/long", payload="x", times=8000)
    node.expect("published 8000")
    other.expect("up/long", "x" * 8000, 1, False)
    node.do("pub", topic="up/0", payload="once", qos=0)
    node.expect("published once")
    other.expect("up/0", "once", 0, False)


def test_many_publishes_at_once_all_arrive(mosquitto, node: Node, peer) -> None:
    broker = mosquitto()
    other = peer(broker.port, "up/#")
    node.open(broker.port)
    node.do("burst", topic="up/b", count=20)
    node.expect("burst 20")
    wait_for(lambda: len(other.got) == 20, 10, "20 messages")
    assert {payload for _, payload, _, _ in other.got} == {str(n) for n in range(20)}


def test_kept_session_gets_what_came_while_away(mosquitto, node: Node, peer) -> None:
    broker = mosquitto()
    other = peer(broker.port)
    node.open(broker.port)
    node.do("sub", topic="down/#")
    node.expect("subscribed")
    node.do("disconnect")
    node.expect("ended")
    for n in range(30):
        other.say("down/a", f"queued {n}")
    # No subscription is made again: what is queued comes right behind the CONNACK.
    assert node.open(broker.port) == "opened True"
    wait_for(lambda: "got down/a queued 29" in node.lines, 10, "the last queued message")
    gots = [line for line in node.lines if line.startswith("got")]
    assert gots == [f"got down/a queued {n}" for n in range(30)]


def test_clean_session_is_told_apart(mosquitto, node: Node) -> None:
    broker = mosquitto()
    for _ in range(2):
        assert node.open(broker.port, clean_session=True) == "opened False"
        node.do("disconnect")
        node.expect("ended")


def test_will_comes_after_a_kill_and_not_after_goodbye(mosquitto, node: Node, peer) -> None:
    broker = mosquitto()
    other = peer(broker.port, "status/#")
    will = ["status/n1", "offline", 1, True]
    node.open(broker.port, will=will)
    node.do("pub", topic="status/n1", payload="online", retain=True)
    node.expect("published")
    peer(broker.port, "status/#").expect("status/n1", "online", 1, True)  # retained
    node.do("disconnect")
    node.expect("ended")
    node.nothing_left()
    node.open(broker.port, will=will)
    assert ("status/n1", "offline", 1, False) not in other.got
    node.process.kill()
    other.expect("status/n1", "offline", 1, False)
    peer(broker.port, "status/#").expect("status/n1", "offline", 1, True)


def test_close_without_goodbye_brings_the_will(mosquitto, node: Node, peer) -> None:
    broker = mosquitto()
    other = peer(broker.port, "status/#")
    node.open(broker.port, will=["status/n1", "offline", 1, True])
    node.do("close")
    node.expect("ended")
    other.expect("status/n1", "offline", 1, False)
    node.nothing_left()


def test_wrong_password_is_told_plainly(mosquitto, node: Node, tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    command = [require("mosquitto_passwd"), "-b", "-c", str(passwords), "n1", "right"]
    subprocess.run(command, check=True, capture_output=True)
    passwords.chmod(0o644)
    broker = mosquitto([f"password_file {passwords}", "allow_anonymous false"])
    node.do("open", port=broker.port, user="n1", password="wrong")
    line = node.expect("failed")
    assert line.startswith("failed auth the broker refused the user name or the password")
    node.nothing_left()
    assert node.open(broker.port, user="n1", password="right") == "opened False"


def test_broker_restarted_in_the_middle(mosquitto: Callable[..., Mosquitto], node: Node, peer) -> None:
    broker = mosquitto()
    node.open(broker.port)
    node.do("sub", topic="down/#")
    node.expect("subscribed")
    # Mosquitto writes its sessions down every autosave_interval; stop() makes it write them at once.
    broker.stop()
    node.expect("lost closed the broker closed the connection")
    node.nothing_left()
    node.do("pub", topic="up/a", payload="x")
    node.expect("failed closed")
    node.do("open", port=broker.port)
    node.expect(f"failed refused 127.0.0.1:{broker.port} refused the connection")
    node.nothing_left()
    broker.start()
    assert node.open(broker.port) == "opened True"
    peer(broker.port).say("down/a", "back again")
    node.expect("got down/a back again")


def test_idle_connection_is_kept_alive(mosquitto, node: Node) -> None:
    broker = mosquitto()
    node.open(broker.port, keepalive=1)
    time.sleep(2.5)  # Mosquitto drops a client after 1.5 keepalives without a packet
    node.do("pub", topic="up/a", payload="still here")
    node.expect("published still here")
    assert not [line for line in node.lines if line.startswith("lost")]


def test_broken_callback_is_the_reason_and_its_message_comes_again(mosquitto, node: Node, peer) -> None:
    broker = mosquitto()
    other = peer(broker.port)
    node.open(broker.port, raise_at="bad")
    node.do("sub", topic="down/#")
    node.expect("subscribed")
    other.say("down/a", "bad")
    line = node.expect("lost callback")
    assert "ValueError('planted'" in line
    assert "down/a" in line
    node.nothing_left()
    before = len(node.lines)
    # It was not acknowledged, so it comes again; this time it is, so there is no third time.
    assert node.open(broker.port) == "opened True"
    wait_for(lambda: "got down/a bad" in node.lines[before:], 10, "the message to come again")
    node.do("disconnect")
    node.expect("ended")
    node.open(broker.port)
    other.say("down/a", "last")
    node.expect("got down/a last")
    assert [line for line in node.lines if line.startswith("got")] == ["got down/a bad", "got down/a last"]


def test_message_above_the_bound_is_passed_over_and_does_not_return(mosquitto, node: Node, peer) -> None:
    broker = mosquitto()
    other = peer(broker.port)
    node.open(broker.port)
    node.do("sub", topic="down/#")
    node.expect("subscribed")
    other.say("down/a", b"x" * 8000)
    node.expect("got down/a 8000")
    other.say("down/a", b"x" * 500_000)
    other.say("down/a", "next")
    node.expect("got down/a next")
    node.do("oversized")
    assert node.expect("oversized") == "oversized 1"
    node.do("disconnect")
    node.expect("ended")
    node.open(broker.port)
    other.say("down/a", "after")
    node.expect("got down/a after")
    node.do("oversized")
    assert node.expect("oversized") == "oversized 0"  # it was acknowledged, so it did not come again
    gots = [line for line in node.lines if line.startswith("got")]
    assert gots == ["got down/a 8000", "got down/a next", "got down/a after"]


def test_through_a_proxy_that_passes_single_bytes(mosquitto, node: Node, peer) -> None:
    broker = mosquitto()
    other = peer(broker.port, "up/#")
    proxy = Server(byte_by_byte(broker.port))
    try:
        node.open(proxy.port)
        node.do("sub", topic="down/#")
        node.expect("subscribed")
        node.do("pub", topic="up/a", payload="x", times=1500)
        node.expect("published 1500")
        other.expect("up/a", "x" * 1500, 1, False)
        other.say("down/a", "in pieces")
        node.expect("got down/a in pieces")
        node.do("disconnect")
        node.expect("ended")
    finally:
        proxy.end()


def test_heap(mosquitto, node: Node, peer) -> None:
    """What the client takes of 128 KiB, and that ten connections leave no more behind than one."""
    broker = mosquitto()
    other = peer(broker.port)
    kept = []
    for _ in range(10):
        node.open(broker.port)
        node.do("sub", topic="down/#")
        node.expect("subscribed")
        other.say("down/a", b"x" * 8000)
        node.expect("got down/a 8000")
        node.do("disconnect")
        node.expect("ended")
        node.do("heap")
        _, imported, now, _ = node.expect("heap").split()
        kept.append(int(now))
        assert int(imported) < 40_000
    assert kept[-1] < kept[1] + 3000, kept
