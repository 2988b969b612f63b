"""UART drivers and the PMSA003I's against the emulated sensors, which know nothing of them.

Both sides run on one fake clock, minutes in a moment. The line is a perfect wire unless a fault says
otherwise. What the node makes of it all, windows and ladder, is in test_slots_meet_emulators.py.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from node.drivers import make_driver
from simulator.sensors import make_sensor
from simulator.sensors.i2c import I2cDevice, Nack, Stretched
from simulator.sensors.plantower import Pms5003 as EmulatedPms5003
from simulator.sensors.plantower import Pms5003st as EmulatedPms5003st
from simulator.sensors.sds011 import Sds011 as EmulatedSds011
from simulator.sensors.unit import Unit

AIR = (8.0, 20.0, 33.0)
UART = ["sds011", "pms5003", "pms7003", "pmsa003", "pms3003", "pms5003t", "pms5003st"]
ALL = [*UART, "pmsa003i"]
WITH_COMMANDS = [model for model in UART if model != "pms3003"]

every = pytest.mark.parametrize("model", ALL)
uart = pytest.mark.parametrize("model", UART)


class Talk:
    """A driver on its emulated sensor, asked every 50 ms as the node does. `events` hold (s, event)."""

    def __init__(self, model: str, mode: str | None = None, sensor: Any = None, device: str = "") -> None:
        bus = "i2c" if model == "pmsa003i" else "uart"
        weather = lambda _: (21.5, 48.0, 1000.0)  # noqa: E731
        self.sensor: Any = sensor or make_sensor(device or model, lambda _: AIR, 7, bus=bus, weather=weather)
        self.sensor.power(True, 0.0)
        self.driver: Any = make_driver(model, bus, mode)
        self.now = 0
        self.events: list[tuple[float, dict[str, Any]]] = []
        self.written: list[bytes] = []
        self.waiting = bytearray()
        self.dropped = self.blocked = 0

    def run(self, until: float, act: Callable[[int], None] | None = None) -> Talk:
        if act:
            act(self.now)
        while self.now < until * 1000:
            self.now += 50
            if self.now >= self.blocked:
                self._step()
            elif self.driver.bus == "uart":
                self._hear()
        return self

    def _step(self) -> None:
        now = self.now / 1000
        want = self.driver.tick(self.now)
        if isinstance(want, bytes):
            self.written.append(want)
            self.sensor.receive(want, now)
        data = self._read(want, now) if self.driver.bus == "i2c" else self._hear()
        if data:
            self.events += [(now, event) for event in self.driver.feed(bytes(data))]
            self.waiting.clear()

    def _hear(self) -> bytearray:
        self.waiting += self.sensor.advance(self.now / 1000)
        self.dropped += max(0, len(self.waiting) - self.driver.rxbuf)
        del self.waiting[self.driver.rxbuf :]
        return self.waiting

    def _read(self, want: int | None, now: float) -> bytes:
        assert isinstance(self.sensor, I2cDevice)
        if want is None:
            return b""
        try:
            self.sensor.begin(now)
            return self.sensor.spoiled(self.sensor.read(want, now))
        except (Nack, Stretched):
            self.driver.failed(self.now)
            return b""

    def since(self, seconds: float, kind: str = "data") -> list[dict[str, Any]]:
        return [event for at, event in self.events if at > seconds and event["kind"] == kind]


def near_the_truth(events: list[dict[str, Any]]) -> bool:
    """Whether all are within what a unit may be off: 10 ug/m3 or 15 %, and noise."""
    assert events
    return all(
        abs(event[name] - truth) < 16
        for event in events
        for name, truth in zip(("pm1", "pm25", "pm10"), AIR, strict=True)
        if name in event
    )


@every
def test_wake_measure_sleep_and_wake_again(model: str) -> None:
    talk = Talk(model)
    talk.run(60, talk.driver.wake)
    assert talk.driver.settled
    assert talk.driver.awake_since is not None
    assert talk.driver.awake_since < (4000 if model == "pmsa003i" else 1000)  # which is silent for 3 s
    events = talk.since(31)
    assert len(events) >= 12
    assert near_the_truth(events)
    assert talk.driver.model == model
    assert talk.driver.retries == 0
    assert set(talk.driver.rejects) <= {"no_ack"}  # of a PMSA003I's first three seconds
    if model == "pms3003":
        return
    talk.run(90, talk.driver.sleep)
    if model in WITH_COMMANDS:
        assert talk.sensor.asleep
    assert talk.since(63) == talk.since(63, "error") == []
    talk.run(150, talk.driver.wake)
    assert abs(talk.driver.awake_since - 90_000) < 1000
    assert near_the_truth(talk.since(121))


def test_sds011_tells_its_number_and_firmware() -> None:
    talk = Talk("sds011")
    talk.run(5, talk.driver.wake)
    assert talk.driver.id == talk.sensor.device_id.hex()
    assert talk.driver.fw == "18-11-16"
    assert all(data[2:4] not in (b"\x02\x01", b"\x08\x01") for data in talk.written)


@pytest.mark.parametrize("model", [model for model in ALL if model not in ("sds011", "pms3003")])
def test_plantower_tells_its_version(model: str) -> None:
    talk = Talk(model)
    talk.run(10, talk.driver.wake)
    assert talk.driver.fw in ("97", "67", "9a")


@pytest.mark.parametrize(
    ("model", "mode"), [("sds011", "query"), ("pms5003", "passive"), ("pms5003t", "passive")]
)
def test_a_sensor_that_speaks_only_when_asked(model: str, mode: str) -> None:
    talk = Talk(model, mode)
    talk.run(60, talk.driver.wake)
    assert talk.driver.settled
    assert talk.sensor.query_mode if model == "sds011" else not talk.sensor.active
    assert 28 <= len(talk.since(30)) <= 31
    assert near_the_truth(talk.since(31))
    talk.run(70, talk.driver.sleep)
    assert talk.sensor.asleep
    written = len(talk.written)
    talk.run(200)
    assert len(talk.written) == written


@pytest.mark.parametrize("mode", ["active", "query"])
def test_sds011_is_set_right_from_any_state(mode: str) -> None:
    for asleep, query, period in ((True, True, 5), (False, mode != "query", 0), (True, False, 30)):
        talk = Talk("sds011", mode)
        talk.sensor.asleep, talk.sensor.query_mode, talk.sensor.period = asleep, query, period
        talk.run(20, talk.driver.wake)
        assert (talk.sensor.asleep, talk.sensor.query_mode, talk.sensor.period) == (False, mode == "query", 0)
        assert len(talk.since(5)) >= 14


@pytest.mark.parametrize("mode", ["active", "passive"])
def test_plantower_left_in_the_other_mode_and_asleep(mode: str) -> None:
    talk = Talk("pms7003", mode)
    talk.sensor.asleep, talk.sensor.active = True, mode == "passive"
    talk.run(20, talk.driver.wake)
    assert (talk.sensor.asleep, talk.sensor.active) == (False, mode == "active")
    assert len(talk.since(8)) >= 4


@pytest.mark.parametrize("device", ["pms5003t", "pms5003st", "pms3003"])
def test_a_variant_configured_as_pms5003_is_recognised_and_no_wrong_value_given(device: str) -> None:
    talk = Talk("pms5003", device=device)
    talk.run(60, talk.driver.wake)
    assert talk.driver.model == device
    for _, event in talk.events:
        if device != "pms5003st":
            assert "n5" not in event
            assert "n10" not in event
        assert abs(event.get("temp", 21.5) - 21.5) < 1
        assert abs(event.get("rh", 48) - 48) < 4
    assert ("temp" in talk.events[-1][1]) == (device != "pms3003")
    assert talk.driver.rejects == {}


def test_counts_are_held_back_for_five_frames_only() -> None:
    talk = Talk("pms5003")
    talk.run(30, talk.driver.wake)
    assert ["n10" in event for _, event in talk.events[:6]] == [False] * 4 + [True] * 2


@uart
@pytest.mark.parametrize(
    "fault", ["byte_loss", "bit_flip", "byte_shift", "truncated", "garbage", "crc_error"]
)
def test_a_bad_line_costs_frames_but_no_truth(model: str, fault: str) -> None:
    talk = Talk(model)
    talk.run(40, talk.driver.wake)
    talk.sensor.random = random.Random(11)
    setattr(talk.sensor.faults, fault, 0.01 if fault in ("byte_loss", "bit_flip") else 0.3)
    talk.run(400)
    assert near_the_truth(talk.since(40))
    expected = 360 / (1 if model == "sds011" else 1.9 if model == "pms3003" else 2.3)
    assert len(talk.since(40)) > expected * 0.5
    assert sum(talk.driver.rejects.values()) > expected * 0.04
    if fault == "garbage":
        assert len(talk.since(40)) > expected * 0.9
    setattr(talk.sensor.faults, fault, 0.0)
    talk.run(430)
    assert near_the_truth(talk.since(400))
    assert talk.driver.model == model


@every
def test_no_value_is_never_given(model: str) -> None:
    talk = Talk(model)
    talk.sensor.faults.no_value = 0.5
    talk.run(200, talk.driver.wake)
    assert near_the_truth(talk.since(35))
    assert talk.driver.rejects["out_of_range"] > 20


@every
def test_clogged_is_zero_and_saturated_is_at_the_ceiling(model: str) -> None:
    talk = Talk(model)
    talk.run(40, talk.driver.wake)
    talk.sensor.faults.clogged = True
    talk.run(80)
    assert {event["pm10"] for event in talk.since(45)} <= {0, 0.1, 0.2, 0.3, 0.4}
    talk.sensor.faults.clogged, talk.sensor.faults.saturated = False, True
    talk.run(120)
    assert talk.since(85)
    for event in talk.since(85):
        assert any(event.get(name, 0) >= most for name, most in talk.driver.ceiling.items())


@pytest.mark.parametrize("model", [model for model in ALL if model not in ("sds011", "pms3003")])
def test_the_error_byte_makes_errors_while_the_fan_starts_and_when_it_stands(model: str) -> None:
    talk = Talk(model)
    talk.run(30, talk.driver.wake)
    early = [event for at, event in talk.events if at < 5 and event["kind"] == "error"]
    assert early
    assert {event["what"] for event in early} == {"device"}
    assert talk.since(8, "error") == []
    talk.sensor.faults.fan_error = True
    talk.run(60)
    assert talk.since(33) == []
    assert len(talk.since(33, "error")) >= 9


@every
def test_brown_out_while_measuring(model: str) -> None:
    """Data comes by itself, half a frame in between; what the setting lost, wake() sets again."""
    for mode in (None, "passive", "query"):
        talk = Talk(model, mode)
        talk.run(40, talk.driver.wake)
        talk.sensor.brown_out(40.0)
        talk.run(80)
        assert near_the_truth(talk.since(72))
        talk.run(90, talk.driver.wake)
        assert talk.driver.awake_since >= 80_000
        if mode == "passive" and model in WITH_COMMANDS and model != "sds011":
            assert not talk.sensor.active
        if mode == "query" and model == "sds011":
            assert talk.sensor.query_mode


@pytest.mark.parametrize("model", WITH_COMMANDS)
def test_brown_out_while_asleep_is_put_to_sleep_again(model: str) -> None:
    talk = Talk(model)
    talk.run(10, talk.driver.sleep)
    assert talk.sensor.asleep
    talk.sensor.brown_out(10.0)
    assert not talk.sensor.asleep
    talk.run(20)
    assert talk.sensor.asleep


@every
def test_mute_until_power_cycled_then_wake(model: str) -> None:
    talk = Talk(model)
    talk.run(40, talk.driver.wake)
    talk.sensor.faults.mute = True
    talk.run(80)
    assert talk.since(40.1) == []
    talk.run(90, lambda _: talk.driver.reset())
    talk.sensor.power(False, 90.0)
    talk.sensor.power(True, 95.0)
    talk.run(140, talk.driver.wake)
    assert talk.driver.awake_since > 89_000
    assert near_the_truth(talk.since(126))


def test_sds011_exchanged_while_the_node_runs() -> None:
    talk = Talk("sds011")
    talk.run(40, talk.driver.wake)
    first = talk.driver.id
    for query in (False, True):
        other = EmulatedSds011(lambda _: AIR, 8, device_id=bytes([9, query]), unit=Unit())
        other.query_mode = query
        other.power(True, talk.now / 1000)
        talk.sensor = other
        start = talk.now / 1000
        talk.run(start + 10)
        talk.run(start + 30, talk.driver.wake)  # the ladder's, as a new one in query mode is silent
        assert talk.driver.id == f"090{int(query)}"
        assert near_the_truth(talk.since(start + 20))
        assert not other.query_mode
    assert talk.driver.rejects["foreign"] >= 3
    assert talk.driver.id != first


@pytest.mark.parametrize("kind", [EmulatedPms5003, EmulatedPms5003st])
def test_two_seconds_of_a_blocked_loop_at_the_fastest_rate_lose_nothing(kind: type[EmulatedPms5003]) -> None:
    talk = Talk(kind.model, sensor=kind(lambda _: AIR, 7, fast=True))
    talk.run(10, talk.driver.wake)
    before = talk.driver.frames
    for at in range(10, 60, 3):
        talk.blocked = at * 1000 + 2000
        talk.run(at + 3)
    assert talk.dropped == 0
    assert talk.driver.rejects == {}
    assert 250 <= talk.driver.frames - before <= 260


@pytest.mark.parametrize("fault", ["nack", "clock_stretch", "bit_flip", "crc_error"])
def test_pmsa003i_on_a_bad_bus(fault: str) -> None:
    talk = Talk("pmsa003i")
    talk.run(40, talk.driver.wake)
    setattr(talk.sensor.faults, fault, 0.02 if fault == "bit_flip" else 0.3)
    talk.run(400)
    assert near_the_truth(talk.since(40))
    assert len(talk.since(40)) > 75
    reason = {"nack": "no_ack", "clock_stretch": "no_ack"}.get(fault, "checksum")
    assert talk.driver.rejects[reason] > 40
