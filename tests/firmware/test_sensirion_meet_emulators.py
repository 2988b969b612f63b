"""Sensirion's PM drivers against the emulated sensors, which know nothing of them. Hours on a fake clock."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from node.drivers import make_driver
from simulator.sensors import make_sensor
from simulator.sensors.i2c import Nack, Stretched
from simulator.weather import steady

AIR = (12.0, 20.0, 31.0)
WEEK_S = 604_800
KINDS = [("sps30", "uart"), ("sps30", "i2c"), ("sen50", "i2c"), ("sen54", "i2c"), ("sen55", "i2c")]
every = pytest.mark.parametrize(("model", "bus"), KINDS, ids=lambda text: text)


class Talk:
    """A driver on its emulated sensor, asked every 50 ms as the node does; `events` hold (ms, event)."""

    def __init__(self, model: str, bus: str, device: str = "", step_ms: int = 50, **made: Any) -> None:
        if bus == "i2c" and model != "sps30":
            made["weather"] = steady(3.2, 81.0, 1004.0)
        self.device: Any = make_sensor(device or model, lambda _: AIR, 7, bus=bus, **made)
        self.device.power(True, 0.0)
        self.driver: Any = make_driver(model, bus)
        self.now = 1000  # the sensor has started by then
        self.step_ms = step_ms
        self.events: list[tuple[int, dict[str, Any]]] = []

    def run(self, seconds: float) -> list[dict[str, Any]]:
        """Go on for so long; returns the events of that time."""
        began = len(self.events)
        end = self.now + round(seconds * 1000)
        while self.now < end:
            self.now += self.step_ms
            self._step(self.now / 1000)
        return [event for _, event in self.events[began:]]

    def _step(self, now: float) -> None:
        want = self.driver.tick(self.now)
        if self.driver.bus == "uart":
            if want:
                self.device.receive(want, now)
            self._take(self.device.advance(now))
            return
        if want is None:
            return
        try:
            self.device.begin(now)
            if isinstance(want, bytes):
                self.device.write(want, now)
                return
            data = self.device.spoiled(self.device.read(want, now))
        except (Nack, Stretched):
            self.driver.failed(self.now)
            return
        self._take(data)

    def _take(self, data: bytes) -> None:
        if data:
            self.events += [(self.now, event) for event in self.driver.feed(data)]

    def awake(self, seconds: float = 40) -> list[dict[str, Any]]:
        self.driver.wake(self.now)
        return self.run(seconds)


def near_the_truth(events: list[dict[str, Any]]) -> bool:
    """Within the datasheets' 10 % or 10 ug/m3 for PM1 and PM2.5, 25 for the others."""
    assert events
    return all(
        abs(event["pm25"] - AIR[1]) < 10 and abs(event["pm10"] - AIR[2]) < 25 and event["kind"] == "data"
        for event in events
    )


@every
@pytest.mark.parametrize("step_ms", [20, 50, 100])
def test_each_second_gives_a_measurement_near_the_truth(model: str, bus: str, step_ms: int) -> None:
    talk = Talk(model, bus, step_ms=step_ms)
    talk.awake()
    events = talk.run(60)
    assert 57 <= len(events) <= 63
    assert near_the_truth(events)
    assert ("temp" in events[0]) == (model in ("sen54", "sen55"))
    assert talk.driver.settled
    assert talk.driver.rejects == {}
    assert talk.driver.retries == 0
    assert talk.driver.id
    assert talk.driver.fw
    assert talk.driver.climate_flag is None


@every
def test_sleep_stops_the_sensor_and_wake_starts_it_again(model: str, bus: str) -> None:
    talk = Talk(model, bus)
    talk.awake()
    for _ in range(3):
        talk.driver.sleep(talk.now)
        talk.run(5)
        assert talk.driver.settled
        assert talk.run(120) == []
        woken = talk.now
        assert near_the_truth(talk.awake()[30:])
        assert woken <= talk.driver.awake_since < woken + 2000
    assert talk.driver.retries == 0
    assert talk.driver.rejects == {}


@every
def test_a_brown_out_is_noticed_and_the_sensor_started_anew(model: str, bus: str) -> None:
    talk = Talk(model, bus)
    talk.awake()
    talk.device.brown_out(talk.now / 1000)
    before = talk.driver.awake_since
    silent = talk.run(10)
    talk.driver.reset()  # the ladder's first rung, after 10 s
    talk.run(4)
    assert len(silent) < 9 or bus == "uart"
    assert len(talk.run(60)) >= 55
    assert talk.driver.awake_since > before


@every
def test_a_board_that_restarts_finds_the_sensor_measuring(model: str, bus: str) -> None:
    talk = Talk(model, bus)
    talk.awake()
    talk.driver = make_driver(model, bus)
    started = talk.now
    assert len(talk.awake(60)) > 50
    assert talk.driver.awake_since >= started


@every
def test_fan_cleaning_is_started_when_due_and_gives_no_values(model: str, bus: str) -> None:
    talk = Talk(model, bus)
    talk.awake()
    talk.driver.run_s_since_clean = WEEK_S - 20
    talk.events.clear()
    seen = False
    for _ in range(60):
        events = talk.run(1)
        seen = seen or talk.driver.cleaning
        assert not (talk.driver.cleaning and events and seen and len(events) > 2)
    assert seen
    assert not talk.driver.cleaning
    assert talk.driver.run_s_since_clean < 40
    times = [at for at, _ in talk.events]
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert 10_000 <= max(gaps) <= 14_000
    assert near_the_truth([event for _, event in talk.events])


@every
def test_sleep_waits_for_the_end_of_a_cleaning(model: str, bus: str) -> None:
    talk = Talk(model, bus)
    talk.driver.run_s_since_clean = WEEK_S
    talk.awake(6)
    assert talk.driver.cleaning
    talk.driver.sleep(talk.now)
    talk.run(5)
    assert not talk.driver.settled
    talk.run(10)
    assert talk.driver.settled
    assert talk.driver.run_s_since_clean == 0


@every
def test_a_fan_that_fails_makes_errors_until_it_runs_again(model: str, bus: str) -> None:
    talk = Talk(model, bus)
    talk.awake()
    talk.device.faults.fan_error = True
    talk.run(75)
    events = talk.run(20)
    assert events
    assert {event["kind"] for event in events} == {"error"}
    assert {event["what"] for event in events} <= {"fan", "speed"}
    # Nor are values taken for good ones after a reset, until the status register has been read again.
    talk.driver.wake(talk.now)
    assert {event["kind"] for event in talk.run(20)} == {"error"}
    talk.device.faults.fan_error = False
    talk.run(40)
    assert near_the_truth(talk.run(20))


@pytest.mark.parametrize("model", ["sen50", "sen54", "sen55"])
def test_the_sen5x_tells_which_it_is(model: str) -> None:
    talk = Talk("sen55", "i2c", device=model)
    talk.awake()
    assert talk.driver.model == model


@every
def test_damaged_frames_are_rejected_and_the_others_stay_right(model: str, bus: str) -> None:
    talk = Talk(model, bus)
    talk.awake()
    faults = talk.device.faults
    if bus == "uart":
        faults.bit_flip, faults.byte_loss, faults.garbage = 0.002, 0.001, 0.05
    else:
        faults.crc_error, faults.nack = 0.1, 0.05
    events = talk.run(600)
    assert len(events) > 300
    assert sum(talk.driver.rejects.values()) > 10
    # A sum of 8 bits lets one damaged frame in 256 through, when its values are possible ones.
    wrong = [event for event in events if not near_the_truth([event])]
    assert len(wrong) <= (2 if bus == "uart" else 0)


@every
def test_a_mute_sensor_is_asked_for_ever_and_taken_up_again(model: str, bus: str) -> None:
    talk = Talk(model, bus)
    talk.awake()
    talk.device.faults.mute = True
    talk.run(300)
    talk.device.power(False, talk.now / 1000)
    talk.device.power(True, talk.now / 1000)
    talk.driver.wake(talk.now)
    talk.run(20)
    assert near_the_truth(talk.run(30))


@pytest.mark.parametrize("model", ["sen50", "sen54", "sen55"])
def test_what_the_sensor_does_not_know_is_left_out(model: str) -> None:
    talk = Talk(model, "i2c")
    talk.awake()
    talk.device.faults.no_value = True
    assert talk.run(20) == []
    assert talk.driver.climate_flag == (None if model == "sen50" else "climate_error")
