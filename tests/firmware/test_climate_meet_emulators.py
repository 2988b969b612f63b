"""Climate drivers against the emulated sensors, which know nothing of them. Hours on a fake clock."""

from __future__ import annotations

import random
from typing import Any

import pytest

from node.drivers import make_driver
from simulator.sensors import make_sensor
from simulator.sensors.i2c import Nack, Stretched
from simulator.sensors.pin import NoAnswer
from simulator.weather import steady

TRUTH = {"temp": 3.2, "rh": 81.0, "press": 1004.0}
# Datasheet accuracies: degC, %, hPa; as the emulators draw their offsets, and noise on top.
OFF = {"temp": 1.1, "rh": 3.6, "press": 1.2}
RANGE = {"temp": (-40, 125), "rh": (0, 100), "press": (300, 1100)}
MODELS = {
    "bme280": {"temp", "rh", "press"},
    "bmp280": {"temp", "press"},
    "sht3x": {"temp", "rh"},
    "sht4x": {"temp", "rh"},
    "dht22": {"temp", "rh"},
}
I2C = [model for model in MODELS if model != "dht22"]
every = pytest.mark.parametrize("model", MODELS)
on_i2c = pytest.mark.parametrize("model", I2C)


class Talk:
    """A driver on its emulated sensor, asked every 50 ms as the node does; `events` hold (s, event)."""

    def __init__(self, model: str, weather: Any = None, device: str = "") -> None:
        bus = "pin" if model == "dht22" else "i2c"
        self.device: Any = make_sensor(
            device or model, lambda _: (0, 0, 0), 7, bus=bus, weather=weather or steady(*TRUTH.values())
        )
        self.device.power(True, 0.0)
        self.driver: Any = make_driver(model, bus)
        self.now = 0
        self.events: list[tuple[float, dict[str, Any]]] = []
        self.flags: set[str | None] = set()

    def run(self, seconds: float) -> list[dict[str, Any]]:
        """Go on for so long; returns the events of that time and keeps its flags."""
        began = len(self.events)
        end = self.now + round(seconds * 1000)
        self.flags = set()
        while self.now < end:
            self.now += 50
            self._step(self.now / 1000)
            self.flags.add(self.driver.climate_flag)
        return [event for _, event in self.events[began:]]

    def _step(self, now: float) -> None:
        want = self.driver.tick(self.now)
        if want is None:
            return
        try:
            if self.driver.bus == "pin":
                data = self.device.read(now)
            else:
                self.device.begin(now)
                if isinstance(want, bytes):
                    self.device.write(want, now)
                    return
                data = self.device.spoiled(self.device.read(want, now))
        except (Nack, Stretched, NoAnswer):
            self.driver.failed(self.now)
            return
        assert len(data) == want
        self.events += [(now, event) for event in self.driver.feed(data)]


def near_the_truth(events: list[dict[str, Any]], truth: dict[str, float] = TRUTH) -> bool:
    assert events
    return all(
        abs(event[name] - truth[name]) < OFF[name] for event in events for name in event if name != "kind"
    )


@every
def test_ten_minutes_of_values_near_the_truth(model: str) -> None:
    talk = Talk(model)
    events = talk.run(600)
    assert 115 <= len(events) == talk.driver.frames <= 120
    assert all(set(event) == {"kind", *MODELS[model]} for event in events)
    assert near_the_truth(events)
    assert (talk.driver.model, talk.driver.rejects, talk.flags) == (model, {}, {None})
    first = talk.events[0][0]
    assert first < (5 if model == "dht22" else 1.5)


def test_a_bmp280_under_another_name() -> None:
    talk = Talk("bme280", device="bmp280")
    assert near_the_truth(talk.run(30))
    assert talk.driver.model == "bmp280"


def test_the_serial_number_of_an_sht4x() -> None:
    talk = Talk("sht4x")
    talk.run(10)
    assert talk.driver.id == talk.device.serial.hex()


@every
@pytest.mark.parametrize("temp", [-39.0, -12.5, 0.0, 44.0])
def test_frost_and_heat(model: str, temp: float) -> None:
    truth = {"temp": temp, "rh": 35.0, "press": 965.0}
    assert near_the_truth(Talk(model, steady(*truth.values())).run(60), truth)


def test_a_dht22_that_counts_down_from_ffff_below_zero() -> None:
    talk = Talk("dht22", steady(-7.5, 80.0, 1000.0))
    talk.device.twos_complement = True
    assert near_the_truth(talk.run(60), {"temp": -7.5, "rh": 80.0})
    assert talk.flags == {None}


@every
def test_a_calm_day_is_not_taken_for_a_stuck_sensor(model: str) -> None:
    talk = Talk(model)
    talk.run(12 * 3600 if model == "dht22" else 3 * 3600)
    assert talk.flags == {None}


@every
def test_stuck_words_keep_their_values_and_are_flagged(model: str) -> None:
    talk = Talk(model)
    talk.run(60)
    talk.device.faults.stuck = True
    events = talk.run(4.1 * 3600 if model == "dht22" else 180)
    assert talk.driver.climate_flag == "climate_stuck"
    assert near_the_truth(events)
    talk.device.faults.stuck = False
    talk.run(20)
    assert talk.driver.climate_flag is None


@pytest.mark.parametrize("model", [model for model in MODELS if model != "bmp280"])
def test_humidity_that_sticks_at_the_top(model: str) -> None:
    talk = Talk(model)
    talk.run(60)
    talk.device.faults.saturated = True
    assert talk.run(3500)[-1]["rh"] >= 99.9
    assert talk.flags == {None}
    events = talk.run(200)
    assert talk.driver.climate_flag == "climate_stuck"
    assert events[-1]["rh"] >= 99.9
    assert abs(events[-1]["temp"] - TRUTH["temp"]) < OFF["temp"]


@every
def test_a_dead_sensor_is_flagged_soon_and_comes_back_by_itself(model: str) -> None:
    talk = Talk(model)
    talk.run(30)
    talk.device.power(False, 30.0)
    assert talk.run(20) == []
    assert talk.driver.climate_flag == "climate_error"
    assert set(talk.driver.rejects) <= {"no_ack", "crc", "state"}
    talk.device.power(True, 50.0)
    assert near_the_truth(talk.run(20))
    assert talk.driver.climate_flag is None


@every
def test_brown_outs_at_any_moment_give_no_wrong_value(model: str) -> None:
    talk = Talk(model)
    chance = random.Random(3)
    print("seed 3")
    events: list[dict[str, Any]] = []
    for _ in range(400):
        events += talk.run(chance.uniform(0.05, 6))
        talk.device.brown_out(talk.now / 1000)
    assert len(events) > 50
    assert near_the_truth(events)


@every
def test_lost_answers_cost_no_more_than_themselves(model: str) -> None:
    talk = Talk(model)
    talk.device.faults.nack = 0.05
    events = talk.run(3600)
    assert talk.driver.rejects["no_ack"] > 20
    assert len(events) > 500
    assert near_the_truth(events)
    talk.device.faults.nack = 0.0
    talk.run(10)
    assert talk.driver.climate_flag is None


@on_i2c
def test_a_stretched_clock_is_a_lost_answer(model: str) -> None:
    talk = Talk(model)
    talk.device.faults.clock_stretch = True
    assert talk.run(20) == []
    assert set(talk.driver.rejects) == {"no_ack"}
    assert talk.driver.climate_flag == "climate_error"
    talk.device.faults.clock_stretch = 0.0
    assert near_the_truth(talk.run(20))


@pytest.mark.parametrize("model", ["sht3x", "sht4x", "dht22"])
def test_a_wrong_check_sum_never_becomes_a_value(model: str) -> None:
    talk = Talk(model)
    talk.device.faults.crc_error = 0.3
    events = talk.run(1800)
    assert near_the_truth(events)
    assert talk.driver.rejects["checksum" if model == "dht22" else "crc"] > 50
    talk.device.faults.crc_error = 1.0
    assert talk.run(60) == []
    assert talk.driver.climate_flag == "climate_error"


@every
def test_flipped_bits_never_raise_nor_leave_the_range(model: str) -> None:
    talk = Talk(model)
    talk.device.faults.bit_flip = 0.05
    events = talk.run(3600)
    for event in events:
        for name in MODELS[model] & set(event):
            low, high = RANGE[name]
            assert low <= event[name] <= high
    talk.device.faults.bit_flip = 0.0
    assert near_the_truth(talk.run(60)[2:])


@pytest.mark.parametrize("model", ["bme280", "bmp280"])
def test_skipped_values_are_no_values(model: str) -> None:
    talk = Talk(model)
    talk.run(10)
    talk.device.faults.no_value = 1.0
    assert talk.run(30) == []
    assert talk.driver.climate_flag == "climate_error"
