"""Every fault does something to every emulator, or the emulator says that it cannot befall it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import fields

import pytest

from simulator.sensors import MODELS, make_sensor
from simulator.sensors.base import Device, Sensor
from simulator.sensors.faults import Faults, slipped
from simulator.sensors.i2c import I2cDevice, Nack, Stretched
from simulator.sensors.pin import NoAnswer, PinDevice
from simulator.sensors.sensirion import with_crcs
from simulator.sensors.sps30_uart import check_sum, framed

Answers = list[object]
TURNS, HEALTHY = 110, 30


def air(t: float) -> tuple[float, float, float]:
    return 10 + t % 7, 20 + t % 11, 30 + t % 13


def weather(t: float) -> tuple[float, float, float]:
    return 15 + t % 5, 50 + t % 9, 1000 + t % 3


def command(*content: int) -> bytes:
    inner = bytes([0, content[0], len(content) - 1, *content[1:]])
    return framed(inner + bytes([check_sum(inner)]))


def on_uart(device: Device, turn: int, now: float) -> Answers:
    assert isinstance(device, Sensor)
    if device.model == "sps30":
        device.receive(command(0x00, 0x01, 0x03) if turn == 1 else command(0x03), now)
        device.receive(command(0xD2, 0), now)
    return [device.advance(now), device.advance(now + 0.5)]


# (what starts it, [(what is written, seconds until what is read, how many bytes)])
Script = tuple[bytes, list[tuple[bytes, float, int]]]
CALLS: dict[str, Script] = {
    "pmsa003i": (b"", [(b"", 0, 32)]),
    "sps30": (b"\x00\x10" + with_crcs(b"\x03\x00"), [(b"\x03\x00", 0, 60), (b"\xd2\x06", 0, 6)]),
    "sen5": (b"\x00\x21", [(b"\x03\xc4", 0.05, 24), (b"\xd2\x06", 0.05, 6)]),
    "bm": (b"\xf2\x01", [(b"\xf4\x25", 0.05, 0), (b"\xf7", 0, 8)]),
    "sht3x": (b"", [(b"\x24\x00", 0.05, 6)]),
    "sht4x": (b"", [(b"\xfd", 0.05, 6)]),
}


def on_i2c(device: Device, turn: int, now: float) -> Answers:
    assert isinstance(device, I2cDevice)
    start, calls = next(calls for model, calls in CALLS.items() if device.model.startswith(model))
    answers: Answers = [device.holds_sda]
    parts = [(start, 0.0, 0)] if turn == 1 and start else calls
    for told, wait, length in parts:
        try:
            if told:
                device.begin(now)
                device.write(device.heard(told), now)
            now += wait
            device.begin(now)
            answers.append(device.spoiled(device.read(length, now)))
        except (Nack, Stretched) as error:
            answers.append(type(error))
    return answers


def on_pin(device: Device, turn: int, now: float) -> Answers:
    assert isinstance(device, PinDevice)
    try:
        return [device.read(2 * now)]
    except NoAnswer:
        return [NoAnswer]


TALK: dict[str, Callable[[Device, int, float], Answers]] = {"uart": on_uart, "i2c": on_i2c, "pin": on_pin}


def all_answers(model: str, bus: str, **faults: float) -> Answers:
    """To the same questions; the faults come after HEALTHY turns."""
    device = make_sensor(model, air, 1, bus=bus, weather=weather)
    device.power(True, 0.0)
    got: Answers = []
    for turn in range(1, TURNS):
        if turn == HEALTHY:
            device.faults = Faults(**faults)  # type: ignore[arg-type]
        got += TALK[bus](device, turn, float(turn))
    return got


@pytest.mark.parametrize(("model", "bus"), MODELS)
def test_each_fault_does_something_or_is_said_to_do_nothing(model: str, bus: str) -> None:
    healthy = all_answers(model, bus)
    assert len({repr(answer) for answer in healthy}) > 10
    assert all_answers(model, bus) == healthy  # same seed, same bytes
    idle = {
        fault.name
        for fault in fields(Faults)
        if all_answers(model, bus, **{fault.name: True if fault.type == "bool" else 0.4}) == healthy
    }
    assert idle == make_sensor(model, air, bus=bus).spared


def test_a_clock_lost_or_won_shifts_all_that_follows() -> None:
    data = bytes([0b10110010, 0b00000000, 0b11111111, 0b01010101])
    seen = {slipped(data, random.Random(seed)) for seed in range(300)}
    assert all(len(each) == len(data) for each in seen)
    # Without its first bit: each byte ends with what the device left of an acknowledge, a 1.
    assert bytes([0b01100101, 0b00000001, 0b11111111, 0b10101011]) in seen
    # With its first bit twice: each byte begins with that 1.
    assert bytes([0b11011001, 0b10000000, 0b11111111, 0b10101010]) in seen
    assert len(seen) > 20


def test_what_breaks_off_on_i2c_goes_on_with_ones() -> None:
    device = make_sensor("bme280", air, bus="i2c")
    device.faults.truncated = True
    cuts = [device.spoiled(bytes(8)) for _ in range(100)]
    assert {each.count(0) for each in cuts} == set(range(1, 8))
    assert all(each == bytes(each.count(0)).ljust(8, b"\xff") for each in cuts)


def test_noise_is_on_both_wires() -> None:
    """A command that is lost or flipped on its way is one that the device never got."""
    for fault in ("byte_loss", "bit_flip"):
        device = make_sensor("sds011", air, bus="uart")
        device.power(True, 0.0)
        setattr(device.faults, fault, 0.3)
        device.receive(b"\xaa\xb4\x06\x01\x00" + bytes(10) + b"\xff\xff\x05\xab", 0.1)
        assert not getattr(device, "asleep")  # noqa: B009
    sensor = make_sensor("sht4x", air, bus="i2c")
    sensor.faults.bit_flip = True
    assert sensor.heard(b"\xfd") != b"\xfd"
