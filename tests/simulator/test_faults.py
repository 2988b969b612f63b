"""Faults on demand, brown-outs, ageing and robustness of every emulated UART sensor."""

from __future__ import annotations

import random
from dataclasses import dataclass, fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.sensors import MODELS, make_sensor
from simulator.sensors.base import MAX_HEARD, MAX_WAITING, Faults, Sensor
from simulator.sensors.faults import on_the_line
from simulator.sensors.plantower import Pms5003
from simulator.sensors.sds011 import Sds011
from simulator.sensors.unit import Unit

AIR = (8.0, 20.0, 33.0)


@dataclass
class Wire:
    """What frames of a model look like: an own few lines, so that a fault of the emulator shows."""

    length: int
    head: bytes

    def whole(self, frame: bytes) -> bool:
        if len(frame) != self.length or not frame.startswith(self.head):
            return False
        if self.head[0] == 0xAA:
            return frame[9] == 0xAB and sum(frame[2:8]) % 256 == frame[8]
        return sum(frame[:-2]) == int.from_bytes(frame[-2:], "big")

    def split(self, data: bytes) -> list[bytes]:
        """Of an undisturbed line, or one whose frames keep their length."""
        return [data[i : i + self.length] for i in range(0, len(data), self.length)]


SHORT, LONG = b"\x42\x4d\x00\x14", b"\x42\x4d\x00\x24"
PMS = Wire(32, b"\x42\x4d\x00\x1c")
WIRES = {
    "sds011": Wire(10, b"\xaa\xc0"),
    "pms3003": Wire(24, SHORT),
    "pms5003": PMS,
    "pms7003": PMS,
    "pmsa003": PMS,
    "pms5003t": PMS,
    "pms5003st": Wire(40, LONG),
}
every = pytest.mark.parametrize("model", WIRES)
both = pytest.mark.parametrize("model", ["sds011", "pms5003"])


def on(model: str, seed: int = 3) -> Sensor:
    sensor = make_sensor(model, lambda _: AIR, seed)
    sensor.power(True, 0.0)
    return sensor


def fine(model: str, frame: bytes) -> float:
    """The PM2.5 of a frame."""
    if model == "sds011":
        return int.from_bytes(frame[2:4], "little") / 10
    return int.from_bytes(frame[12:14], "big")


# The line.


@every
def test_a_healthy_line_carries_whole_frames_only(model: str) -> None:
    wire = WIRES[model]
    frames = wire.split(on(model).advance(300.0))
    assert len(frames) > 100
    assert all(wire.whole(frame) for frame in frames)


@every
def test_a_wrong_sum_is_all_that_is_wrong(model: str) -> None:
    wire, bad = WIRES[model], on(model)
    bad.faults.crc_error = True
    frames = wire.split(bad.advance(300.0))
    assert len(frames) > 100
    for frame in frames:
        right = sum(frame[2:8]) % 256 if model == "sds011" else sum(frame[:-2]) % 256
        at = 8 if model == "sds011" else wire.length - 1
        assert (frame[at] ^ right).bit_count() == 1
        assert wire.whole(frame[:at] + bytes([right]) + frame[at + 1 :])


@every
def test_a_probability_is_kept_to(model: str) -> None:
    wire, sensor = WIRES[model], on(model)
    sensor.faults.crc_error = 0.2
    frames = wire.split(sensor.advance(3000.0))
    share = sum(not wire.whole(frame) for frame in frames) / len(frames)
    assert 0.14 < share < 0.26


def faulty(frame: bytes, seed: int, **faults: float) -> bytes:
    return on_the_line(frame, Faults(**faults), random.Random(seed))  # type: ignore[arg-type]


FRAME = bytes(range(100, 132))


def test_each_fault_of_the_line_does_what_its_name_says() -> None:
    lengths, places = set(), set()
    for seed in range(400):
        cut = faulty(FRAME, seed, truncated=True)
        assert 1 <= len(cut) < len(FRAME)
        assert FRAME.startswith(cut)
        lengths.add(len(cut))

        shifted = faulty(FRAME, seed, byte_shift=True)
        assert abs(len(shifted) - len(FRAME)) == 1
        at = next((i for i, byte in enumerate(FRAME) if shifted[i : i + 1] != bytes([byte])), len(FRAME))
        step = len(shifted) - len(FRAME)
        assert shifted[at + max(step, 0) :] == FRAME[at + max(-step, 0) :]
        places.add((at, step))

        noisy = faulty(FRAME, seed, garbage=True)
        assert noisy.endswith(FRAME)
        assert 1 <= len(noisy) - len(FRAME) <= 40

        flipped = faulty(FRAME, seed, bit_flip=True)
        assert all((a ^ b).bit_count() == 1 for a, b in zip(FRAME, flipped, strict=True))
    assert lengths == set(range(1, 32))
    assert len(places) > 40
    assert faulty(FRAME, 1, byte_loss=True) == b""
    assert faulty(FRAME, 1) == FRAME


@every
def test_byte_loss_and_bit_flips_come_at_their_rate(model: str) -> None:
    clean, lossy, flipping = on(model).advance(500.0), on(model), on(model)
    lossy.faults.byte_loss = 0.1
    assert 0.86 < len(lossy.advance(500.0)) / len(clean) < 0.94
    flipping.faults.bit_flip = 0.05
    frames = WIRES[model].split(flipping.advance(500.0))
    whole = sum(WIRES[model].whole(frame) for frame in frames) / len(frames)
    assert abs(whole - 0.95 ** WIRES[model].length) < 0.15


# The device.


@every
def test_mute_until_it_is_power_cycled(model: str) -> None:
    sensor = on(model)
    assert sensor.advance(10.0)
    sensor.faults.mute = True
    assert sensor.advance(100.0) == b""
    sensor.brown_out(100.0)
    assert sensor.advance(200.0) == b""
    sensor.power(False, 200.0)
    sensor.power(True, 201.0)
    assert sensor.advance(220.0)


@every
def test_stuck_repeats_what_it_last_measured(model: str) -> None:
    wire, healthy, stuck = WIRES[model], on(model), on(model)
    before = wire.split(stuck.advance(60.0))[-1]
    healthy.advance(60.0)
    stuck.faults.stuck = True
    frames = wire.split(stuck.advance(160.0))
    assert len(frames) > 40
    assert set(frames) == {before}
    if model in ("sds011", "pms5003"):  # in whole ug/m3 a healthy one may hold still too
        assert len(set(wire.split(healthy.advance(160.0)))) > 5


@every
def test_clogged_shows_next_to_nothing_although_there_is_dust(model: str) -> None:
    wire, sensor = WIRES[model], on(model)
    sensor.faults.clogged = True
    frames = wire.split(sensor.advance(200.0))
    assert all(wire.whole(frame) for frame in frames)
    assert all(fine(model, frame) < 0.6 for frame in frames)
    if model == "sds011":
        assert all(frame[2:4] == frame[4:6] for frame in frames)
    else:
        assert {fine(model, frame) for frame in frames} == {0}
        assert {frame[4:16] for frame in frames} == {bytes(12)}


@every
def test_saturated_shows_the_top_of_its_scale(model: str) -> None:
    wire, sensor = WIRES[model], on(model)
    sensor.faults.saturated = True
    frames = wire.split(sensor.advance(200.0))
    top = 999.9 if model == "sds011" else 3000
    assert all(wire.whole(frame) and fine(model, frame) == top for frame in frames)


@every
def test_a_fan_that_stands_still(model: str) -> None:
    wire, sensor = WIRES[model], on(model)
    sensor.advance(60.0)
    sensor.faults.fan_error = True
    frames = wire.split(sensor.advance(200.0))
    assert all(wire.whole(frame) for frame in frames)
    if model == "sds011":
        assert {frame[2:6] for frame in frames} == {bytes.fromhex("0F271F4E")}  # 999.9 and 1999.9
        return
    assert {fine(model, frame) for frame in frames} == {0}
    if model != "pms3003":  # which has no error byte
        assert all(frame[-3] for frame in frames)
    sensor.faults.fan_error = False
    last = wire.split(sensor.advance(260.0))[-1]
    assert fine(model, last) > 5
    assert model == "pms3003" or last[-3] == 0


@every
def test_marks_of_no_value(model: str) -> None:
    wire, sensor = WIRES[model], on(model)
    sensor.faults.no_value = 0.5
    frames = wire.split(sensor.advance(600.0))
    assert all(wire.whole(frame) for frame in frames)
    marked = [frame for frame in frames if fine(model, frame) >= (3276.7 if model == "sds011" else 0x7FFF)]
    assert 0.35 < len(marked) / len(frames) < 0.65
    ends = {frame[4:6] for frame in marked}
    assert ends == {b"\xff\xff", b"\xff\x7f" if model == "sds011" else b"\x7f\xff"}


@every
def test_a_brown_out_cuts_a_frame_and_starts_the_device_anew(model: str) -> None:
    wire = WIRES[model]
    cuts = set()
    for seed in range(30):
        sensor = on(model, seed)
        last = wire.split(sensor.advance(50.0))[-1]
        sensor.brown_out(50.0)
        cut = sensor.advance(50.0)
        assert 1 <= len(cut) < wire.length
        assert last.startswith(cut)
        cuts.add(len(cut))
        assert sensor.advance(50.9) == b""  # it boots
        assert all(wire.whole(frame) for frame in wire.split(sensor.advance(80.0)))
    assert len(cuts) > 4


def test_a_brown_out_loses_ram_and_keeps_what_is_stored() -> None:
    nova = Sds011(lambda _: AIR, 1)
    nova.power(True, 0.0)
    nova.query_mode, nova.period, nova.asleep, nova.device_id = True, 3, True, b"\x12\x34"
    nova.receive(b"\xaa\xb4\x04", 1.0)
    nova.brown_out(2.0)
    assert (nova.query_mode, nova.period, nova.device_id) == (True, 3, b"\x12\x34")
    assert not nova.asleep
    assert len(nova._heard) == 0
    tower = Pms5003(lambda _: AIR, 1)
    tower.power(True, 0.0)
    tower.active, tower.asleep = False, True
    tower.brown_out(2.0)
    assert tower.active
    assert not tower.asleep


def test_a_brown_out_of_a_device_without_power_is_nothing() -> None:
    sensor = make_sensor("sds011", lambda _: AIR)
    sensor.brown_out(5.0)
    assert sensor.advance(50.0) == b""


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
