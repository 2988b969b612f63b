"""The emulated SPS30 and its I2C interface, against the vectors and the datasheet version 2.0."""

from __future__ import annotations

import csv
import math
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.sensors import make_sensor
from simulator.sensors.i2c import Nack
from simulator.sensors.sensirion import crc8, numbers, typical_size_um
from simulator.sensors.sps30 import IDLE, MEASURING
from simulator.sensors.sps30_i2c import Sps30I2c
from simulator.sensors.unit import Unit
from tests.simulator.words import fetch, words

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
CITY = (6.0, 9.0, 12.0)
DUSTY = (60.0, 70.0, 80.0)  # 444 per cm3: stable after 8 s


def i2c(air: tuple[float, float, float] = CITY, **more: object) -> Sps30I2c:
    device = Sps30I2c(lambda _: air, unit=Unit(), **more)  # type: ignore[arg-type]
    device.power(True, 0.0)
    return device


I2C_START = bytes.fromhex("0010 0300 AC")


def test_crc_of_the_vectors() -> None:
    with (VECTORS / "sensirion-crc8.csv").open() as file:
        for row in csv.DictReader(file):
            assert crc8(bytes.fromhex(row["data_hex"])) == int(row["crc8_poly31_initff"], 16)


def test_measuring_over_i2c() -> None:
    device = i2c()
    device.meter.unit = Unit(noise=0.5)
    device.write(I2C_START, 1.0)
    with pytest.raises(Nack):
        device.write(b"\x02\x02", 1.019)  # still at it
    assert fetch(device, 0x0202, 3, 1.5) == b"\0\0"
    assert fetch(device, 0x0300, 60, 1.5) == b"\0" * 36 + struct.pack(">f", 0.4)
    assert fetch(device, 0x0202, 3, 2.01) == b"\0\1"
    first = fetch(device, 0x0300, 60, 2.1)
    assert len(struct.unpack(">10f", first)) == 10
    assert fetch(device, 0x0202, 3, 2.2) == b"\0\0"
    assert fetch(device, 0x0300, 60, 2.3) == first  # the old ones again
    assert words(device.read(60, 3.1), 60) != first  # the pointer stays
    device.write(b"\x01\x04", 4.0)
    assert device.state == IDLE


def test_a_part_of_an_answer_and_more_than_there_is() -> None:
    device = i2c()
    device.write(b"\xd1\x00", 1.0)
    assert device.read(2, 1.0) == b"\2\2"
    assert device.read(5, 1.0) == b"\2\2" + bytes([crc8(b"\2\2")]) + b"\xff\xff"


def test_a_wrong_crc_from_the_master_changes_nothing() -> None:
    device = i2c()
    device.write(I2C_START[:4] + b"\xad", 1.0)
    assert device.state == IDLE
    device.write(I2C_START, 1.1)
    assert device.state == MEASURING
    device.write(bytes.fromhex("8004 0000 81 003C 00"), 1.2)
    assert device.interval == 604800
    with pytest.raises(Nack):
        device.read(6, 1.3)  # nothing was asked


def test_asleep_over_i2c_the_first_wake_up_is_not_acknowledged() -> None:
    device = i2c()
    device.write(b"\x10\x01", 1.0)
    for code in (b"\x02\x02", b"\x11\x03"):
        with pytest.raises(Nack):
            device.write(code, 2.0 + code[0])
    device.write(b"\x11\x03", 2.05 + 0x11)
    assert device.state == IDLE
    device.write(b"\x10\x01", 30.0)
    with pytest.raises(Nack):
        device.write(b"\x11\x03", 31.0)
    with pytest.raises(Nack):
        device.write(b"\x11\x03", 31.2)  # too late
    with pytest.raises(Nack):
        device.read(3, 32.0)  # a start condition as well
    device.write(b"\x11\x03", 32.05)


def test_firmware_1_0_does_not_sleep_over_i2c_either() -> None:
    device = i2c(firmware=(1, 0))
    for code in (b"\x10\x01", b"\xd2\x06"):
        with pytest.raises(Nack):
            device.write(code, 1.0)


def test_a_reset_over_i2c_takes_a_tenth_of_a_second() -> None:
    device = running()
    device.write(b"\xd3\x04", 2.0)
    with pytest.raises(Nack):
        device.write(b"", 2.09)
    assert fetch(device, 0x0202, 3, 9.0) == b"\0\0"
    assert device.state == IDLE


def test_identity_over_i2c() -> None:
    device = i2c()
    assert fetch(device, 0xD002, 12, 1.0) == b"00080000"
    assert fetch(device, 0xD033, 48, 1.1) == device.serial.ljust(32, b"\0")
    assert fetch(device, 0xD100, 3, 1.2) == b"\2\2"
    with pytest.raises(Nack):
        device.write(b"\x12\x34", 1.3)


def test_a_wrong_crc_from_the_device_on_demand() -> None:
    device = i2c()
    device.faults.crc_error = True
    with pytest.raises(AssertionError):
        fetch(device, 0xD002, 12, 1.0)


def masses(device: Sps30I2c, now: float) -> tuple[float, ...]:
    return struct.unpack(">4f", fetch(device, 0x0300, 60, now)[:16])


def running(air: tuple[float, float, float] = CITY, **more: object) -> Sps30I2c:
    device = i2c(air, **more)
    device.write(I2C_START, 1.0)
    return device


@pytest.mark.parametrize(("air", "seconds"), [((60, 70, 80), 8), ((20, 25, 30), 16), ((5, 7, 9), 30)])
def test_values_are_stable_after_the_datasheets_start_up_time(
    air: tuple[float, float, float], seconds: int
) -> None:
    device = Sps30I2c(lambda _: air, unit=Unit(drift=0.4))
    device.power(True, 0.0)
    device.write(I2C_START, 1.0)
    early = masses(device, 1.1 + seconds / 8)
    assert early[1] < 0.9 * air[1]
    assert masses(device, 1.1 + seconds) == pytest.approx(
        (air[0], air[1], masses(device, 99)[2], air[2]), rel=0.02
    )


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("truth", "limit"), [(30.0, 10.0), (400.0, 40.0)])
def test_precision_is_the_datasheets(seed: int, truth: float, limit: float) -> None:
    device = Sps30I2c(lambda _: (truth, truth, truth), seed)
    device.power(True, 0.0)
    device.write(I2C_START, 1.0)
    for second in range(35, 65):
        assert abs(masses(device, second)[1] - truth) <= limit


def test_cleaning_holds_the_values_for_ten_seconds() -> None:
    air = {"now": 50.0}
    device = Sps30I2c(lambda _: (air["now"],) * 3, unit=Unit())
    device.power(True, 0.0)
    device.write(I2C_START, 1.0)
    device.write(b"\x56\x07", 20.6)
    assert fetch(device, 0x0202, 3, 20.7) == b"\0\0"  # not even those that were ready
    before = masses(device, 20.8)
    air["now"] = 90.0
    for now in range(22, 30):
        assert fetch(device, 0x0202, 3, now) == b"\0\0"
        assert masses(device, now + 0.5) == before
    assert fetch(device, 0x0202, 3, 31.1) == b"\0\1"
    assert masses(device, 31.2)[1] == pytest.approx(90)
    device.write(b"\x56\x07", 40.0)
    device.write(b"\x01\x04", 41.0)
    device.write(I2C_START, 42.0)
    assert fetch(device, 0x0202, 3, 43.1) == b"\0\1"  # a stop ends the cleaning


def test_the_automatic_cleaning_counts_measurement_only_and_forgets_without_power() -> None:
    device = running()
    device.write(b"\x80\x04" + bytes.fromhex("0000 81 003C") + bytes([crc8(b"\0\x3c")]), 1.1)
    device.write(b"\x01\x04", 41.1)  # after 40 s
    device.write(I2C_START, 500.0)
    device.write(b"", 519.0)
    assert not device.meter.cleaning
    device.write(b"", 520.5)
    assert device.meter.cleaning
    device.power(False, 600.0)
    device.power(True, 601.0)
    assert fetch(device, 0x8004, 6, 602.0) == (60).to_bytes(4, "big")  # kept
    device.write(I2C_START, 603.0)
    device.write(b"", 660.0)
    assert not device.meter.cleaning
    device.write(b"", 663.5)
    assert device.meter.cleaning


def test_a_blocked_fan_stands_in_the_status_until_it_is_cleared() -> None:
    device = running()
    device.faults.fan_error = True
    assert fetch(device, 0xD206, 6, 2.1) == b"\0\0\0\0"  # one check alone does not count
    assert fetch(device, 0xD206, 6, 3.1) == b"\0\0\0\x10"
    assert fetch(device, 0xD206, 6, 5.1) == b"\0\x20\0\x10"  # the speed is not checked for 3 s
    assert masses(device, 5.2) == (0, 0, 0, 0)
    device.faults.fan_error = False
    assert fetch(device, 0xD206, 6, 6.1) == b"\0\0\0\x10"
    device.write(b"\xd2\x10", 6.2)
    assert fetch(device, 0xD206, 6, 7.1) == b"\0\0\0\0"


def test_stuck_clogged_saturated_and_no_value() -> None:
    device = running(DUSTY)
    good = masses(device, 30.1)
    device.air = lambda _: (1.0, 2.0, 3.0)
    device.faults.stuck = True
    assert masses(device, 35.1) == good
    device.faults.stuck = False
    device.faults.saturated = True
    assert masses(device, 36.1) == (1000, 1000, 1000, 1000)
    device.faults.clogged = True
    assert masses(device, 37.1) == (0, 0, 0, 0)
    device.faults.no_value = True
    assert all(math.isnan(value) for value in masses(device, 38.1))


def test_ten_years_take_an_eighth_of_what_it_sees() -> None:
    new, old = (make_sensor("sps30", lambda _: (500, 500, 500), 3, bus="i2c") for _ in range(2))
    old.age_h = 10 * 8766
    shown: list[float] = []
    for device in (new, old):
        assert isinstance(device, Sps30I2c)
        device.power(True, 0.0)
        device.write(I2C_START, 1.0)
        shown.append(sum(masses(device, second)[1] for second in range(40, 70)) / 30)
    assert shown[1] / shown[0] == pytest.approx(0.875, abs=0.01)
    assert new.age_h == pytest.approx(68 / 3600)


def measured() -> list[list[float]]:
    with (VECTORS / "sps30-shdlc-data.csv").open() as file:
        return [[float(value) for value in row[1].split(";")] for row in list(csv.reader(file))[1:]]


@pytest.mark.parametrize("values", measured())
def test_numbers_and_size_are_near_those_of_real_devices(values: list[float]) -> None:
    masses = values[:4]
    assert numbers(masses) == pytest.approx(values[4:9], rel=0.15)
    assert typical_size_um(masses) == pytest.approx(values[9], abs=0.02)


CODES = (0x0010, 0x0104, 0x0202, 0x0300, 0x1001, 0x1103, 0x5607, 0x8004, 0xD002, 0xD033, 0xD100)
CODES += (0xD206, 0xD210, 0xD304)
steps = st.lists(
    st.tuples(
        st.one_of(
            st.sampled_from([code.to_bytes(2, "big") for code in CODES]),
            st.just(I2C_START),
            st.binary(max_size=8),
        ),
        st.integers(0, 61),
        st.floats(0, 5),
    ),
    max_size=30,
)


@settings(max_examples=60)
@given(steps, st.integers(0, 3))
def test_anything_over_i2c_gives_bytes_or_no_acknowledge_and_the_same_again(
    moves: list[tuple[bytes, int, float]], seed: int
) -> None:
    def run() -> list[bytes | None]:
        device = make_sensor("sps30", lambda _: CITY, seed, bus="i2c")
        device.power(True, 0.0)
        now, log = 0.0, list[bytes | None]()
        for data, n, wait in moves:
            now += wait
            try:
                device.write(data, now)
                answer = device.read(n, now + 0.02)
            except Nack:
                log.append(None)
                continue
            assert len(answer) == n
            log.append(answer)
        return log

    assert run() == run()
