"""Whole slots, from the driver to the reading, on emulated sensors: hours on one fake clock in a moment."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from node import health
from node.drivers import make_driver
from node.measure import Measurement
from node.ports import UartPort
from node.rungs import climb
from simulator.sensors import make_sensor
from simulator.sensors.base import Sensor
from tests.firmware.test_drivers_meet_emulators import AIR, UART

uart = pytest.mark.parametrize("model", UART)


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


class Odometer:
    """Counts seconds, keeps nothing."""

    def __init__(self) -> None:
        self.seconds = 0

    def add(self, slot: str, serial: str | None, seconds: int) -> None:
        self.seconds += seconds

    def hours(self, slot: str, serial: str | None) -> float:
        return self.seconds / 3600

    def save(self) -> None:
        pass

    def save_if_due(self, now: int) -> None:
        pass


class Switch:
    """The pin that switches the sensor's supply."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def value(self, on: int) -> None:
        self.bench.sensor.power(on == 1, self.bench.clock / 1000)


class Bench:
    """One Measurement on one emulated sensor."""

    def __init__(
        self, model: str, settings: Settings, monkeypatch: pytest.MonkeyPatch, *, power: bool = False
    ) -> None:
        self.sensor: Any = make_sensor(model, lambda at: AIR, seed=7)
        self.sensor.power(True, 0.0)
        driver = make_driver(model)
        self.wire = Wire(self.sensor, driver.rxbuf)
        self.readings: list[dict[str, Any]] = []
        self.clock = 0
        self.until = 0
        self.odometer = Odometer()
        entry: dict[str, Any] = {"slot": "a", "model": model, "uart": 1, "tx": 17, "rx": 16}
        if power:
            entry["power"] = 25
        self.it = Measurement(
            entry,
            driver,
            UartPort(self.wire),
            settings,
            self.readings.append,
            lambda: self.clock,
            self.odometer,
        )
        self.it.switch = Switch(self)
        self.it.rescue = lambda sensor, rung: climb(None, sensor, rung)
        self.settings = settings
        self._running = self.it.run()
        for module in ("node.measure", "node.rungs"):
            monkeypatch.setattr(f"{module}.sleep_ms", self._sleep_ms)

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


@uart
def test_hours_of_duty_cycle(model: str, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(warmup_s=30, window_s=60, sleep_s=510)
    bench = Bench(model, settings, monkeypatch)
    bench.run_until(3 * 3600)
    assert len(bench.readings) == 18
    schema = json.loads((repo / "tests" / "contract" / "schema.json").read_text())
    judge = jsonschema.Draft202012Validator({**schema, "$ref": "#/$defs/reading"})
    for reading in bench.readings:
        judge.validate({"seq": 1, "t": None, "tq": "none", **reading})
        assert reading["flags"] == []
        assert abs(reading["pm25"] - AIR[1]) < 15
        assert ("n10" in reading) == (model not in ("sds011", "pms3003", "pms5003t"))
        assert ("temp" in reading) == (model in ("pms5003t", "pms5003st"))
    fewest, most = (60, 60) if model == "sds011" else (24, 70)
    assert all(fewest <= reading["n"] <= most for reading in bench.readings)
    assert abs(bench.odometer.seconds - 18 * 90) < 40
    assert bench.wire.dropped == 0
    allowed = {"device"} if model != "pms3003" else {"retries"}  # its fan starts; it knows no sleep command
    assert set(health.errors(bench.it)) <= allowed
    of_sensor = {**schema, "$ref": "#/$defs/health/properties/sensors/items"}
    jsonschema.Draft202012Validator(of_sensor).validate(health.of_sensor(bench.it))
    assert bench.sensor.asleep == (model != "pms3003")


@uart
def test_switching_off_and_on(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(model, Settings(30, 60, 0), monkeypatch)
    bench.run_until(100)
    assert len(bench.readings) == 1
    bench.settings.measure = False
    bench.run_until(300)
    assert bench.sensor.asleep == (model != "pms3003")
    assert not bench.it.measuring
    assert len(bench.readings) == 1
    bench.settings.measure = True
    bench.run_until(395)
    assert [reading["up"] for reading in bench.readings] == [90, 390]
    assert not bench.sensor.asleep


@uart
def test_mute_sensor_is_power_cycled_by_the_ladder(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(model, Settings(10, 20, 0), monkeypatch, power=True)
    bench.run_until(31)
    bench.sensor.faults.mute = True
    bench.run_until(71)
    assert bench.readings[-1]["flags"] == ["no_frame"]
    assert bench.readings[-1]["pm25"] is None
    bench.run_until(240)
    assert not bench.sensor.faults.mute
    errors = health.errors(bench.it)
    assert errors["power_cycle"] == errors["resync"] == errors["reinit"] == errors["sleep_wake"] == 1
    assert bench.readings[-1]["flags"] == []
    assert bench.readings[-1]["n"] >= 8


def test_a_sensor_that_somebody_made_silent_is_mended_by_the_ladder(monkeypatch: pytest.MonkeyPatch) -> None:
    for model in ("sds011", "pms5003"):
        bench = Bench(model, Settings(5, 20, 0), monkeypatch)
        bench.run_until(30)
        if model == "sds011":
            bench.sensor.query_mode = True
        else:
            bench.sensor.active = False
        bench.run_until(110)
        assert bench.readings[-1]["flags"] == []
        assert bench.readings[-1]["n"] >= 8
        assert set(bench.it.ladder.counts) == {"resync", "reinit"}


@pytest.mark.parametrize("model", ["sds011", "pms5003", "pms5003t"])
def test_a_bad_line_costs_frames_but_no_truth(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wire that loses and flips bytes and bursts with garbage: what comes through is what was measured."""
    bench = Bench(model, Settings(30, 60, 0), monkeypatch)
    bench.sensor.random = random.Random(11)
    bench.sensor.faults.byte_loss = 0.002
    bench.sensor.faults.bit_flip = 0.002
    bench.sensor.faults.garbage = 0.2
    bench.run_until(3600)
    assert len(bench.readings) == 59
    assert sum(reading["n"] for reading in bench.readings) > 59 * (50 if model == "sds011" else 18)
    assert sum(health.errors(bench.it).values()) > 120
    for reading in bench.readings:
        assert abs(reading["pm25"] - AIR[1]) < 15
        assert reading["pm25_sd"] < 6
