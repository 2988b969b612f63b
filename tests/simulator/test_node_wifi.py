"""What a simulated node sees of Wi-Fi, and what its peers see when that is cut."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from simulator.node import SimNode
from tests.simulator.tiny_node import logged


def test_soft_reset_leaves_wifi_up(make: Callable[..., SimNode]) -> None:
    node = make(
        "print('wifi', starts, wlan.isconnected())\n"
        "if starts == 1:\n"
        "    wlan.active(True); wlan.connect('dustline', 'particles')\n"
        "    while not wlan.isconnected(): time.sleep_ms(10)\n"
        "    machine.soft_reset()\n"
    ).start()
    logged(node, "wifi 1 False")
    logged(node, "wifi 2 True")


def test_wifi_can_be_cut_and_restored(make: Callable[..., SimNode]) -> None:
    node = make(
        "wlan.active(True); wlan.connect('dustline', 'particles'); was = None\n"
        "while True:\n"
        "    now = wlan.isconnected()\n"
        "    if now != was: print('wifi', now)\n"
        "    was = now\n"
        "    time.sleep_ms(10)\n"
    ).start()
    logged(node, "wifi True")
    node.cut_wifi()
    logged(node, "wifi True\nwifi False")
    node.restore_wifi()
    logged(node, "wifi False\nwifi True")


def test_with_a_router_cuts_are_silent(make: Callable[..., SimNode]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        node = make(
            "import socket\n"
            "s = socket.socket()\n"
            "port = json.load(open('config.json'))['broker']['port']\n"
            "s.connect(socket.getaddrinfo('127.0.0.1', port)[0][-1])\n"
            "while True:\n    s.send(b'tick')\n    time.sleep_ms(20)\n",
            broker_port=server.getsockname()[1],
            router=True,
        ).start()
        first, _ = server.accept()
        with first:
            first.settimeout(0.3)
            assert first.recv(4) == b"tick"
            node.cut_wifi()
            drain(first)
            node.restore_wifi()
            first.settimeout(10)
            assert first.recv(1)
            node.kill()
            first.settimeout(0.3)
            drain(first)  # a power cut says no goodbye
            node.start()
            second, _ = server.accept()
            with second:
                second.settimeout(10)
                assert second.recv(4) == b"tick"
                node.stop()
                while second.recv(4096):
                    pass


def drain(connection: socket.socket) -> None:
    """Read until nothing more comes; fail if the peer closed."""
    try:
        while connection.recv(4096):
            pass
    except TimeoutError:
        return
    pytest.fail("closed instead of silent")
