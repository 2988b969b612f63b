"""Fixtures that every room's tests share. The helpers behind them are in support.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support import REPO, Mosquitto, choose_port, require

# How long an example takes says more of the machine than of the code.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {name: at for at, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))


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
