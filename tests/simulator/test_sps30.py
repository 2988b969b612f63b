"""The emulated SPS30 on both buses, against the vectors and the datasheet version 2.0."""

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
from simulator.sensors.sps30 import ASLEEP, IDLE, MEASURING
from simulator.sensors.sps30_i2c import Sps30I2c
from simulator.sensors.sps30_uart import Sps30Uart, framed
from simulator.sensors.unit import Unit

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
CITY = (6.0, 9.0, 12.0)
DUSTY = (60.0, 70.0, 80.0)  # 444 per cm3: stable after 8 s


def vectors(name: str, key: str) -> dict[str, bytes]:
    with (VECTORS / name).open() as file:
        return {row[key]: bytes.fromhex(row["hex"]) for row in csv.DictReader(file)}


FRAMES = vectors("sps30-shdlc-frames.csv", "meaning")
START, STOP, READ = (FRAMES[name] for name in ("start measurement, float", "stop", "read measured values"))
EMPTY, NOT_NOW = FRAMES["reply: no new data yet"], FRAMES["reply: state 43, command not allowed now"]


def uart(air: tuple[float, float, float] = CITY, **more: object) -> Sps30Uart:
    """A unit without error or drift, powered since 0 s and ready."""
    device = Sps30Uart(lambda _: air, unit=Unit(), **more)  # type: ignore[arg-type]
    device.power(True, 0.0)
    return device


def i2c(air: tuple[float, float, float] = CITY, **more: object) -> Sps30I2c:
    device = Sps30I2c(lambda _: air, unit=Unit(), **more)  # type: ignore[arg-type]
    device.power(True, 0.0)
    return device


def command(code: int, data: bytes = b"") -> bytes:
    body = bytes([0, code, len(data)]) + data
    return framed(body + bytes([255 - sum(body) % 256]))


def ask(device: Sps30Uart, data: bytes, now: float) -> bytes:
    device.receive(data, now)
    return device.advance(now + 0.02)


def opened(frame: bytes) -> tuple[int, int, bytes]:
    """(command, state, data) of one reply, by own few lines that assert it whole."""
    assert frame[0] == frame[-1] == 0x7E
    assert 0x7E not in frame[1:-1]
    assert 0x11 not in frame[1:-1]
    assert 0x13 not in frame[1:-1]
    inner = frame[1:-1]
    for byte in (0x7E, 0x11, 0x13):
        inner = inner.replace(bytes([0x7D, byte ^ 0x20]), bytes([byte]))
    inner = inner.replace(b"\x7d\x5d", b"\x7d")
    assert sum(inner) % 256 == 255
    assert inner[0] == 0
    assert inner[3] == len(inner) - 5
    return inner[1], inner[2], inner[4:-1]


def floats(frame: bytes) -> tuple[float, ...]:
    code, state, data = opened(frame)
    assert (code, state) == (3, 0)
    return struct.unpack(">10f", data)


# Over UART


def test_the_replies_that_the_vectors_know() -> None:
    device = uart()
    assert ask(device, START, 1.0) == bytes.fromhex("7e00000000ff7e")
    assert ask(device, READ, 1.5) == EMPTY
    assert ask(device, START, 1.6) == NOT_NOW
    assert ask(device, STOP, 1.7) == bytes.fromhex("7e00010000fe7e")


@pytest.mark.parametrize("frame", vectors("sps30-shdlc-data.csv", "hex").values())
def test_data_frames_of_the_vectors_come_out_byte_for_byte(
    frame: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = floats(frame)
    device = uart()
    ask(device, START, 1.0)
    monkeypatch.setattr(device, "take", lambda: struct.pack(">10f", *values))
    assert ask(device, READ, 2.5) == frame


@pytest.mark.parametrize("frame", vectors("sps30-shdlc-data.csv", "hex").values())
def test_numbers_and_size_are_near_those_of_real_devices(frame: bytes) -> None:
    values = floats(frame)
    masses = values[:4]
    assert numbers(masses) == pytest.approx(values[4:9], rel=0.15)
    assert typical_size_um(masses) == pytest.approx(values[9], abs=0.02)


def test_every_special_byte_is_stuffed() -> None:
    stuffed = FRAMES["reply with stuffed address, command, state and data"]
    assert framed(bytes.fromhex("7e7d1103121314b7")) == stuffed
    # A wake-up in idle: command 11 and state 43, as a device was seen to answer.
    assert ask(uart(), command(0x11), 1.0) == bytes.fromhex("7e007d314300ab7e")


@pytest.mark.parametrize("meaning", ["reject: empty", "reject: bad checksum"])
def test_what_is_no_frame_is_not_answered(meaning: str) -> None:
    device = uart()
    assert ask(device, FRAMES[meaning], 1.0) == b""
    assert ask(device, START, 1.1)[3] == 0  # and the next one is


@pytest.mark.parametrize(
    ("data", "state"),
    [
        # Rejected as replies, but whole as commands: one without its data, one with a wrong length.
        (FRAMES["reject: too short"], 0x01),
        (FRAMES["reject: length without data"], 0x01),
        (command(0x42), 0x02),
        (command(0x00), 0x01),
        (command(0x00, b"\x01\x07"), 0x04),
        (command(0x01), 0x43),
        (command(0x03), 0x43),
        (command(0x56), 0x43),
        (command(0xD0, b"\x07"), 0x04),
    ],
)
def test_error_states(data: bytes, state: int) -> None:
    assert opened(ask(uart(), data, 1.0))[1] == state


def test_data_comes_once_a_second_from_a_second_after_the_start() -> None:
    device = uart()
    ask(device, START, 1.0)
    assert ask(device, READ, 1.9) == EMPTY
    assert len(floats(ask(device, READ, 2.0))) == 10
    assert ask(device, READ, 2.5) == EMPTY
    assert len(floats(ask(device, READ, 3.01))) == 10


def test_a_reply_takes_its_time() -> None:
    device = uart()
    device.receive(START, 1.0)
    assert device.advance(1.019) == b""
    assert device.advance(1.02) != b""
    ask(device, STOP, 2.0)
    device.receive(command(0x10), 3.0)
    assert device.advance(3.004) == b""
    assert device.advance(3.006) != b""


def test_who_it_is() -> None:
    device = uart(seed=5)
    assert opened(ask(device, command(0xD0, b"\0"), 1.0))[2] == b"00080000\0"
    serial = opened(ask(device, command(0xD0, b"\x03"), 1.1))[2]
    assert len(serial) == 17
    assert serial[16] == 0
    assert serial != opened(ask(uart(seed=6), command(0xD0, b"\x03"), 1.0))[2]
    assert opened(ask(device, command(0xD1), 1.2))[2] == bytes([2, 2, 0, 7, 0, 2, 0])


def test_sleep_only_from_idle_and_waking_takes_two() -> None:
    device = uart()
    ask(device, START, 1.0)
    assert opened(ask(device, command(0x10), 1.1))[1] == 0x43
    ask(device, STOP, 1.2)
    assert opened(ask(device, command(0x10), 1.3))[1] == 0
    assert device.state == ASLEEP
    assert ask(device, READ, 2.0) == b""  # asleep
    assert ask(device, command(0x11), 3.0) == b""  # wakes the UART only
    assert opened(ask(device, command(0x11), 3.05))[1] == 0
    assert device.state == IDLE


def test_a_single_ff_opens_the_uart_for_a_tenth_of_a_second() -> None:
    device = uart()
    ask(device, command(0x10), 1.0)
    device.receive(b"\xff", 2.0)
    assert ask(device, command(0x11), 2.2) == b""  # too late: this is a first byte again
    device.receive(b"\xff", 3.0)
    assert ask(device, command(0x11), 3.09) != b""
    ask(device, command(0x10), 4.0)
    assert ask(device, b"\xff" + command(0x11), 5.0) != b""


def test_firmware_1_0_neither_sleeps_nor_gives_integers_or_status() -> None:
    device = uart(firmware=(1, 0))
    assert opened(ask(device, command(0x10), 1.0))[1] == 0x02
    assert opened(ask(device, command(0xD2, b"\0"), 1.1))[1] == 0x02
    assert opened(ask(device, command(0x00, b"\x01\x05"), 1.2))[1] == 0x04
    ask(device, command(0x80, b"\0" + (5).to_bytes(4, "big")), 1.3)
    assert opened(ask(device, FRAMES["read auto-clean interval: the checksum itself is stuffed"], 1.4))[
        2
    ] == (604800).to_bytes(4, "big")
    ask(device, command(0xD3), 1.5)
    assert device.interval == 5


def test_a_soft_reset_ends_measurement_and_sleepless_bytes_are_lost_meanwhile() -> None:
    device = uart()
    ask(device, START, 1.0)
    assert opened(ask(device, command(0xD3), 2.0)) == (0xD3, 0, b"")
    assert ask(device, START, 2.05) == b""
    assert device.state == IDLE
    assert ask(device, START, 2.2) != b""


def test_integers_are_rounded_and_the_size_is_in_nm() -> None:
    device = uart(DUSTY)
    ask(device, command(0x00, b"\x01\x05"), 1.0)
    values = struct.unpack(">10H", opened(ask(device, READ, 40.0))[2])
    assert values[:4] == (60, 70, 78, 80)
    assert values[9] == round(1000 * typical_size_um((60, 70, 78.333, 80)))


def test_a_wrong_check_sum_on_demand() -> None:
    device = uart()
    device.faults.crc_error = True
    reply = ask(device, START, 1.0)
    with pytest.raises(AssertionError):
        opened(reply)


# Over I2C


def words(data: bytes) -> bytes:
    """The words of an answer; asserts their CRCs by their own table-less definition."""
    assert len(data) % 3 == 0
    for i in range(0, len(data), 3):
        assert crc8(data[i : i + 2]) == data[i + 2]
    return b"".join(data[i : i + 2] for i in range(0, len(data), 3))


def fetch(device: Sps30I2c, code: int, n: int, now: float) -> bytes:
    device.write(code.to_bytes(2, "big"), now)
    return words(device.read(n, now + 0.005))


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
    assert words(device.read(60, 3.1)) != first  # the pointer stays
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


# The device itself


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
    before = masses(device, 20.5)
    air["now"] = 90.0
    device.write(b"\x56\x07", 20.6)
    for now in range(22, 30):
        assert fetch(device, 0x0202, 3, now) == b"\0\0"
        assert masses(device, now + 0.5) == before
    assert fetch(device, 0x0202, 3, 31.1) == b"\0\1"
    assert masses(device, 31.2)[1] == pytest.approx(90)


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


def test_a_device_error_is_told_in_every_shdlc_reply() -> None:
    device = uart()
    device.meter.laser_error = True
    ask(device, START, 1.0)
    code, state, _ = opened(ask(device, READ, 4.0))
    assert (code, state) == (3, 0x80)
    assert opened(ask(device, command(0xD2, b"\1"), 4.1))[2] == b"\0\0\0\x20\0"
    device.meter.laser_error = False
    assert opened(ask(device, READ, 6.0))[1] == 0


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


def test_a_brown_out_leaves_it_idle_with_its_interval() -> None:
    device = uart()
    ask(device, command(0x80, b"\0" + (777).to_bytes(4, "big")), 0.5)
    ask(device, START, 1.0)
    device.brown_out(5.0)
    device.advance(5.2)
    assert opened(ask(device, READ, 5.3))[1] == 0x43
    assert device.interval == 777


def test_age_dims_the_laser() -> None:
    device = running(DUSTY)
    device.age_h = 8 * 8766
    assert masses(device, 40.1)[1] == pytest.approx(63, rel=0.01)


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


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.one_of(
                st.builds(command, st.integers(0, 255), st.binary(max_size=6)),
                st.sampled_from([START, READ, b"\x7e", b"\x7d"]),
                st.binary(max_size=12),
            ),
            st.floats(0, 5),
        ),
        max_size=30,
    ),
    st.integers(0, 3),
)
def test_anything_over_uart_gives_whole_frames_and_the_same_again(
    moves: list[tuple[bytes, float]], seed: int
) -> None:
    def run() -> bytes:
        device = make_sensor("sps30", lambda _: CITY, seed)
        device.power(True, 0.0)
        now, said = 0.0, b""
        for data, wait in moves:
            now += wait
            device.receive(data, now)
            said += device.advance(now + 0.01)
        return said + device.advance(now + 1)

    said = run()
    assert said.count(b"\x7e") % 2 == 0
    for inner in said.split(b"\x7e")[1::2]:
        opened(b"\x7e" + inner + b"\x7e")
    assert said == run()
