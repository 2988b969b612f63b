"""The emulated SPS30 over UART, against the vectors and the datasheet version 2.0."""

from __future__ import annotations

import csv
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.sensors import make_sensor
from simulator.sensors.sensirion import typical_size_um
from simulator.sensors.sps30 import ASLEEP, IDLE
from simulator.sensors.sps30_uart import Sps30Uart, framed
from simulator.sensors.unit import Unit

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
CITY = (6.0, 9.0, 12.0)


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
    device.receive(b"\xff", 2.5)
    assert ask(device, READ, 2.55) == b""  # only the wake-up counts
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
    device = uart((60.0, 70.0, 80.0))
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


def test_a_device_error_is_told_in_every_shdlc_reply() -> None:
    device = uart()
    device.meter.laser_error = True
    ask(device, START, 1.0)
    code, state, _ = opened(ask(device, READ, 4.0))
    assert (code, state) == (3, 0x80)
    assert opened(ask(device, command(0xD2, b"\1"), 4.1))[2] == b"\0\0\0\x20\0"
    device.meter.laser_error = False
    assert opened(ask(device, READ, 6.0))[1] == 0


def test_a_brown_out_leaves_it_idle_with_its_interval() -> None:
    device = uart()
    ask(device, command(0x80, b"\0" + (777).to_bytes(4, "big")), 0.5)
    ask(device, START, 1.0)
    device.brown_out(5.0)
    device.advance(5.2)
    assert opened(ask(device, READ, 5.3))[1] == 0x43
    assert device.interval == 777


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
