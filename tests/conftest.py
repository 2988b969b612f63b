"""Fixtures that every room's tests share. The helpers behind them are in support.py."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from simulator.bytecode import SHARED
from tests.support import REPO, Mosquitto, choose_port, require

# A deadline of Hypothesis is no test's subject, and many workers share few cores.
settings.register_profile("suite", deadline=None, print_blob=True)
settings.load_profile("suite")


# Files whose tests wait long for real time, longest first. `make test` gives whole files to its workers in
# this order, so that none of these is begun last.
LONGEST_FIRST = (
    "test_network_matrix.py",
    "test_node_sleep_offline.py",
    "test_node_sensors.py",
    "test_node_sleep.py",
    "test_node_guard.py",
    "test_node.py",
    "test_node_wifi.py",
    "test_node_config.py",
    "test_node_led.py",
    "test_interop.py",
    "test_update_trial.py",
    "test_demo.py",
    "test_node_backlog.py",
    "test_nodes_return.py",
    "test_node_clock.py",
    "test_outbox_flash.py",
    "test_flash_page.py",
    "test_portal_led.py",
    "test_powercut.py",
    "test_node_commands.py",
    "test_update_resume.py",
    "test_portal_browser.py",
    "test_node_tls.py",
    "test_update_rollout.py",
    "test_image_boots.py",
    "test_broker_restart.py",
    "test_portal_guests.py",
    "test_update_sleep.py",
    "test_update.py",
    "test_update_refused.py",
    "test_kills.py",
    "test_serving.py",
    "test_rollout.py",
    "test_step_down.py",
    "test_takeover.py",
    "test_days.py",
    "test_flash.py",
    "test_sensor_hour.py",
    "test_durability.py",
)


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
    place = {name: at for at, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))


def pytest_collection_finish() -> None:
    """Thousands of tests and their modules stay to the end: no collection of garbage needs to look through
    them, and the firmware asks for hundreds."""
    gc.collect()
    gc.freeze()


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
