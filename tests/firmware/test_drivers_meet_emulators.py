"""Drivers and duty cycle against the emulated sensors, which know nothing of them.

Both sides run on one fake clock, hours in a moment. The line is a perfect wire unless a fault says otherwise.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from node import measure
from node.drivers import MODELS, make_driver
from node.measure import Measurement
from simulator.sensors.base import Sensor
from simulator.sensors.plantower import Pms5003 as EmulatedPms5003
from simulator.sensors.sds011 import Sds011 as EmulatedSds011

EMULATED: dict[str, Callable[..., Sensor]] = {"sds011": EmulatedSds011, "pms5003": EmulatedPms5003}
AIR = (8.0, 20.0, 33.0)

both = pytest.mark.parametrize("model", MODELS)


class Over(Exception):
    """The scripted time is over."""


class Settings:
    def __init__(self, warmup_s: int = 30, window_s: int = 60, sleep_s: int = 120) -> None:
        self.warmup_s, self.window_s, self.sleep_s = warmup_s, window_s, sleep_s
        self.measure = True


class Wire:
    """machine.UART's two methods, straight to an emulated sensor; drops what a full buffer cannot take."""

    def __init__(self, sensor: Sensor, rxbuf: int) -> None:
        self.sensor, self.rxbuf, self.now_ms = sensor, rxbuf, 0
        self.waiting = bytearray()
        self.dropped = 0

    def write(self, data: bytes) -> int:
        self.sensor.receive(data, self.now_ms / 1000)
        return len(data)

    def readinto(self, buf: bytearray) -> int | None:
        n = min(len(buf), len(self.waiting))
        buf[:n] = self.waiting[:n]
        del self.waiting[:n]
        return n or None

    def advance(self, now_ms: int) -> None:
        self.now_ms = now_ms
        self.waiting += self.sensor.advance(now_ms / 1000)
        self.dropped += max(0, len(self.waiting) - self.rxbuf)
        del self.waiting[self.rxbuf :]


class Bench:
    """One Measurement on one emulated sensor."""

    def __init__(self, model: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sensor: Any = EMULATED[model](lambda at: AIR, seed=7)
        self.sensor.power(True, 0.0)
        driver = make_driver(model)
        self.wire = Wire(self.sensor, driver.rxbuf)
        self.readings: list[dict[str, Any]] = []
        self.clock = 0
        self.until = 0
        self.it = Measurement("a", driver, self.wire, settings, self.readings.append, lambda: self.clock)
        self.settings = settings
        self._running = self.it.run()
        monkeypatch.setattr(measure, "sleep_ms", self._sleep_ms)

    class _Pause:
        def __await__(self) -> Any:
            yield

    async def _sleep_ms(self, ms: int) -> None:
        self.clock += ms
        self.wire.advance(self.clock)
        if self.clock >= self.until:
            await self._Pause()

    def run_until(self, seconds: float) -> None:
        self.until = int(seconds * 1000)
        self._running.send(None)


@both
def test_hours_of_duty_cycle(model: str, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(warmup_s=30, window_s=60, sleep_s=510)
    bench = Bench(model, settings, monkeypatch)
    bench.run_until(6 * 3600)
    assert len(bench.readings) == 36
    schema = json.loads((repo / "tests" / "contract" / "schema.json").read_text())
    judge = jsonschema.Draft202012Validator({**schema, "$ref": "#/$defs/reading"})
    for reading in bench.readings:
        judge.validate({"seq": 1, "t": None, "tq": "none", **reading})
        assert reading["flags"] == []
        assert abs(reading["pm25"] - AIR[1]) < 15
    fewest, most = (60, 60) if model == "sds011" else (24, 70)
    assert all(fewest <= reading["n"] <= most for reading in bench.readings)
    assert abs(bench.it.laser_s - 36 * 90) < 25
    assert bench.it.errors.get("retries", 0) == 0
    assert bench.wire.dropped == 0
    assert set(bench.it.errors) <= {"device_error"}  # a PMS5003's while its fan starts
    of_sensor = {**schema, "$ref": "#/$defs/health/properties/sensors/items"}
    jsonschema.Draft202012Validator(of_sensor).validate(bench.it.health())
    assert bench.sensor.asleep


@both
def test_switching_off_and_on(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(model, Settings(30, 60, 0), monkeypatch)
    bench.run_until(100)
    assert len(bench.readings) == 1
    bench.settings.measure = False
    bench.run_until(300)
    assert bench.sensor.asleep
    assert not bench.it.measuring
    assert len(bench.readings) == 1
    bench.settings.measure = True
    bench.run_until(395)
    assert [reading["up"] for reading in bench.readings] == [90, 390]
    assert not bench.sensor.asleep


def test_sds011_left_in_query_mode_with_a_period_is_set_right(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench("sds011", Settings(5, 10, 0), monkeypatch)
    bench.sensor.query_mode = True
    bench.sensor.period = 5
    bench.run_until(16)
    assert not bench.sensor.query_mode
    assert bench.sensor.period == 0
    assert bench.readings[0]["n"] >= 9


def test_sds011_that_is_set_right_is_never_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench("sds011", Settings(5, 10, 15), monkeypatch)
    written: list[bytes] = []
    monkeypatch.setattr(
        bench.wire, "write", lambda data: (written.append(data), Wire.write(bench.wire, data))[1]
    )
    bench.run_until(600)
    assert len(written) > 60
    assert [data for data in written if data[2] in (2, 8) and data[3] == 1] == []


def test_pms5003_left_passive_and_asleep_wakes(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench("pms5003", Settings(6, 10, 0), monkeypatch)
    bench.sensor.active = False
    bench.sensor.asleep = True
    bench.run_until(17)
    assert bench.sensor.active
    assert bench.readings[0]["n"] >= 4
    assert bench.readings[0]["flags"] == []


@both
def test_mute_sensor_then_power_cycle(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(model, Settings(10, 20, 0), monkeypatch)
    bench.run_until(31)
    bench.sensor.faults.mute = True
    bench.run_until(71)
    assert bench.readings[-1]["flags"] == ["no_frame"]
    assert bench.readings[-1]["pm25"] is None
    bench.sensor.power(False, 71.0)
    bench.sensor.power(True, 72.0)
    bench.run_until(131)
    assert bench.readings[-1]["flags"] == []
    assert bench.readings[-1]["n"] >= 8


@both
def test_a_bad_line_costs_frames_but_no_truth(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wire that loses and flips bytes and bursts with garbage: what comes through is what was measured."""
    bench = Bench(model, Settings(30, 60, 0), monkeypatch)
    bench.sensor.random = random.Random(11)
    bench.sensor.faults.byte_loss = 0.002
    bench.sensor.faults.bit_flip = 0.002
    bench.sensor.faults.garbage = 0.2
    bench.run_until(2 * 3600)
    assert len(bench.readings) == 119
    assert sum(reading["n"] for reading in bench.readings) > 119 * (50 if model == "sds011" else 18)
    assert sum(bench.it.errors.values()) > 250
    for reading in bench.readings:
        assert abs(reading["pm25"] - AIR[1]) < 15
        assert reading["pm25_sd"] < 6
