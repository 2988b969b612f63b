"""Fixtures that every room's tests share. The helpers behind them are in support.py."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import settings

from simulator.bytecode import SHARED
from tests import parallel
from tests.support import REPO, Mosquitto, choose_port, require

# A deadline of Hypothesis is no test's subject, and many workers share few cores.
settings.register_profile("suite", deadline=None, print_blob=True)
settings.load_profile("suite")


def pytest_configure(config: pytest.Config) -> None:
    """Workers have the environment of the process that starts them, so only that one makes the folder."""
    if SHARED not in os.environ:
        os.environ[SHARED] = folder = tempfile.mkdtemp(prefix="dustline-mpy-")
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


@pytest.fixture(autouse=True, scope="session")
def plain_tracebacks() -> None:
    """As the gateway's own logs have them. structlog's default draws every frame with its variables, which
    takes longer than what is tested."""
    now = structlog.get_config()["processors"]
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*now[:-1], renderer])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: parallel.place(item.nodeid))


def pytest_collection_finish() -> None:
    """Thousands of tests and their modules stay to the end: no collection of garbage needs to look through
    them, and the firmware asks for hundreds."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """None leaves it to xdist."""
    return parallel.WaitingApart(config, log) if config.getvalue("dist") == "loadfile" else None


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
