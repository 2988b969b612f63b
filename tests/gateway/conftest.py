"""Gateways in this process against a real Mosquitto, and nodes that talk to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.config import Settings
from gateway.service import Gateway
from tests.gateway.talker import Talker
from tests.support import Mosquitto, choose_port, wait_for


def make_settings(directory: Path, port: int, **changes: Any) -> Settings:
    """Settings without a page and monitoring; `broker={...}` and the like change a section."""
    sections: dict[str, Any] = {
        "broker": {"port": port},
        "journal": {"path": directory / "journal.sqlite"},
        "web": {"enabled": False},
        "monitor": {"enabled": False},
    }
    for name, values in changes.items():
        sections[name] = {**sections.get(name, {}), **values} if isinstance(values, dict) else values
    return Settings(**sections)


@pytest.fixture
def run_gateway(tmp_path: Path) -> Iterator[Callable[..., Gateway]]:
    """Start gateways that are subscribed when returned (unless wait=False)."""
    running: list[Gateway] = []

    def start(port: int, wait: bool = True, **changes: Any) -> Gateway:
        gateway = Gateway(make_settings(tmp_path, port, **changes))
        running.append(gateway)
        gateway.start()
        if wait:
            wait_for(gateway.session.subscribed.is_set, what="the gateway's subscription")
        return gateway

    yield start
    for gateway in running:
        gateway.stop()


@pytest.fixture
def talk() -> Iterator[Callable[..., Talker]]:
    talkers: list[Talker] = []

    def start(port: int, name: str = "node-1", password: str | None = None) -> Talker:
        talkers.append(Talker(port, name, password))
        return talkers[-1]

    yield start
    for talker in talkers:
        talker.close()


@pytest.fixture(scope="module")
def shared_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """One Mosquitto for a module whose tests do not stop it."""
    broker = Mosquitto(tmp_path_factory.mktemp("mosquitto"), choose_port()).start()
    yield broker
    broker.stop()
