"""The emulated DHT22 (AM2302) against its manual."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.sensors import make_sensor
from simulator.sensors.dht22 import Dht22
from simulator.sensors.pin import NoAnswer
from simulator.weather import Offsets, steady

AIR = (1.0, 2.0, 3.0)


def device(temp: float = 35.1, rh: float = 65.2, **more: object) -> Dht22:
    """A unit without error, powered since 0 s."""
    made = Dht22(lambda _: AIR, weather=steady(temp, rh, 1000), offsets=Offsets(), **more)  # type: ignore[arg-type]
    made.power(True, 0.0)
    return made


def shown(frame: bytes) -> tuple[float, float]:
    """degC and %; asserts the sum."""
    assert len(frame) == 5
    assert sum(frame[:4]) % 256 == frame[4]
    temp = int.from_bytes(frame[2:4], "big")
    return (-(temp & 0x7FFF) if temp & 0x8000 else temp) / 10, int.from_bytes(frame[:2], "big") / 10


def test_the_manuals_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    sensor = device()
    monkeypatch.setattr(sensor, "_measure", lambda at: (652, 351))
    assert sensor.read(2.0) == bytes.fromhex("028C015FEE")
    monkeypatch.setattr(sensor, "_measure", lambda at: (652, -101))
    assert sensor.read(4.1)[2:4] == b"\x80\x65"


def test_it_measures_the_weather() -> None:
    temp, rh = shown(device(-12.3, 88).read(2.0))
    assert temp == pytest.approx(-12.3, abs=0.4)
    assert rh == pytest.approx(88, abs=2)


def test_no_answer_in_the_first_second_or_without_power() -> None:
    sensor = device()
    with pytest.raises(NoAnswer):
        sensor.read(0.9)
    sensor.read(1.1)
    sensor.power(False, 2.0)
    with pytest.raises(NoAnswer):
        sensor.read(3.0)
    sensor.power(True, 4.0)
    with pytest.raises(NoAnswer):
        sensor.read(4.5)


def test_within_two_seconds_it_says_the_same_again() -> None:
    sensor = device()
    first = sensor.read(2.0)
    sensor.weather = steady(0, 50, 1000)
    assert sensor.read(2.5) == sensor.read(3.9) == first


def test_after_a_pause_the_first_answer_is_old() -> None:
    sensor = device()
    now = {"weather": (35.0, 65.0, 1000.0)}
    sensor.weather = lambda t: now["weather"] if t >= 100 else (10.0, 50.0, 1000.0)
    sensor.read(2.0)
    assert shown(sensor.read(100.0))[0] == pytest.approx(10, abs=0.4)  # as it was at 2 s
    assert shown(sensor.read(102.5))[0] == pytest.approx(35, abs=0.4)


def test_some_units_send_twos_complement() -> None:
    frame = device(-10.1, twos_complement=True).read(2.0)
    assert int.from_bytes(frame[2:4], "big", signed=True) / 10 == pytest.approx(-10.1, abs=0.4)
    assert frame[2] == 0xFF


def test_values_keep_to_the_range() -> None:
    assert shown(device(95, 100).read(2.0))[0] == 80.0
    assert shown(device(-55, 0).read(2.0))[0] == -40.0
    assert shown(device(20, 140).read(2.0))[1] <= 99.9


def test_faults() -> None:
    sensor = device()
    first = sensor.read(2.0)
    sensor.weather = steady(0, 50, 1000)
    sensor.faults.stuck = True
    assert sensor.read(10.0) == sensor.read(20.0) == first
    sensor.faults.stuck = False
    sensor.read(30.0)
    assert shown(sensor.read(33.0))[0] < 1
    sensor.faults.saturated = True
    assert shown(sensor.read(40.0))[1] == 99.9
    sensor.faults.saturated = False
    sensor.faults.crc_error = True
    with pytest.raises(AssertionError):
        shown(sensor.read(50.0))
    sensor.faults.crc_error = False
    good = sensor.read(53.0)
    sensor.faults.bit_flip = True
    assert all((ours ^ theirs).bit_count() == 1 for ours, theirs in zip(good, sensor.read(54.0), strict=True))
    sensor.faults.bit_flip = False
    for name in ("nack", "truncated", "byte_loss", "no_value", "mute"):
        setattr(sensor.faults, name, True)
        with pytest.raises(NoAnswer):
            sensor.read(60.0)
        setattr(sensor.faults, name, False)
    sensor.brown_out(70.0)
    with pytest.raises(TimeoutError):
        sensor.read(70.5)


@pytest.mark.parametrize("seed", range(12))
def test_units_keep_to_the_manuals_limits(seed: int) -> None:
    sensor = make_sensor("dht22", lambda _: AIR, seed, bus="pin", weather=steady(21, 45, 1000))
    assert isinstance(sensor, Dht22)
    sensor.power(True, 0.0)
    temp, rh = shown(sensor.read(2.0))
    assert abs(temp - 21) <= 0.8
    assert abs(rh - 45) <= 3.5


@settings(max_examples=50)
@given(st.lists(st.floats(0, 5), max_size=40), st.integers(0, 5), st.floats(0, 1), st.floats(0, 1))
def test_same_seed_same_answers(waits: list[float], seed: int, bits: float, loss: float) -> None:
    def run() -> list[bytes | None]:
        sensor = make_sensor("dht22", lambda _: AIR, seed, bus="pin")
        assert isinstance(sensor, Dht22)
        sensor.power(True, 0.0)
        sensor.faults.bit_flip, sensor.faults.byte_loss = bits, loss
        now, log = 0.0, list[bytes | None]()
        for wait in waits:
            now += wait
            try:
                log.append(sensor.read(now))
            except NoAnswer:
                log.append(None)
        return log

    assert run() == run()
