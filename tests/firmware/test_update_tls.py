"""An update over TLS, in the heap that a node with one sensor must do with: 128 KiB on the Unix port."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.node import SimNode
from simulator.options import TlsOptions
from tests.firmware import certificates
from tests.firmware import update_bench as bench
from tests.firmware.node_bench import ScriptedGateway
from tests.firmware.update_bench import QUICK, up
from tests.support import Mosquitto, choose_port

pytestmark = [pytest.mark.needs_micropython, pytest.mark.timeout(300)]
HOST = "127.0.0.1"


@pytest.fixture
def ca(tmp_path: Path) -> certificates.Certificate:
    return certificates.make_ca(tmp_path)


@pytest.fixture
def tls_port() -> int:
    return choose_port()


@pytest.fixture
def broker(mosquitto: Callable[..., Mosquitto], ca: certificates.Certificate, tls_port: int) -> Mosquitto:
    own = certificates.make_server_certificate(ca, (HOST,))
    return mosquitto([f"listener {tls_port} {HOST}", *certificates.tls_listener(own)])


def test_an_update_over_tls_in_128_kib(
    node: Callable[..., SimNode], gateway: ScriptedGateway, ca: certificates.Certificate, tls_port: int
) -> None:
    one = node(
        board=bench.board(),
        broker_port=tls_port,
        tls=TlsOptions(ca=ca.der),
        heap="128k",
        router=False,
        **QUICK,
    )
    up(gateway)
    server = bench.Server(gateway, bench.second().whole)
    first = len(gateway.health)
    server.command()
    server.told("good")
    assert server.running() == bench.NEW
    log = one.log.read_text()
    assert f"mqtt: connected to {HOST} with TLS" in log
    assert "MemoryError" not in log
    free = [
        each["heap_free"] for each in gateway.health[first:] if each.get("update", {})["state"] == "loading"
    ]
    print("heap_free while loading:", free)
    assert min(free) >= 8 * 1024
