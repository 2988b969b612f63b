"""The emulated SDS011 against the vectors and the control protocol V1.3."""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from simulator.sensors.sds011 import Sds011
from simulator.sensors.unit import Unit

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
A160 = bytes.fromhex("A160")


def commands() -> dict[str, bytes]:
    with (VECTORS / "sds011-commands.csv").open() as file:
        return {row["meaning"]: bytes.fromhex(row["hex"]) for row in csv.DictReader(file)}


COMMANDS = commands()


def device(air: tuple[float, float, float] = (5, 12.3, 26.1), **more: object) -> Sds011:
    """An ideal unit A160 with firmware 15-07-10, just powered on at 0 s."""
    unit = Sds011(lambda _: air, unit=Unit(), device_id=A160, firmware=(15, 7, 10), **more)  # type: ignore[arg-type]
    unit.power(True, 0.0)
    return unit


def ask(sensor: Sds011, command: bytes, now: float) -> bytes:
    """What the sensor says within 0.1 s of a command."""
    sensor.receive(command, now)
    return sensor.advance(now + 0.1)


def decode(data: bytes) -> list[tuple[int, int]]:
    """(PM2.5, PM10) in tenths of every frame; an own few lines, asserting each frame whole."""
    values = []
    for i in range(0, len(data), 10):
        frame = data[i : i + 10]
        assert frame[:2] == b"\xaa\xc0"
        assert frame[9] == 0xAB
        assert sum(frame[2:8]) % 256 == frame[8]
        values.append((frame[2] + 256 * frame[3], frame[4] + 256 * frame[5]))
    return values


REPLIES = {
    "get reporting mode": "reply: active mode",
    "set query mode": "AAC502010100A16005AB",
    "set active mode": "AAC502010000A16004AB",
    "query data": "AAC07B000501A16082AB",  # 12.3 and 26.1
    "set device id A001 of A160": "AAC505000000A001A6AB",
    "sleep": "reply: slept",
    "work": "reply: awake",
    "working period 1 min": "reply: period set 1 min",
    "working period continuous": "AAC508010000A1600AAB",
    "get working period": "AAC508000000A16009AB",
    "get firmware version": "reply: firmware 15-07-10",
}


def test_every_command_of_the_vectors_is_answered_byte_for_byte() -> None:
    commands = {meaning: data for meaning, data in COMMANDS.items() if data[1] == 0xB4}
    assert set(REPLIES) == set(commands)
    for meaning, command in commands.items():
        reply = REPLIES[meaning]
        expected = COMMANDS[reply] if reply in COMMANDS else bytes.fromhex(reply)
        assert ask(device(), command, 0.1) == expected, meaning


def test_every_reply_of_the_vectors_is_given_byte_for_byte() -> None:
    """Whatever a device can be brought to say; the two to be rejected are no replies of one."""
    sensor = device()
    said = [ask(sensor, COMMANDS["get reporting mode"], 0.05)]
    for at, meaning in enumerate(("set query mode", "get reporting mode", "sleep", "work")):
        said.append(ask(sensor, COMMANDS[meaning], 0.2 + at / 5))
    said.append(ask(sensor, bytes.fromhex("AAB406000000000000000000000000FFFF04AB"), 1.2))
    for at, meaning in enumerate(("working period 1 min", "get firmware version")):
        said.append(ask(sensor, COMMANDS[meaning], 1.4 + at / 5))
    replies = {m: d for m, d in COMMANDS.items() if d[1] == 0xC5 and "reject" not in m}
    assert len(replies) == 7
    assert [meaning for meaning, data in replies.items() if data not in said] == []


def test_any_data_of_the_vectors_is_shown() -> None:
    with (VECTORS / "sds011-data.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if "reject" not in row.values()]
    assert len(rows) == 5
    for row in rows:
        frame = bytes.fromhex(row["hex"])
        air = (0.0, float(row["pm25_ug_m3"]), float(row["pm10_ug_m3"]))
        sensor = Sds011(lambda _, air=air: air, unit=Unit(), device_id=frame[6:8])
        sensor.power(True, 0.0)
        assert sensor.advance(1.0) == frame


def test_mode_query_replies_as_in_the_vectors() -> None:
    sensor = device()
    assert ask(sensor, COMMANDS["get reporting mode"], 0.1) == COMMANDS["reply: active mode"]
    ask(sensor, COMMANDS["set query mode"], 0.3)
    assert ask(sensor, COMMANDS["get reporting mode"], 0.5) == COMMANDS["reply: query mode"]


def test_query_data_gives_the_injected_values() -> None:
    sensor = device((0, 123.6, 261.8))
    # The protocol's own example frame.
    assert ask(sensor, COMMANDS["query data"], 0.1) == bytes.fromhex("AAC0D4043A0AA1601DAB")


def test_active_mode_reports_every_second() -> None:
    assert decode(device().advance(10.0)) == [(123, 261)] * 10


def test_frames_come_when_they_are_due_and_once() -> None:
    sensor = device()
    assert sensor.advance(0.99) == b""
    assert len(sensor.advance(1.0)) == 10
    assert sensor.advance(1.5) == b""


def test_replies_interleave_with_data() -> None:
    sensor = device()
    sensor.receive(COMMANDS["get firmware version"], 1.5)
    out = sensor.advance(2.0)
    assert [out[i + 1] for i in range(0, len(out), 10)] == [0xC0, 0xC5, 0xC0]


def test_query_mode_is_silent_until_asked() -> None:
    sensor = device()
    ask(sensor, COMMANDS["set query mode"], 0.1)
    assert sensor.advance(60.0) == b""
    assert decode(ask(sensor, COMMANDS["query data"], 60.1)) == [(123, 261)]


def test_asleep_it_takes_nothing_but_the_wake_command() -> None:
    sensor = device()
    ask(sensor, COMMANDS["sleep"], 0.1)
    for meaning in ("query data", "get firmware version", "get reporting mode", "set query mode", "sleep"):
        assert ask(sensor, COMMANDS[meaning], 5.0) == b""
    assert sensor.advance(100.0) == b""
    assert ask(sensor, COMMANDS["work"], 100.1) == COMMANDS["reply: awake"]
    assert len(sensor.advance(101.2)) == 10
    assert not sensor.query_mode


def test_a_device_that_any_command_wakes() -> None:
    """As the protocol says, and as not all devices do."""
    sensor = device()
    sensor.wakes_on_any = True
    ask(sensor, COMMANDS["sleep"], 0.1)
    assert sensor.advance(100.0) == b""
    assert ask(sensor, COMMANDS["get firmware version"], 100.1) == COMMANDS["reply: firmware 15-07-10"]
    assert len(sensor.advance(103.2)) == 30


def test_pm10_goes_up_to_twice_the_specified_range() -> None:
    assert decode(device((0, 700, 1500)).advance(1.0)) == [(7000, 15000)]
    assert decode(device((0, 3000, 5000)).advance(1.0)) == [(9999, 19999)]


def test_settings_survive_a_power_cut_and_sleep_does_not() -> None:
    sensor = device()
    for meaning in ("set query mode", "working period 1 min", "set device id A001 of A160", "sleep"):
        ask(sensor, COMMANDS[meaning], 0.1)
    sensor.power(False, 1.0)
    assert sensor.advance(50.0) == b""
    sensor.power(True, 60.0)
    assert ask(sensor, COMMANDS["get reporting mode"], 60.1) == bytes.fromhex("AAC502000100A001A4AB")
    assert (sensor.query_mode, sensor.period, sensor.device_id) == (True, 1, bytes.fromhex("A001"))
    assert not sensor.asleep


def test_working_period_reports_once_a_period() -> None:
    sensor = device()
    ask(sensor, COMMANDS["working period 1 min"], 0.0)
    times = [t for t in range(1, 301) if sensor.advance(float(t))]
    assert times == [30, 90, 150, 210, 270]


def test_between_reports_a_query_gives_the_last_values_and_none_after_a_power_cut() -> None:
    sensor = device()
    for meaning in ("set query mode", "working period 1 min"):
        ask(sensor, COMMANDS[meaning], 0.0)
    assert decode(ask(sensor, COMMANDS["query data"], 5.0)) == [(0, 0)]
    assert decode(ask(sensor, COMMANDS["query data"], 35.0)) == [(123, 261)]
    sensor.power(False, 36.0)
    sensor.power(True, 37.0)
    assert decode(ask(sensor, COMMANDS["query data"], 40.0)) == [(0, 0)]


def test_a_power_cut_loses_half_a_command_and_a_reply_not_yet_sent() -> None:
    version = COMMANDS["get firmware version"]
    sensor = device()
    sensor.receive(version[:10], 0.1)
    sensor.receive(version, 0.2)
    sensor.receive(version[:10], 0.2)
    sensor.power(False, 0.21)
    sensor.power(True, 0.3)
    sensor.receive(version[10:], 0.4)
    assert sensor.advance(0.9) == b""


def test_commands_for_another_device_are_ignored() -> None:
    for_a161 = bytes.fromhex("AAB408000000000000000000000000A1610AAB")
    bad_sum = bytearray(COMMANDS["get firmware version"])
    bad_sum[17] ^= 1
    bad_tail = COMMANDS["get firmware version"][:-1] + b"\xac"
    period_31 = bytes.fromhex("AAB408011F000000000000000000" + "00FFFF26AB")
    sensor = device()
    for wrong in (for_a161, bytes(bad_sum), bad_tail, period_31):
        assert len(wrong) == 19
        assert ask(sensor, wrong, 0.1) == b""
    assert ask(sensor, COMMANDS["get firmware version"], 0.2) == COMMANDS["reply: firmware 15-07-10"]


def test_a_command_within_a_broken_one_is_heard() -> None:
    version, reply = COMMANDS["get firmware version"], COMMANDS["reply: firmware 15-07-10"]
    for begun in (1, 2, 7, 18):
        sensor = device()
        assert ask(sensor, COMMANDS["sleep"][:begun] + version, 0.1) == reply
        assert not sensor.asleep


def test_readings_settle_after_the_fan_starts() -> None:
    sensor = Sds011(lambda _: (50, 100, 200), unit=Unit(drift=0.4))
    sensor.power(True, 0.0)
    fine = [pm25 for pm25, _ in decode(sensor.advance(60.0))]
    assert fine[0] < 700
    assert all(a <= b for a, b in pairwise(fine))
    assert fine[29] > 990


def test_units_differ_within_the_datasheet() -> None:
    means = []
    for seed in range(60):
        sensor = Sds011(lambda _: (50, 100, 200), seed)
        sensor.power(True, 0.0)
        settled = [pm25 / 10 for pm25, _ in decode(sensor.advance(160.0))[60:]]
        assert all(abs(value - 100) <= 0.15 * 100 + 10 for value in settled)
        means.append(sum(settled) / len(settled))
    assert max(means) - min(means) > 8


def test_same_seed_same_bytes() -> None:
    runs = []
    for _ in range(2):
        sensor = Sds011(lambda t: (1, t, 2 * t), 7)
        sensor.power(True, 0.0)
        runs.append(sensor.advance(30.0))
    assert runs[0] == runs[1]


@given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from(sorted(COMMANDS.values()))), max_size=12))
def test_any_bytes_are_survived_and_the_next_command_is_heard(chunks: list[bytes]) -> None:
    sensor = device()
    now = 0.0
    for chunk in chunks:
        now += 0.3
        sensor.receive(chunk, now)
        sensor.advance(now)
        assert len(sensor._heard) <= 256
    # 19 zero bytes end whatever was begun; then it hears again, asleep or not.
    sensor.receive(bytes(19) + COMMANDS["work"], now + 1)
    sensor.receive(COMMANDS["get firmware version"], now + 1)
    assert bytes([0xAA, 0xC5, 0x07, 15, 7, 10]) in sensor.advance(now + 1.1)
