from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.destinations.delivery import Again, Delivery
from gateway.destinations.sink import Sink
from gateway.journal import Journal
from tests.gateway.destinations.fake_influx2 import FakeInflux2
from tests.gateway.destinations.servers import Influx1, Server, Victoria


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    """What is appended here is stopped at the end."""
    started: list[Server] = []
    yield started
    for server in started:
        server.stop()


@pytest.fixture
def influx1(tmp_path: Path, servers: list[Server]) -> Callable[..., Influx1]:
    """Start a real InfluxDB 1: `influx1(["auth-enabled = true"])`, lines for its section [http]."""

    def start(http_lines: list[str] | None = None) -> Influx1:
        server = Influx1(tmp_path / f"influx{len(servers)}", http_lines or [])
        servers.append(server)
        server.start()
        return server

    return start


@pytest.fixture
def victoria(tmp_path: Path, servers: list[Server]) -> Victoria:
    server = Victoria(tmp_path / "victoria")
    servers.append(server)
    server.start()
    return server


@pytest.fixture
def fake2() -> Iterator[FakeInflux2]:
    server = FakeInflux2()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.db", synchronous="NORMAL") as opened:
        yield opened


@pytest.fixture
def deliver(journal: Journal) -> Iterator[Callable[..., Delivery]]:
    """Start a delivery with short backoffs: `deliver(sink, batch=7)`. It stops before the journal closes."""
    started: list[Delivery] = []

    def start(
        sink: Sink,
        batch: int = 5000,
        backoff_s: tuple[float, float] = (0.01, 0.05),
        again: Again | None = None,
    ) -> Delivery:
        delivery = Delivery(journal, sink, batch=batch, backoff_s=backoff_s, again=again)
        started.append(delivery)
        delivery.start()
        return delivery

    yield start
    for delivery in started:
        assert delivery.stop(15)
