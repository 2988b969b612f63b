"""The emulated BME280 and BMP280 against the vectors and the data sheet revision 1.6."""

from __future__ import annotations

import csv
import random
import re
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.sensors import make_sensor
from simulator.sensors.bme280 import Bme280, Bmp280
from simulator.sensors.bme280_trim import Trim
from simulator.sensors.i2c import Nack
from simulator.weather import Offsets, steady

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
AIR = (1.0, 2.0, 3.0)


def device(kind: type[Bme280] = Bme280, **more: object) -> Bme280:
    """The unit of the vectors, without error, powered since 0 s."""
    settings_ = {"weather": steady(24.8, 68.7, 1006.6), "trim": Trim(), "offsets": Offsets(), **more}
    made = kind(lambda _: AIR, **settings_)  # type: ignore[arg-type]
    made.power(True, 0.0)
    return made


def ask(sensor: Bme280, register: int, n: int, now: float) -> bytes:
    sensor.write(bytes([register]), now)
    return sensor.read(n, now)


def raw(sensor: Bme280, now: float) -> tuple[int, int, int]:
    """adc_p, adc_t, adc_h."""
    data = ask(sensor, 0xF7, 8, now)
    return (
        int.from_bytes(data[:3], "big") >> 4,
        int.from_bytes(data[3:6], "big") >> 4,
        int.from_bytes(data[6:], "big"),
    )


def force(sensor: Bme280, now: float, osrs_h: int = 1, control: int = 0b001_001_01) -> tuple[int, int, int]:
    """One forced measurement, read 0.15 s later."""
    sensor.write(bytes([0xF2, osrs_h, 0xF4, control]), now)
    return raw(sensor, now + 0.15)


def test_the_formulas_give_the_vector_and_the_way_back_its_raw_values() -> None:
    with (VECTORS / "bme280.csv").open() as file:
        row = next(csv.DictReader(file))
    adc = {name: int(value) for name, value in re.findall(r"adc_(.)=(\d+)", row["raw"])}
    temp, press, rh = (float(value) for value in re.findall(r"[\d.]+(?= degC| Pa| %RH)", row["expected"]))
    trim = Trim()
    fine = trim.fine(adc["t"])
    assert trim.temp(adc["t"]) == pytest.approx(temp, abs=1e-7)
    assert trim.press(adc["p"], fine) == pytest.approx(press, abs=1e-4)
    assert trim.humidity(adc["h"], fine) == pytest.approx(rh, abs=1e-5)
    assert (trim.raw_temp(temp), trim.raw_press(press, fine)) == (adc["t"], adc["p"])
    assert trim.raw_humidity(rh, fine) == adc["h"]


def test_trimming_registers_hold_the_words_of_table_16() -> None:
    sensor = device()
    low = struct.unpack("<HhhHhhhhhhhhBB", ask(sensor, 0x88, 26, 1.0))
    assert low[:12] == (28009, 25654, 50, 39145, -10750, 3024, 5667, -120, -7, 15500, -14600, 6000)
    assert low[13] == 75
    high = ask(sensor, 0xE1, 7, 1.0)
    assert high == (376).to_bytes(2, "little") + bytes(
        [0, 286 >> 4, (286 & 15) | (50 & 15) << 4, 50 >> 4, 30]
    )


@given(st.integers(-2048, 2047), st.integers(-2048, 2047))
def test_h4_and_h5_are_signed_and_share_a_register(h4: int, h5: int) -> None:
    high = Trim(h4=h4, h5=h5).high()
    signed = [(value ^ 0x800) - 0x800 for value in (high[3] << 4 | high[4] & 15, high[5] << 4 | high[4] >> 4)]
    assert signed == [h4, h5]


@settings(max_examples=200)
@given(st.integers(0, 10**6), st.floats(-35, 55), st.floats(5, 95), st.floats(93000, 106000))
def test_every_unit_can_show_every_weather(seed: int, temp: float, rh: float, press: float) -> None:
    trim = Trim.draw(random.Random(seed))
    adc_t = trim.raw_temp(temp)
    fine = trim.fine(adc_t)
    adc_p, adc_h = trim.raw_press(press, fine), trim.raw_humidity(rh, fine)
    assert trim.temp(adc_t) == pytest.approx(temp, abs=0.001)
    assert trim.press(adc_p, fine) == pytest.approx(press, abs=0.3)
    assert trim.humidity(adc_h, fine) == pytest.approx(rh, abs=0.02)


def test_who_it_is() -> None:
    assert ask(device(), 0xD0, 1, 1.0) == b"\x60"
    assert ask(device(Bmp280), 0xD0, 1, 1.0) == b"\x58"


def test_before_a_measurement_and_for_what_is_skipped_it_shows_0x80000() -> None:
    sensor = device()
    assert raw(sensor, 1.0) == (0x80000, 0x80000, 0x8000)
    adc_p, adc_t, adc_h = force(sensor, 2.0, osrs_h=0, control=0b001_000_01)
    assert (adc_p, adc_h) == (0x80000, 0x8000)
    assert adc_t != 0x80000


def test_a_forced_measurement_takes_its_time_and_then_sleeps() -> None:
    sensor = device()
    sensor.write(bytes([0xF2, 1, 0xF4, 0b001_001_01]), 1.0)
    assert ask(sensor, 0xF3, 1, 1.0079) == b"\x08"  # 1 + 2 + 2.5 + 2.5 = 8 ms
    assert raw(sensor, 1.0079)[1] == 0x80000
    assert ask(sensor, 0xF3, 2, 1.0081) == bytes([0, 0b001_001_00])
    adc_p, adc_t, adc_h = raw(sensor, 1.0081)
    trim = Trim()
    fine = trim.fine(adc_t)
    assert trim.temp(adc_t) == pytest.approx(24.8, abs=0.05)
    assert trim.press(adc_p, fine) / 100 == pytest.approx(1006.6, abs=0.2)
    assert trim.humidity(adc_h, fine) == pytest.approx(68.7, abs=0.4)
    assert raw(sensor, 50.0) == (adc_p, adc_t, adc_h)


def test_normal_mode_measures_again_and_again() -> None:
    sensor = device()
    sensor.write(bytes([0xF2, 1, 0xF5, 0b101_000_00, 0xF4, 0b001_001_11]), 1.0)
    first = raw(sensor, 1.5)
    assert raw(sensor, 1.9) == first
    sensor.weather = steady(5, 50, 990)
    assert Trim().temp(raw(sensor, 2.1)[1]) == pytest.approx(5, abs=0.05)
    assert ask(sensor, 0xF4, 1, 900.0) == bytes([0b001_001_11])


def test_humidity_setting_counts_from_the_next_ctrl_meas() -> None:
    sensor = device()
    sensor.write(bytes([0xF4, 0b001_001_01, 0xF2, 1]), 1.0)
    assert raw(sensor, 1.1)[2] == 0x8000
    sensor.write(bytes([0xF4, 0b001_001_01]), 1.2)
    assert raw(sensor, 1.3)[2] != 0x8000


def test_oversampling_adds_bits_and_takes_noise() -> None:
    sensor = device()
    for osrs, step in ((1, 16), (3, 4), (5, 1)):
        control = osrs << 5 | osrs << 2 | 1
        shown = {force(sensor, 10 * osrs + i, control=control)[0] for i in range(8)}
        assert all(adc % step == 0 for adc in shown)
        assert any(adc % (2 * step) for adc in shown)


def test_the_filter_follows_slowly() -> None:
    sensor = device()
    sensor.write(bytes([0xF5, 2 << 2]), 1.0)  # coefficient 4
    force(sensor, 1.0)
    sensor.weather = steady(28.8, 50, 1006.6)
    shown = [Trim().temp(force(sensor, 2.0 + i)[1]) for i in range(3)]
    assert shown == pytest.approx([25.8, 26.55, 27.11], abs=0.05)
    sensor.write(bytes([0xF5, 2 << 2 | 5 << 5]), 6.0)  # the same filter
    assert Trim().temp(force(sensor, 6.0)[1]) == pytest.approx(27.53, abs=0.05)
    sensor.write(bytes([0xF5, 3 << 2]), 7.0)  # another begins anew
    assert Trim().temp(force(sensor, 7.0)[1]) == pytest.approx(28.8, abs=0.05)


def test_reset_and_brown_out_take_it_back_to_sleep() -> None:
    sensor = device()
    force(sensor, 1.0)
    sensor.write(bytes([0xE0, 0x00]), 2.0)  # not the word
    assert raw(sensor, 2.0)[1] != 0x80000
    sensor.write(bytes([0xE0, 0xB6]), 3.0)
    with pytest.raises(Nack):
        sensor.read(1, 3.0005)
    assert ask(sensor, 0xF3, 1, 3.0015) == b"\x01"
    assert raw(sensor, 3.1) == (0x80000, 0x80000, 0x8000)
    force(sensor, 4.0)
    sensor.brown_out(5.0)
    assert raw(sensor, 5.1) == (0x80000, 0x80000, 0x8000)
    assert ask(sensor, 0xF2, 1, 5.1) == b"\0"


def test_a_bmp280_has_no_humidity_anywhere() -> None:
    sensor = device(Bmp280)
    sensor.write(bytes([0xF2, 5]), 1.0)
    assert ask(sensor, 0xF2, 1, 1.0) == b"\0"
    assert force(sensor, 2.0)[2] == 0
    assert ask(sensor, 0xE1, 7, 3.0) == bytes(7)


def test_faults() -> None:
    sensor = device()
    good = force(sensor, 1.0)
    sensor.weather = steady(0, 20, 980)
    sensor.faults.stuck = True
    assert force(sensor, 2.0) == good
    sensor.faults.stuck = False
    sensor.faults.saturated = True
    _, adc_t, adc_h = force(sensor, 3.0)
    assert Trim().humidity(adc_h, Trim().fine(adc_t)) == pytest.approx(100, abs=0.1)
    sensor.faults.no_value = True
    assert force(sensor, 4.0) == (0x80000, 0x80000, 0x8000)


@pytest.mark.parametrize("seed", range(20))
def test_units_keep_to_the_data_sheets_limits(seed: int) -> None:
    sensor = make_sensor("bme280", lambda _: AIR, seed, bus="i2c", weather=steady(12, 70, 1001))
    assert isinstance(sensor, Bme280)
    sensor.power(True, 0.0)
    adc_p, adc_t, adc_h = force(sensor, 1.0)
    fine = sensor.trim.fine(adc_t)
    assert sensor.trim.temp(adc_t) == pytest.approx(12, abs=1.05)
    assert sensor.trim.press(adc_p, fine) / 100 == pytest.approx(1001, abs=1.2)
    assert sensor.trim.humidity(adc_h, fine) == pytest.approx(70, abs=3.4)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.binary(max_size=5), st.integers(0, 300), st.floats(0, 0.1)), max_size=30),
    st.integers(0, 3),
    st.sampled_from(["bme280", "bmp280"]),
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
                sensor.write(b"\xf4" + data[:1], now)
                answer = sensor.read(n, now + 0.02)
            except Nack:
                log.append(None)
                continue
            assert len(answer) == n
            log.append(answer)
        return log

    assert run() == run()
