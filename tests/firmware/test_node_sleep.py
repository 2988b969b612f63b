"""Deep sleep on the simulated chip: one boot over many wakes, and no reading lost by any way out of it."""

from __future__ import annotations

import itertools
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.node import SimNode
from simulator.options import Fitted
from tests.firmware.node_bench import ScriptedGateway
from tests.firmware.sleepy import SLEEPY, WAKE_S, seqs, sleeps, wakes
from tests.support import Mosquitto, wait_for

pytestmark = [pytest.mark.needs_micropython, pytest.mark.needs_mosquitto]


def test_a_boot_goes_on_over_its_sleeps(
    node: Callable[..., SimNode], gateway: ScriptedGateway, tmp_path: Path
) -> None:
    one = node(**SLEEPY)
    # Asleep is what the sensor is whenever the board is.
    awake: list[int] = []

    def slept_and_sent() -> bool:
        start, alive = one.starts, one.alive
        asleep = one.line.sensor.asleep  # type: ignore[attr-defined]
        # The board may wake in the midst of these lines: what counts is a look that lies in one sleep.
        if not alive and not one.alive and 0 < start == one.starts < 5 and not asleep:
            awake.append(start)
        return len(seqs(gateway, 1)) >= 5

    wait_for(slept_and_sent, WAKE_S, "five wakes")
    assert awake == []
    assert {boot for boot, _ in gateway.readings} == {1}
    assert seqs(gateway, 1) == set(range(1, max(seqs(gateway, 1)) + 1))
    readings = [reading for _, reading in gateway.readings]
    assert all(reading["n"] >= 1 and reading["flags"] == [] for reading in readings)
    # Uptime goes on as time does.
    starts = [reading["t"] - reading["up"] for reading in readings if reading["tq"] != "none"]
    assert max(starts) - min(starts) <= 2
    times = [reading["t"] for reading in readings]
    assert times == sorted(set(times))
    statuses = [status for status in gateway.status if status["online"]]
    assert [status["reset"] for status in statuses[:3]] == ["power", "deepsleep", "deepsleep"]
    assert {status["boot"] for status in statuses} == {1}
    assert {"v": 1, "online": False} not in gateway.status
    assert len(gateway.health) == 1  # health_s is by the boot's uptime
    assert not (tmp_path / "node" / "flash" / "laser.json").exists()  # flash is not worn at each wake


def test_health_comes_when_it_is_due(node: Callable[..., SimNode], gateway: ScriptedGateway) -> None:
    node(**{**SLEEPY, "health_s": 25})
    wait_for(lambda: len(gateway.health) >= 2, WAKE_S, "health twice")
    ups = [health["up"] for health in gateway.health]
    assert all(later - earlier >= 25 for earlier, later in itertools.pairwise(ups))
    assert len(gateway.readings) > len(gateway.health)
    assert gateway.health[-1]["sensors"][0]["laser_h"] >= 0.001  # 4 s and more: counted over the sleeps


def test_a_power_cut_in_a_sleep_is_a_new_boot(node: Callable[..., SimNode], gateway: ScriptedGateway) -> None:
    one = node(**SLEEPY)
    wait_for(lambda: sleeps(one) >= 2 and not one.alive, WAKE_S, "two sleeps")
    one.restart()
    wait_for(lambda: len(seqs(gateway, 2)) >= 2, WAKE_S, "the second boot's")
    first = max(seqs(gateway, 1))
    assert first >= 2
    assert seqs(gateway, 1) == set(range(1, first + 1))
    assert 1 in seqs(gateway, 2)
    assert next(status["reset"] for status in gateway.status if status.get("boot") == 2) == "power"


def test_a_wake_that_is_reset_is_the_end_of_its_boot(
    node: Callable[..., SimNode], gateway: ScriptedGateway
) -> None:
    one = node(**SLEEPY)
    wait_for(lambda: sleeps(one) >= 1 and one.alive and len(wakes(one)) == 2, WAKE_S, "a wake")
    assert one.pid is not None
    os.kill(one.pid, signal.SIGKILL)  # as the watchdog would
    wait_for(lambda: len(seqs(gateway, 2)) >= 2, WAKE_S, "the second boot's")
    assert seqs(gateway, 1) == set(range(1, max(seqs(gateway, 1)) + 1))
    assert next(status["reset"] for status in gateway.status if status.get("boot") == 2) == "watchdog"
    wait_for(lambda: "the watchdog reset the board" in gateway.health[-1].get("crash", ""), WAKE_S, "a note")


def test_commands_and_settings_that_come_in_a_sleep_are_taken(
    node: Callable[..., SimNode], gateway: ScriptedGateway
) -> None:
    one = node(**SLEEPY)
    wait_for(lambda: sleeps(one) >= 1 and not one.alive, WAKE_S, "a sleep")
    message = {"v": 1, "version": 4, "settings": {"sleep_s": 4}}
    gateway.client.publish("dl/1/warsaw/a/praga-1/config", json.dumps(message), 1, retain=True)
    command = {"v": 1, "id": "wake-up", "t": int(time.time()), "do": "reboot"}
    gateway.client.publish("dl/1/warsaw/a/praga-1/command", json.dumps(command), 1)
    wait_for(lambda: any(status.get("boot") == 2 for status in gateway.status), WAKE_S, "a reboot")
    wait_for(lambda: gateway.status[-1].get("config") == 4, WAKE_S, "the settings")


def test_a_sensors_switch_stays_off_in_a_sleep(
    node: Callable[..., SimNode], gateway: ScriptedGateway
) -> None:
    one = node(**SLEEPY, sensors=(Fitted("a", "sds011", power=25),))
    wait_for(lambda: sleeps(one) >= 1 and not one.alive, WAKE_S, "a sleep")
    assert one.wiring.driven(25) == 0
    asleep = max(reading["seq"] for _, reading in gateway.readings)
    measured = lambda: any(r["n"] >= 1 and r["seq"] > asleep for _, r in gateway.readings)  # noqa: E731
    wait_for(measured, WAKE_S, "values of the next wake")


def test_what_the_sleep_needs_is_said(node: Callable[..., SimNode], broker: Mosquitto) -> None:
    one = node(**{**SLEEPY, "sleep_s": 0})
    wait_for(lambda: "mqtt: connected" in one.log.read_text(), WAKE_S, "a connection")
    assert "deep_sleep: needs sleep_s above 0; the board stays awake" in one.log.read_text()
    assert sleeps(one) == 0
