"""Fixtures that every room's tests share. The helpers behind them are in support.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.support import REPO, Mosquitto, choose_port, require


@pytest.fixture(scope="session")
def repo() -> Path:
    return REPO


@pytest.fixture
def free_port() -> Callable[[], int]:
    return choose_port


@pytest.fixture(scope="session")
def micropython() -> str:
    """Path of the MicroPython Unix port."""
    return require("micropython")


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """Start real Mosquittos: `broker = mosquitto(["max_inflight_messages 5"])`."""
    started: list[Mosquitto] = []

    def start(extra: Sequence[str] = ()) -> Mosquitto:
        directory = tmp_path / f"mosquitto{len(started)}"
        directory.mkdir()
        broker = Mosquitto(directory, choose_port(), extra)
        started.append(broker)
        return broker.start()

    yield start
    for broker in started:
        broker.stop()
