"""The emulated SEN50, SEN54, SEN55 against the datasheet version 2."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.sensors import make_sensor
from simulator.sensors.i2c import Nack
from simulator.sensors.sen5x import KNOWN, Sen50, Sen54, Sen55
from simulator.sensors.sensirion import with_crcs
from simulator.sensors.unit import Unit
from simulator.weather import Offsets, steady
from tests.simulator.words import fetch, send

CITY = (6.0, 9.0, 12.0)
OUTSIDE = steady(-4.0, 61.0, 1000.0)
NONE, NO_SIGNED = 0xFFFF, 0x7FFF


def device(kind: type[Sen50] = Sen55, air: tuple[float, float, float] = CITY, **more: object) -> Sen50:
    """A unit without error or drift, powered since 0 s."""
    made = kind(lambda _: air, weather=OUTSIDE, unit=Unit(), offsets=Offsets(), **more)  # type: ignore[arg-type]
    made.power(True, 0.0)
    return made


def values(sensor: Sen50, now: float) -> tuple[int, ...]:
    """PM1, PM2.5, PM4, PM10, humidity, temperature, VOC, NOx."""
    return struct.unpack(">4H4h", fetch(sensor, 0x03C4, 24, now))


def test_values_of_a_sen55() -> None:
    sensor = device()
    assert values(sensor, 0.5) == (NONE,) * 4 + (NO_SIGNED,) * 4
    send(sensor, 0x0021, 1.0)
    assert fetch(sensor, 0x0202, 3, 1.9) == b"\0\0"
    assert values(sensor, 1.95) == (NONE,) * 4 + (NO_SIGNED,) * 4
    assert fetch(sensor, 0x0202, 3, 2.1) == b"\0\1"
    pm1, pm25, pm4, pm10, rh, temp, voc, nox = values(sensor, 60.0)
    assert (pm1, pm25, pm4, pm10) == (60, 90, 115, 120)
    assert rh / 100 == pytest.approx(61, abs=0.5)
    assert temp / 200 == pytest.approx(-4, abs=0.4)
    assert voc / 10 == pytest.approx(100, abs=20)
    assert 10 <= nox < 40
    assert fetch(sensor, 0x0202, 3, 60.1) == b"\0\0"  # read


def test_nox_comes_after_ten_seconds_of_measurement_voc_begins_with_zero() -> None:
    sensor = device()
    send(sensor, 0x0021, 1.0)
    assert values(sensor, 11.5)[6:] == (0, NO_SIGNED)
    assert values(sensor, 12.5)[7] != NO_SIGNED
    send(sensor, 0x0104, 13.0)
    send(sensor, 0x0021, 14.0)
    assert values(sensor, 15.1)[7] != NO_SIGNED  # no power cut between
    send(sensor, 0xD304, 20.0)
    send(sensor, 0x0021, 21.0)
    assert values(sensor, 23.0)[7] == NO_SIGNED


@pytest.mark.parametrize(("kind", "missing"), [(Sen50, (4, 5, 6, 7)), (Sen54, (7,)), (Sen55, ())])
def test_what_a_model_does_not_have(kind: type[Sen50], missing: tuple[int, ...]) -> None:
    sensor = device(kind)
    send(sensor, 0x0021, 1.0)
    shown = values(sensor, 99.0)
    assert tuple(i for i, value in enumerate(shown) if value == NO_SIGNED) == missing
    assert fetch(sensor, 0xD014, 48, 100.0).rstrip(b"\0") == kind.model.upper().encode()


def test_climate_only_and_switching_between() -> None:
    sensor = device()
    send(sensor, 0x0037, 1.0)
    shown = values(sensor, 5.0)
    assert shown[:4] == (NONE,) * 4
    assert shown[5] != NO_SIGNED
    send(sensor, 0x0021, 6.0)
    assert values(sensor, 8.1)[1] != NONE
    send(sensor, 0x0037, 9.0)
    assert values(sensor, 11.1)[1] == NONE
    old = device(firmware=(1, 0))
    send(old, 0x0037, 1.0)
    send(old, 0x0021, 6.0)
    assert values(old, 8.1)[1] == NONE
    plain = device(Sen50)
    send(plain, 0x0037, 1.0)
    assert not plain.measuring


def test_it_needs_its_time_and_does_not_acknowledge_meanwhile() -> None:
    sensor = device()
    with pytest.raises(Nack):
        sensor.write(b"", 0.05)  # boots
    steps = ((0x0021, 0.05), (0x0202, 0.02), (0x0104, 0.2), (0xD304, 0.1))
    for now, (code, seconds) in enumerate(steps, start=1):
        send(sensor, code, now)
        with pytest.raises(Nack):
            sensor.read(3, now + 0.9 * seconds)
        sensor.write(b"", now + 1.01 * seconds)


def test_cleaning_holds_the_values_and_only_while_the_fan_runs() -> None:
    sensor = device()
    send(sensor, 0x5607, 0.5)
    send(sensor, 0x0021, 1.0)
    before = values(sensor, 60.1)
    sensor.air = lambda _: (20.0, 30.0, 40.0)
    send(sensor, 0x5607, 60.5)
    assert fetch(sensor, 0xD206, 6, 61.5) == b"\0\x08\0\0"
    assert values(sensor, 69.5) == before
    assert fetch(sensor, 0x0202, 3, 69.9) == b"\0\0"
    assert values(sensor, 72.1)[1] == 300
    assert fetch(sensor, 0xD206, 6, 73.5) == b"\0\0\0\0"
    send(sensor, 0x5607, 80.0)
    send(sensor, 0x0104, 81.0)
    assert not sensor.meter.cleaning


def test_the_interval_is_lost_with_a_reset() -> None:
    sensor = device()
    send(sensor, 0x8004, 1.0, (3600).to_bytes(4, "big"))
    assert fetch(sensor, 0x8004, 6, 1.1) == (3600).to_bytes(4, "big")
    send(sensor, 0xD304, 2.0)
    assert fetch(sensor, 0x8004, 6, 3.0) == (604800).to_bytes(4, "big")


def test_errors_stay_until_they_are_read_and_cleared() -> None:
    sensor = device()
    send(sensor, 0x0021, 1.0)
    sensor.faults.fan_error = True
    sensor.meter.laser_error = True
    assert fetch(sensor, 0xD206, 6, 2.1) == b"\0\0\0\x20"
    assert fetch(sensor, 0xD206, 6, 6.1) == b"\0\x20\0\x30"
    assert values(sensor, 6.5)[:4] == (0, 0, 0, 0)
    sensor.faults.fan_error = sensor.meter.laser_error = False
    assert fetch(sensor, 0xD206, 6, 8.1) == b"\0\0\0\x30"
    assert fetch(sensor, 0xD210, 6, 8.2) == b"\0\0\0\x30"  # what it was
    assert fetch(sensor, 0xD206, 6, 9.1) == b"\0\0\0\0"


def test_pm_with_numbers() -> None:
    sensor = device()
    assert struct.unpack(">10H", fetch(sensor, 0x0413, 30, 0.5)) == (NONE,) * 10
    send(sensor, 0x0021, 1.0)
    shown = struct.unpack(">10H", fetch(sensor, 0x0413, 30, 60.0))
    assert shown[:4] == (60, 90, 115, 120)
    assert shown[4] < shown[5] < shown[6] < shown[7] <= shown[8]
    assert 400 < shown[9] < 1000


def test_version_and_serial() -> None:
    sensor = device()
    assert fetch(sensor, 0xD100, 12, 1.0)[:3] == b"\2\0\0"
    assert fetch(sensor, 0xD033, 48, 1.1).rstrip(b"\0") == sensor.serial


def test_faults() -> None:
    sensor = device()
    send(sensor, 0x0021, 1.0)
    good = values(sensor, 60.1)
    sensor.faults.stuck = True
    assert values(sensor, 70.1) == good
    sensor.faults.stuck = False
    sensor.faults.saturated = True
    assert values(sensor, 71.1)[:5] == (10000, 10000, 10000, 10000, 10000)
    sensor.faults.no_value = True
    assert values(sensor, 72.1) == (NONE,) * 4 + (NO_SIGNED,) * 4
    sensor.faults.crc_error = True
    with pytest.raises(AssertionError):
        values(sensor, 73.1)
    sensor.brown_out(75.0)
    assert not sensor.measuring


@pytest.mark.parametrize("seed", range(8))
def test_units_keep_to_the_datasheets_limits(seed: int) -> None:
    sensor = make_sensor("sen54", lambda _: CITY, seed, bus="i2c", weather=OUTSIDE)
    assert isinstance(sensor, Sen54)
    sensor.power(True, 0.0)
    send(sensor, 0x0021, 1.0)
    shown = values(sensor, 90.0)
    assert abs(shown[1] / 10 - 9) <= 10
    assert abs(shown[4] / 100 - 61) <= 6.5
    assert abs(shown[5] / 200 + 4) <= 1.1


moves = st.lists(
    st.tuples(
        st.one_of(
            st.sampled_from([code.to_bytes(2, "big") for code in KNOWN]),
            st.builds(lambda data: b"\x80\x04" + with_crcs(data), st.binary(min_size=4, max_size=4)),
            st.binary(max_size=8),
        ),
        st.integers(0, 49),
        st.floats(0, 6),
    ),
    max_size=30,
)


@settings(max_examples=60)
@given(moves, st.integers(0, 3), st.sampled_from(["sen50", "sen54", "sen55"]))
def test_anything_gives_bytes_or_no_acknowledge_and_the_same_again(
    steps: list[tuple[bytes, int, float]], seed: int, model: str
) -> None:
    def run() -> list[bytes | None]:
        sensor = make_sensor(model, lambda _: CITY, seed, bus="i2c")
        sensor.power(True, 0.0)
        now, log = 0.0, list[bytes | None]()
        for data, n, wait in steps:
            now += wait
            try:
                sensor.write(data, now)
                answer = sensor.read(n, now + 0.02)
            except Nack:
                log.append(None)
                continue
            assert len(answer) == n
            log.append(answer)
        return log

    assert run() == run()
