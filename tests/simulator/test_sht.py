"""The emulated SHT3x and SHT4x against their datasheets."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.sensors import make_sensor
from simulator.sensors.i2c import I2cDevice, Nack
from simulator.sensors.sht3x import PERIODIC, SHOTS, STRETCHED, Sht3x
from simulator.sensors.sht4x import HEATS, Sht4x
from simulator.weather import Offsets, steady
from tests.simulator.words import fetch, send, words

AIR = (1.0, 2.0, 3.0)
OUTSIDE = steady(-7.5, 83.0, 1000.0)


def sht3x(**more: object) -> Sht3x:
    made = Sht3x(lambda _: AIR, weather=OUTSIDE, offsets=Offsets(), **more)  # type: ignore[arg-type]
    made.power(True, 0.0)
    return made


def sht4x(**more: object) -> Sht4x:
    made = Sht4x(lambda _: AIR, weather=OUTSIDE, offsets=Offsets(), **more)  # type: ignore[arg-type]
    made.power(True, 0.0)
    return made


def shown3(data: bytes) -> tuple[float, float]:
    """degC and % by the datasheet's 4.13."""
    temp, rh = int.from_bytes(data[:2], "big"), int.from_bytes(data[2:], "big")
    return -45 + 175 * temp / 65535, 100 * rh / 65535


def shown4(data: bytes) -> tuple[float, float]:
    temp, rh = int.from_bytes(data[:2], "big"), int.from_bytes(data[2:], "big")
    return -45 + 175 * temp / 65535, -6 + 125 * rh / 65535


def shoot(sensor: Sht4x, command: int, now: float, wait: float = 0.01) -> bytes:
    sensor.write(bytes([command]), now)
    return words(sensor.read(6, now + wait), 6)


# SHT3x


@pytest.mark.parametrize(("command", "longest"), [(0x2400, 0.015), (0x240B, 0.006), (0x2416, 0.004)])
def test_a_single_shot_takes_its_time_and_is_given_once(command: int, longest: float) -> None:
    sensor = sht3x()
    send(sensor, command, 1.0)
    with pytest.raises(Nack):
        sensor.read(6, 1.0 + 0.6 * longest)
    with pytest.raises(Nack):
        sensor.write(b"\xf3\x2d", 1.0 + 0.6 * longest)
    temp, rh = shown3(words(sensor.read(6, 1.0 + longest), 6))
    assert temp == pytest.approx(-7.5, abs=0.15)
    assert rh == pytest.approx(83, abs=0.25)
    with pytest.raises(Nack):
        sensor.read(6, 2.0)


def test_with_clock_stretching_the_values_come_at_once() -> None:
    sensor = sht3x()
    assert shown3(fetch(sensor, 0x2C06, 6, 1.0, wait=0.001))[0] == pytest.approx(-7.5, abs=0.1)


def test_periodic_mode_and_fetch() -> None:
    sensor = sht3x()
    send(sensor, 0x2130, 1.0)
    with pytest.raises(Nack):
        fetch(sensor, 0xE000, 6, 1.005, wait=0.001)
    fetch(sensor, 0xE000, 6, 1.5)
    with pytest.raises(Nack):
        fetch(sensor, 0xE000, 6, 1.6)  # nothing new
    fetch(sensor, 0xE000, 6, 2.6)
    with pytest.raises(Nack):
        send(sensor, 0x2400, 2.7)  # not in this mode
    send(sensor, 0x3093, 2.8)
    send(sensor, 0x2400, 2.9)
    words(sensor.read(6, 3.0), 6)


def test_status_tells_of_reset_heater_and_bad_commands() -> None:
    sensor = sht3x()
    assert fetch(sensor, 0xF32D, 3, 1.0) == b"\x80\x10"
    send(sensor, 0x3041, 1.1)
    assert fetch(sensor, 0xF32D, 3, 1.2) == b"\0\0"
    with pytest.raises(Nack):
        send(sensor, 0x1234, 1.3)
    assert sensor.status == 2
    send(sensor, 0x306D, 1.4)
    assert fetch(sensor, 0xF32D, 3, 1.5) == b"\x20\0"
    warm = shown3(fetch(sensor, 0x2400, 6, 1.6))
    assert warm[0] > -5.5
    assert warm[1] < 75
    send(sensor, 0x3066, 1.7)
    assert fetch(sensor, 0xF32D, 3, 1.8) == b"\0\0"
    send(sensor, 0x30A2, 1.9)
    with pytest.raises(Nack):
        sensor.write(b"", 1.901)
    assert fetch(sensor, 0xF32D, 3, 2.0) == b"\x80\x10"


def test_a_millisecond_must_pass_between_commands() -> None:
    sensor = sht3x()
    send(sensor, 0x3041, 1.0)
    with pytest.raises(Nack):
        send(sensor, 0xF32D, 1.0005)
    send(sensor, 0xF32D, 1.0011)
    sensor.read(3, 1.0012)


def test_serial_numbers_differ() -> None:
    one, two = sht3x(seed=1), sht3x(seed=2)
    assert fetch(one, 0x3780, 6, 1.0) == fetch(one, 0x3682, 6, 1.1) == one.serial
    assert fetch(two, 0x3780, 6, 1.0) != one.serial


# SHT4x


@pytest.mark.parametrize(("command", "longest"), [(0xFD, 0.0083), (0xF6, 0.0045), (0xE0, 0.0016)])
def test_sht4x_takes_its_time_and_gives_values_once(command: int, longest: float) -> None:
    sensor = sht4x()
    sensor.write(bytes([command]), 1.0)
    with pytest.raises(Nack):
        sensor.read(6, 1.0 + 0.6 * longest)
    temp, rh = shown4(words(sensor.read(6, 1.0 + longest), 6))
    assert temp == pytest.approx(-7.5, abs=0.12)
    assert rh == pytest.approx(83, abs=0.3)
    with pytest.raises(Nack):
        sensor.read(6, 2.0)


def test_sht4x_serial_reset_and_unknown_commands() -> None:
    sensor = sht4x()
    assert shoot(sensor, 0x89, 1.0, wait=0.0) == sensor.serial
    sensor.write(b"\xfd", 1.1)
    with pytest.raises(Nack):
        sensor.write(b"\x94", 1.101)
    sensor.write(b"\x94", 1.2)
    with pytest.raises(Nack):
        sensor.read(6, 1.3)  # forgotten
    sensor.write(b"\xfd", 1.35)
    with pytest.raises(Nack):
        sensor.write(b"\x77", 1.4)
    with pytest.raises(Nack):
        sensor.read(6, 1.5)


@pytest.mark.parametrize("command", list(HEATS))
def test_sht4x_heats_and_then_measures(command: int) -> None:
    sensor = sht4x()
    seconds, warmer = HEATS[command]
    sensor.write(bytes([command]), 1.0)
    with pytest.raises(Nack):
        sensor.read(6, 1.0 + seconds)
    temp, rh = shown4(words(sensor.read(6, 1.01 + seconds), 6))
    assert temp == pytest.approx(-7.5 + warmer, abs=0.2)
    assert rh < 60


def test_a_part_of_the_answer() -> None:
    sensor = sht4x()
    sensor.write(b"\xfd", 1.0)
    assert len(sensor.read(2, 1.01)) == 2
    sensor.write(b"\xfd", 2.0)
    assert sensor.read(8, 2.01)[6:] == b"\xff\xff"


# Both


def measure(sensor: I2cDevice, now: float) -> tuple[float, float]:
    if isinstance(sensor, Sht4x):
        return shown4(shoot(sensor, 0xFD, now))
    return shown3(fetch(sensor, 0x2400, 6, now))


@pytest.mark.parametrize("kind", [Sht3x, Sht4x])
def test_faults(kind: type[Sht3x] | type[Sht4x]) -> None:
    sensor = kind(lambda _: AIR, weather=OUTSIDE)
    sensor.power(True, 0.0)
    assert len({measure(sensor, 0.5 + i / 10) for i in range(5)}) > 2  # it is noisy
    good = measure(sensor, 1.0)
    sensor.weather = steady(30, 30, 1000)
    sensor.faults.stuck = True
    assert measure(sensor, 2.0) == good
    sensor.faults.stuck = False
    assert measure(sensor, 3.0)[0] > 29
    sensor.faults.saturated = True
    assert measure(sensor, 4.0)[1] == pytest.approx(100, abs=0.01)
    sensor.faults.crc_error = True
    with pytest.raises(AssertionError):
        measure(sensor, 5.0)
    sensor.faults.crc_error = False
    for code in (b"\xfd",) if kind is Sht4x else (b"\x24\x00",):
        sensor.write(code, 6.0)
        sensor.brown_out(6.005)
        with pytest.raises(Nack):
            sensor.read(6, 6.1)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(("model", "temp", "rh"), [("sht3x", 0.35, 2.2), ("sht4x", 0.25, 2.0)])
def test_units_keep_to_the_datasheets_limits(model: str, temp: float, rh: float, seed: int) -> None:
    sensor = make_sensor(model, lambda _: AIR, seed, bus="i2c", weather=OUTSIDE)
    sensor.power(True, 0.0)
    assert measure(sensor, 1.0) == (pytest.approx(-7.5, abs=temp), pytest.approx(83, abs=rh))


WORDS = [code.to_bytes(2, "big") for code in (*SHOTS, *STRETCHED, *PERIODIC)]
WORDS += [bytes.fromhex(text) for text in ("e000", "3093", "30a2", "306d", "f32d", "3041", "3780")]


@settings(max_examples=80)
@given(
    st.lists(
        st.tuples(
            st.one_of(
                st.sampled_from(WORDS), st.binary(max_size=5), st.sampled_from([b"\xfd", b"\x89", b"\x94"])
            ),
            st.integers(0, 9),
            st.floats(0, 0.05),
        ),
        max_size=40,
    ),
    st.integers(0, 3),
    st.sampled_from(["sht3x", "sht4x"]),
)
def test_anything_gives_bytes_or_no_acknowledge_and_the_same_again(
    steps: list[tuple[bytes, int, float]], seed: int, model: str
) -> None:
    def run() -> list[bytes | None]:
        sensor = make_sensor(model, lambda _: AIR, seed, bus="i2c")
        sensor.power(True, 0.0)
        now, log = 0.0, list[bytes | None]()
        for data, n, wait in steps:
            now += wait
            try:
                sensor.write(data, now)
                answer = sensor.read(n, now + wait)
            except Nack:
                log.append(None)
                continue
            assert len(answer) == n
            log.append(answer)
            now += wait
        return log

    assert run() == run()
