"""The relay between a node and the world: it passes everything on, or nothing."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from simulator.ntp import NtpServer
from simulator.router import Router
from tests.support import wait_for


@pytest.fixture
def router() -> Iterator[Router]:
    made = Router()
    yield made
    made.close()
    made.close()


@pytest.fixture
def echo() -> Iterator[int]:
    """Port of a server that sends back what it gets, one connection after the other."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                while data := connection.recv(65536):
                    connection.sendall(data)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield int(server.getsockname()[1])
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(5)


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def read(connection: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count and (data := connection.recv(65536)):
        got += data
    return got


def test_passes_everything_on(router: Router, echo: int) -> None:
    sent = bytes(range(256)) * 400
    with connect(router.tcp("127.0.0.1", echo)) as client:
        threading.Thread(target=client.sendall, args=(sent,)).start()
        assert read(client, len(sent)) == sent


def test_off_is_silence_and_then_it_flows_again(router: Router, echo: int) -> None:
    door = router.tcp("127.0.0.1", echo)
    with connect(door) as client:
        client.sendall(b"one")
        assert read(client, 3) == b"one"
        router.switch(False)
        client.sendall(b"two")
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(10)
        with pytest.raises(ConnectionRefusedError):
            connect(door)
        router.switch(True)
        client.settimeout(5)
        assert read(client, 3) == b"two"
    with connect(door) as client:
        client.sendall(b"three")
        assert read(client, 5) == b"three"


def test_a_refusing_server_resets_the_connection(router: Router, free_port: Callable[[], int]) -> None:
    port = router.tcp("127.0.0.1", free_port())
    # The reset may come as early as in connect().
    with pytest.raises(ConnectionResetError), connect(port) as client:
        client.recv(1)


def test_a_closing_peer_is_passed_on(router: Router) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with connect(router.tcp("127.0.0.1", server.getsockname()[1])) as client:
            far, _ = server.accept()
            far.close()
            assert client.recv(1) == b""
        wait_for(lambda: not router._tasks, what="the relay's end")


def test_closing_in_mid_flow_is_quiet(echo: int, caplog: pytest.LogCaptureFixture) -> None:
    router = Router()
    with connect(router.tcp("127.0.0.1", echo)) as client:
        client.sendall(b"one")
        assert read(client, 3) == b"one"
        router.close()
        assert client.recv(1) == b""
    assert caplog.records == []


def test_datagrams_there_and_back_or_lost(router: Router) -> None:
    ntp = NtpServer().start()
    try:
        door = router.udp("127.0.0.1", ntp.port)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            query = bytes([0x1B]) + bytes(47)
            client.sendto(query, ("127.0.0.1", door))
            assert len(client.recv(100)) == 48
            router.switch(False)
            client.settimeout(0.3)
            client.sendto(query, ("127.0.0.1", door))
            with pytest.raises(TimeoutError):
                client.recv(100)
        assert ntp.requests == 1
    finally:
        ntp.stop()
