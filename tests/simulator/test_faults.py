"""Faults on demand and brown-outs of every emulated UART sensor."""

from __future__ import annotations

import random

from simulator.sensors import make_sensor
from simulator.sensors.faults import Faults, on_the_line
from simulator.sensors.plantower import Pms5003
from simulator.sensors.sds011 import Sds011
from tests.simulator.uart_frames import AIR, WIRES, every, fine, on

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
