"""What all emulated UART sensors have in common: they age, survive any input, and come from make_sensor."""

from __future__ import annotations

import random
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.sensors import MODELS, make_sensor
from simulator.sensors.base import MAX_HEARD, MAX_WAITING
from simulator.sensors.faults import Faults
from simulator.sensors.sds011 import Sds011
from simulator.sensors.unit import Unit
from tests.simulator.uart_frames import AIR, WIRES, both, every, fine, on

# Ageing.


@both
def test_an_old_device_reads_low_and_noisy(model: str) -> None:
    def run(age_h: float) -> tuple[float, float]:
        sensor = make_sensor(model, lambda _: (100, 200, 300), 5)
        sensor.age_h = age_h
        sensor.power(True, 0.0)
        values = [fine(model, frame) for frame in WIRES[model].split(sensor.advance(2000.0))[60:]]
        mean = sum(values) / len(values)
        return mean, sum((value - mean) ** 2 for value in values) / len(values)

    life_h, loss = (8000.0, 0.2) if model == "sds011" else (3 * 8766.0, 0.03)
    (new, new_noise), (old, old_noise) = run(0.0), run(life_h)
    assert abs(old / new - (1 - loss)) < 0.01
    assert 2.5 < old_noise / new_noise < 6  # twice the standard deviation


@both
def test_hours_of_work_are_counted_and_sleep_is_not(model: str) -> None:
    sensor = on(model)
    sensor.advance(7200.0)
    assert abs(sensor.age_h - 2) < 0.01
    sensor.asleep = True  # type: ignore[attr-defined]
    sensor.advance(14400.0)
    assert abs(sensor.age_h - 2) < 0.01


def test_a_working_period_spares_the_laser() -> None:
    sensor = Sds011(lambda _: AIR)
    sensor.period = 10
    sensor.power(True, 0.0)
    sensor.advance(36000.0)
    assert abs(sensor.age_h - 0.5) < 0.01  # 30 s in 10 minutes


def test_a_worn_out_laser_still_glows() -> None:
    assert Unit(drift=0).measure(100.0, 60.0, random.Random(1), 1e6) == pytest.approx(20)


# What may come from outside.


@every
@settings(max_examples=40, deadline=None)
@given(
    chunks=st.lists(
        st.one_of(
            st.binary(max_size=300), st.just(b"\xaa\xb4" * 50), st.just(b"\x42\x4d\xe2\0\0\x01\x71" * 9)
        ),
        max_size=30,
    ),
    data=st.data(),
)
def test_garbage_never_raises_and_memory_is_bounded(
    model: str, chunks: list[bytes], data: st.DataObject
) -> None:
    sensor = on(model)
    for at, chunk in enumerate(chunks):
        for fault in data.draw(st.sets(st.sampled_from(fields(Faults)), max_size=3)):
            setattr(sensor.faults, fault.name, 0.5 if isinstance(fault.default, float) else True)
        sensor.receive(chunk, float(at))
        assert len(sensor._heard) <= MAX_HEARD
        assert len(sensor._waiting) <= MAX_WAITING
        if at % 7 == 0:
            sensor.advance(float(at))


def test_unfetched_answers_do_not_pile_up() -> None:
    sensor = on("sds011")
    version = bytes.fromhex("AAB407000000000000000000000000FFFF05AB")
    for _ in range(2000):
        sensor.receive(version, 0.5)
    assert len(sensor._waiting) == MAX_WAITING


@every
def test_same_seed_same_bytes_whatever_the_faults(model: str) -> None:
    def run(seed: int) -> bytes:
        sensor = on(model, seed)
        for name in ("byte_loss", "bit_flip", "byte_shift", "truncated", "crc_error", "garbage", "no_value"):
            setattr(sensor.faults, name, 0.05)
        out = sensor.advance(100.0)
        sensor.brown_out(100.0)
        return out + sensor.advance(200.0)

    assert run(4) == run(4)
    assert run(4) != run(5)


# Making one.


def test_who_asks_for_what_is_not_there_is_told() -> None:
    with pytest.raises(ValueError, match=r"no emulator for sensor 'pms9'; there are: .*sds011"):
        make_sensor("pms9", lambda _: AIR)
    with pytest.raises(ValueError, match="'pmsa003i' is not on bus 'uart'; it is on: i2c"):
        make_sensor("pmsa003i", lambda _: AIR)


@pytest.mark.parametrize(("model", "bus"), [key for key in MODELS if key[0] in (*WIRES, "pmsa003i")])
def test_the_list_of_models_is_true(model: str, bus: str) -> None:
    sensor = make_sensor(model, lambda _: AIR, 1, bus=bus, weather=lambda _: (1.0, 50.0, 1000.0))
    assert sensor.model == model
    assert not sensor.powered
