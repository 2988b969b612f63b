"""The bad network does to bytes and packets what it says, and nothing else."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator

import pytest

from simulator.bad_network import GOOD, BadNetwork, Fault
from simulator.bad_packets import PacketFault, Packets
from tests.support import wait_for

LONG = 20.0


class Server:
    """Keeps what comes on each connection; `say` answers on the last one."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.ended: list[bool] = []
        self._last: socket.socket | None = None
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._last = connection
            self.heard.append(b"")
            self.ended.append(False)
            threading.Thread(target=self._hear, args=(connection, len(self.heard) - 1), daemon=True).start()

    def _hear(self, connection: socket.socket, number: int) -> None:
        try:
            while data := connection.recv(4096):
                self.heard[number] += data
        except OSError:
            pass
        self.ended[number] = True

    def say(self, data: bytes) -> None:
        wait_for(lambda: self._last is not None, LONG)
        assert self._last is not None
        self._last.sendall(data)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def net(server: Server) -> Iterator[BadNetwork]:
    net = BadNetwork("127.0.0.1", server.port, seed=1)
    yield net
    net.close()


def dial(net: BadNetwork) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", net.port), timeout=LONG)
    client.settimeout(LONG)
    return client


@pytest.mark.parametrize(
    "fault", [GOOD, Fault(piece=1), Fault(delay_s=0.05, jitter_s=0.05), Fault(bytes_per_s=2000, piece=20)]
)
def test_what_it_carries_arrives_whole(server: Server, net: BadNetwork, fault: Fault) -> None:
    net.always(fault)
    data = bytes(range(200))
    with dial(net) as client:
        client.sendall(data)
        wait_for(lambda: server.heard == [data], LONG, "all bytes")
        server.say(data)
        got = b""
        while len(got) < len(data):
            got += client.recv(4096)
        assert got == data
    wait_for(lambda: (net.passed[0].up, net.passed[0].down) == (200, 200), LONG, "both counts")


@pytest.mark.parametrize("place", [0, 1, 37])
def test_a_cut_at_a_byte(server: Server, net: BadNetwork, place: int) -> None:
    net.script(lambda number: Fault(cut_up=place) if number == 0 else GOOD)
    with dial(net) as client:
        client.sendall(bytes(100))
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    wait_for(lambda: server.ended == [True], LONG, "the end at the server")
    assert server.heard == [bytes(place)]
    with dial(net) as client:
        client.sendall(b"next")
        wait_for(lambda: server.heard[1:] == [b"next"], LONG, "the next connection")


def test_half_open_means_that_nobody_hears_anything(server: Server, net: BadNetwork) -> None:
    with dial(net) as client:
        client.sendall(b"before")
        wait_for(lambda: server.heard == [b"before"], LONG)
        net.silence()
        client.sendall(b"after")
        server.say(b"after")
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(1)
    with dial(net) as other:
        other.sendall(b"new")
        wait_for(lambda: server.heard[1:] == [b"new"], LONG, "a new connection")
    assert server.heard[0] == b"before"
    assert server.ended[0] is False


def test_refused_and_answered(net: BadNetwork) -> None:
    net.always(Fault(answer=b"no"))
    with dial(net) as client:
        client.sendall(b"hello")
        assert client.recv(10) == b"no"
        assert client.recv(10) == b""
    net.refuse(True)
    with pytest.raises(ConnectionRefusedError):
        dial(net)
    net.refuse(False)
    dial(net).close()


def publish(kind: str, packet_id: int) -> bytes:
    topic = f"dl/1/warsaw/0/n/{kind}".encode()
    body = len(topic).to_bytes(2, "big") + topic + packet_id.to_bytes(2, "big") + b"{}"
    return bytes([0x32, len(body)]) + body


def puback(packet_id: int) -> bytes:
    return b"\x40\x02" + packet_id.to_bytes(2, "big")


def packets(**fault: float) -> Packets:
    return Packets(PacketFault(**fault), random.Random(1))  # type: ignore[arg-type]


def test_packets_pass_in_any_pieces() -> None:
    under_test, stream = packets(), publish("readings", 1) + puback(7) + publish("health", 2)
    out = b"".join(under_test.take(stream[i : i + 1], True)[0] for i in range(len(stream)))
    assert out == stream


def test_what_is_lost_is_acknowledged() -> None:
    assert packets(lose_acks=1).take(publish("ack", 9) + publish("config", 10), False) == (
        puback(9),
        publish("config", 10),
    )
    assert packets(lose_readings=1).take(publish("readings", 3), True) == (b"", puback(3))
    assert packets(lose_pubacks=1).take(puback(3), False) == (b"", b"")


@pytest.mark.parametrize(
    ("fault", "kind", "up"), [("lose_acks", "ack", False), ("lose_readings", "readings", True)]
)
def test_a_share_loses_no_more_than_three_in_a_row(fault: str, kind: str, up: bool) -> None:
    under_test = packets(**{fault: 0.9})
    came = [under_test.take(publish(kind, 9), up)[0 if up else 1] != b"" for _ in range(400)]
    lost = "".join("+" if one else "-" for one in came).split("+")
    assert max(map(len, lost)) == 3


def test_what_comes_twice_is_acknowledged_once() -> None:
    under_test = packets(repeat_acks=2)
    ack = publish("ack", 9)
    again = bytes([ack[0] | 8]) + ack[1:]
    assert under_test.take(ack, False) == (b"", ack + again + again)
    assert under_test.take(puback(9) * 3, True) == (puback(9), b"")
    assert packets(repeat_pubacks=1).take(puback(3), False) == (b"", puback(3) * 2)


def test_held_acks_come_in_reverse_order() -> None:
    under_test = packets(hold_acks=2)
    acks = [publish("ack", number) for number in (1, 2, 3)]
    assert [under_test.take(ack, False)[1] for ack in acks] == [b"", b"", acks[2] + acks[1] + acks[0]]


def test_the_first_ack_is_found() -> None:
    stream = puback(1) + publish("config", 2) + publish("ack", 3) + puback(4)
    end = len(stream) - 4
    for cut in range(len(stream)):
        under_test = packets()
        first = under_test.behind_first_ack(stream[:cut])
        found = first if first is not None else cut + (under_test.behind_first_ack(stream[cut:]) or 0)
        assert found == end
