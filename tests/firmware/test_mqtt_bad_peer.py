"""The node's MQTT client, on real MicroPython, against peers that are silent, stuck or out of their mind."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.firmware.mqtt_probe_driver import CONNACK, Node, Server, packet

pytestmark = pytest.mark.needs_micropython


@pytest.fixture
def node(micropython: str, tmp_path: Path) -> Iterator[Node]:
    node = Node(micropython, tmp_path)
    yield node
    node.end()


@pytest.fixture
def server() -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(talk: Callable[[socket.socket], None], receive_buffer: int = 0) -> Server:
        started.append(Server(talk, receive_buffer))
        return started[-1]

    yield start
    for each in started:
        each.end()


def silent(connection: socket.socket) -> None:
    """Say CONNACK, then read everything and answer nothing."""
    packet(connection)
    connection.sendall(CONNACK)
    while connection.recv(4096):
        pass


def test_silent_peer_is_noticed(server, node: Node) -> None:
    node.open(server(silent).port, keepalive=2)
    begun = time.monotonic()
    node.do("pub", topic="a", payload="x")
    # Both the publish that waits and the connection itself end with the same reason.
    for _ in range(2):
        node.expect("", 4)
    took = time.monotonic() - begun
    assert sorted(line.split()[0:2] for line in node.lines[-2:]) == [["failed", "silent"], ["lost", "silent"]]
    assert took <= 3.5, "1.5 keepalives and some slack for a slow machine"
    node.nothing_left()


def test_peer_that_takes_nothing_blocks_nobody(server, node: Node) -> None:
    stop = threading.Event()

    def stuck(connection: socket.socket) -> None:
        packet(connection)
        connection.sendall(CONNACK)
        while not stop.wait(0.1):
            connection.sendall(b"\xd0\x00")  # alive, but it reads no more

    node.open(server(stuck, receive_buffer=4096).port, keepalive=2)
    node.do("flood", topic="a")
    line = node.expect("lost", 8)
    stop.set()
    assert line.startswith("lost blocked the broker took nothing"), line
    node.nothing_left()


def test_no_connack_in_time(server, node: Node) -> None:
    def mute(connection: socket.socket) -> None:
        while connection.recv(100):
            pass

    node.do("open", port=server(mute).port, timeout_s=0.5)
    assert node.expect("failed").startswith("failed timeout no CONNACK from 127.0.0.1:")
    node.nothing_left()


def test_no_tcp_connection_in_time(node: Node) -> None:
    """A listener whose queue is full never answers the SYN: the way of an unreachable host."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for each in (first, second):
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        node.do("open", port=listener.getsockname()[1], timeout_s=0.5)
        assert node.expect("failed").startswith("failed timeout no TCP connection to 127.0.0.1:")
        node.nothing_left()


def test_name_that_nobody_knows(node: Node) -> None:
    node.do("open", host="no-such-host.invalid", port=1883)
    assert node.expect("failed").startswith("failed resolve cannot resolve the name no-such-host.invalid")
    node.nothing_left()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"\x20\x02\x00\x01", "failed rejected the broker does not speak MQTT 3.1.1"),
        (b"\x20\x02\x00\x02", "failed rejected the broker refused the client id"),
        (b"\x20\x02\x00\x03", "failed rejected the broker is not available"),
        (b"\x20\x02\x00\x04", "failed auth the broker refused the user name or the password"),
        (b"\x20\x02\x00\x05", "failed auth the broker refused the user name or the password"),
        (b"\x20\x02\x00\x09", "failed rejected the broker refused the connection (CONNACK code 9)"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "failed protocol the broker sent"),
        (b"\xd0\x00", "failed protocol the broker sent a pingresp before its CONNACK"),
        (b"", "failed closed the broker closed the connection before its CONNACK"),
        (CONNACK + CONNACK, "lost protocol the broker sent a second CONNACK"),
        (CONNACK + b"\x34\x05\x00\x01t\x00\x01", "lost protocol the broker sent a QoS 2 message"),
    ],
)
def test_peer_that_answers_wrongly(server, node: Node, answer: bytes, reason: str) -> None:
    def talk(connection: socket.socket) -> None:
        packet(connection)
        connection.sendall(answer)
        if not answer:
            connection.shutdown(socket.SHUT_RDWR)
        connection.recv(100)

    node.do("open", port=server(talk).port)
    if reason.startswith("lost"):
        # The end may come before connect() has returned, which then raises it.
        line = node.expect("")
        while not line.startswith(("lost", "failed")):
            line = node.expect("")
        assert line.split(" ", 1)[1].startswith(reason.split(" ", 1)[1]), line
    else:
        assert node.expect("failed").startswith(reason)
    node.nothing_left()


def test_no_puback_is_told_and_the_connection_lives_on(server, node: Node) -> None:
    ids = []

    def forgetful(connection: socket.socket) -> None:
        packet(connection)
        connection.sendall(CONNACK)
        first = True
        while True:
            kind, body = packet(connection)
            if kind == 0x32:
                ids.append(int.from_bytes(body[3:5], "big"))
            if kind == 0xC0:
                connection.sendall(b"\xd0\x00")
            elif kind == 0x32 and not first:
                connection.sendall(b"\x40\x02" + body[3:5])
            first = first and kind != 0x32

    node.open(server(forgetful).port, keepalive=2)
    node.do("pub", topic="a", payload="x", timeout_s=0.3)
    node.expect("failed timeout no acknowledgement")
    # The acknowledgement may still come, so the id is not free, not even when the count comes round.
    node.do("last_id", id=0)
    node.do("pub", topic="a", payload="y")
    node.expect("published y")
    assert ids == [1, 2]


def test_packet_ids_wrap_and_are_never_reused_in_flight(server, node: Node) -> None:
    ids: list[int] = []
    most = []

    def slow(connection: socket.socket) -> None:
        """Acknowledge only when nothing more comes, newest first, and keep the very first to the end."""
        packet(connection)
        connection.sendall(CONNACK)
        flying: list[int] = []
        connection.settimeout(0.15)
        while len(ids) < 12 or flying:
            try:
                _, body = packet(connection)
                flying.append(int.from_bytes(body[3:5], "big"))
                ids.append(flying[-1])
                assert len(set(flying)) == len(flying)
                most.append(len(flying))
            except TimeoutError:
                flying.sort(key=ids.index)
                last = flying.pop()
                connection.sendall(b"\x40\x02" + last.to_bytes(2, "big"))

    node.open(server(slow).port)
    node.do("last_id", id=65531)
    node.do("burst", topic="a", count=12)
    node.expect("burst 12", 10)
    assert max(most) == 4
    assert ids == [65532, 65533, 65534, 65535, 1, 2, 3, 4, 5, 6, 7, 8]
