"""The PMS5003's relatives: other words in the frame, no commands, or I2C."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from simulator.sensors.i2c import Nack
from simulator.sensors.plantower import Pms3003, Pms5003, Pms5003st, Pms5003t, Pms7003, Pmsa003
from simulator.sensors.pmsa003i import Pmsa003i
from simulator.sensors.unit import Unit
from simulator.weather import Offsets

AIR = (8.2, 12.4, 20.6)
MASSES = (8, 12, 21)
WAKE, PASSIVE, READ = (bytes.fromhex(text) for text in ("424de400010174", "424de100000170", "424de200000171"))


def words(frame: bytes) -> tuple[int, ...]:
    """All words of a data frame after its length, without the sum; asserts the frame whole."""
    head, length = struct.unpack(">HH", frame[:4])
    assert (head, length) == (0x424D, len(frame) - 4)
    assert sum(frame[:-2]) == int.from_bytes(frame[-2:], "big")
    return struct.unpack(f">{length // 2 - 1}H", frame[4:-2])


def last(sensor: Pms5003, length: int) -> bytes:
    return sensor.advance(30.0)[-length:]


def climate(temp: float, rh: float) -> Callable[[float], tuple[float, float, float]]:
    return lambda _: (temp, rh, 1000.0)


@pytest.mark.parametrize(("kind", "version"), [(Pms5003, 0x97), (Pms7003, 0x67), (Pmsa003, 0x97)])
def test_the_common_frame(kind: type[Pms5003], version: int) -> None:
    sensor = kind(lambda _: AIR, unit=Unit())
    sensor.power(True, 0.0)
    values = words(last(sensor, 32))
    assert values[:6] == MASSES * 2
    assert values[12] == version << 8
    assert list(values[6:12]) == sorted(values[6:12], reverse=True)


def test_pms5003t_has_the_words_of_a_capture() -> None:
    """A capture of PyPMS: 21.2 degC, 22.4 %, version 0x9A, and four counts."""
    capture = words(
        bytes.fromhex(
            "424d001c00170027002900160023002910080 4a9 0116 000c 00d4 00e0 9a00 04aa".replace(" ", "")
        )
    )
    sensor = Pms5003t(lambda _: AIR, unit=Unit(), weather=climate(21.2, 22.4), offsets=Offsets())
    sensor.power(True, 0.0)
    values = words(last(sensor, 32))
    assert len(values) == len(capture) == 13
    assert values[:6] == MASSES * 2
    assert values[6] > values[7] > values[8] > values[9] > 0
    assert values[10:] == capture[10:]


@pytest.mark.parametrize(
    ("temp", "rh", "expected"),
    [(-12.3, 81.0, (0x10000 - 123, 810)), (0.0, 0.0, (0, 0)), (38.05, 120.0, (380, 1000))],
)
def test_temperature_is_signed_and_humidity_stays_within_100(
    temp: float, rh: float, expected: tuple[int, int]
) -> None:
    sensor = Pms5003t(lambda _: AIR, weather=climate(temp, rh), offsets=Offsets())
    sensor.power(True, 0.0)
    assert words(last(sensor, 32))[10:12] == expected


def test_climate_differs_from_unit_to_unit_and_sticks_with_the_rest() -> None:
    seen = set()
    for seed in range(20):
        sensor = Pms5003t(lambda _: AIR, seed, weather=climate(20.0, 50.0))
        sensor.power(True, 0.0)
        temp, rh = words(last(sensor, 32))[10:12]
        assert abs(temp - 200) <= 5
        assert abs(rh - 500) <= 20
        seen.add((temp, rh))
    assert len(seen) > 10
    rising = Pms5003t(lambda _: AIR, weather=lambda t: (t, t, 1000.0), offsets=Offsets())
    rising.power(True, 0.0)
    before = words(rising.advance(30.0)[-32:])[10:12]
    rising.faults.stuck = True
    assert words(rising.advance(60.0)[-32:])[10:12] == before
    rising.faults.stuck = False
    assert words(rising.advance(90.0)[-32:])[10] > before[0] + 500


def test_pms5003st_has_formaldehyde_temperature_and_humidity() -> None:
    sensor = Pms5003st(lambda _: AIR, unit=Unit(), weather=climate(-3.0, 91.5), offsets=Offsets())
    sensor.power(True, 0.0)
    values = words(last(sensor, 40))
    assert len(values) == 17
    assert values[:6] == MASSES * 2
    assert list(values[6:12]) == sorted(values[6:12], reverse=True)
    assert values[12:] == (12, 0x10000 - 30, 915, 0, 0x9700)


def test_pms3003_has_masses_only_and_takes_no_commands() -> None:
    assert words(bytes.fromhex("424d0014000100010001000100010001000000000051 00fa".replace(" ", "")))[6:] == (
        0,
        0,
        0x51,
    )
    sensor = Pms3003(lambda _: AIR, unit=Unit())
    sensor.power(True, 0.0)
    assert words(last(sensor, 24)) == (*MASSES, *MASSES, 0, 0, 0x51)
    for command in (PASSIVE, READ, bytes.fromhex("424de400000173")):
        sensor.receive(command, 30.0)
    frames = sensor.advance(30.0 + 180.9)
    assert len(frames) == 24 * 100  # none is a reply, and it neither sleeps nor falls silent
    assert sensor.active
    assert not sensor.asleep


def test_the_others_take_the_family_s_commands() -> None:
    for kind, length in ((Pms5003t, 32), (Pms5003st, 40), (Pms7003, 32)):
        sensor = kind(lambda _: AIR)
        sensor.power(True, 0.0)
        sensor.receive(PASSIVE, 20.0)
        sensor.advance(20.1)
        assert sensor.advance(40.0) == b""
        sensor.receive(READ, 40.0)
        assert len(words(sensor.advance(40.1))) == (length - 6) // 2


# PMSA003I.


def over_i2c(**more: object) -> Pmsa003i:
    sensor = Pmsa003i(lambda _: AIR, unit=Unit(), **more)  # type: ignore[arg-type]
    sensor.power(True, 0.0)
    return sensor


def test_pmsa003i_gives_the_frame_of_the_pmsa003() -> None:
    sensor = over_i2c()
    uart = Pmsa003(lambda _: AIR, unit=Unit())
    uart.power(True, 0.0)
    assert sensor.address == 0x12
    assert sensor.read(32, 30.0) == last(uart, 32)
    assert sensor.read(34, 30.0)[30:] == sensor.read(32, 30.0)[30:] + b"\xff\xff"


def test_pmsa003i_answers_three_seconds_after_power_on_or_a_brown_out() -> None:
    sensor = over_i2c()
    for at in (0.0, 50.0):
        with pytest.raises(Nack):
            sensor.write(b"", at + 0.5)
        with pytest.raises(Nack):
            sensor.read(32, at + 2.9)
        assert words(sensor.read(32, at + 3.0))[12] == 0x9702  # the fan starts
        assert words(sensor.read(32, at + 20.0))[12] == 0x9700
        sensor.brown_out(50.0)


def test_pmsa003i_reads_from_a_register_once() -> None:
    sensor = over_i2c()
    frame = sensor.read(32, 30.0)
    sensor.write(b"\x04", 30.0)
    assert sensor.read(6, 30.0) == frame[4:10]
    assert sensor.read(6, 30.0) == frame[:6]
    sensor.write(b"\xf0", 30.0)
    assert sensor.read(2, 30.0) == b"\xff\xff"


def test_pmsa003i_measures_on_its_own_clock_and_repeats_itself_between() -> None:
    sensor = Pmsa003i(lambda t: (t, t, t), unit=Unit(), fast=True)
    sensor.power(True, 0.0)
    seen = [words(sensor.read(32, 20 + i / 50))[4] for i in range(500)]
    assert len(set(seen)) <= 12  # whole ug/m3 in 10 s
    still = over_i2c()
    assert still.read(32, 30.0) == still.read(32, 30.1)


def test_pmsa003i_faults() -> None:
    clogged, fan, full, stuck = (over_i2c() for _ in range(4))
    clogged.faults.clogged = fan.faults.fan_error = full.faults.saturated = True
    assert words(clogged.read(32, 30.0))[:6] == (0,) * 6
    assert words(fan.read(32, 30.0))[12] & 0xFF
    assert words(full.read(32, 30.0))[3:12] == (3000,) * 3 + (0xFFFF,) * 6
    spoiled = over_i2c()
    spoiled.faults.crc_error = 0.5
    bad = 0
    for i in range(200):
        frame = spoiled.read(32, 30.0 + i)
        bad += sum(frame[:-2]) != int.from_bytes(frame[-2:], "big")
    assert 70 < bad < 130
    stuck.read(32, 30.0)
    stuck.faults.no_value = 1.0
    assert words(stuck.read(32, 31.0))[:12] in ((0xFFFF,) * 12, (0x7FFF,) * 12)
