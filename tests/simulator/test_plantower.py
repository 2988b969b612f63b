"""The emulated PMS5003 against the vectors and its data manual."""

from __future__ import annotations

import csv
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from simulator.sensors.plantower import Pms5003
from simulator.sensors.unit import Unit

VECTORS = Path(__file__).resolve().parents[1] / "vectors"


def commands() -> dict[str, bytes]:
    with (VECTORS / "plantower-commands.csv").open() as file:
        return {row["meaning"]: bytes.fromhex(row["hex"]) for row in csv.DictReader(file)}


COMMANDS = commands()
ACTIVE = COMMANDS["set active (same checksum as read)"]
READ, PASSIVE, SLEEP, WAKE = (COMMANDS[key] for key in ("read (passive)", "set passive", "sleep", "wake"))
SLEPT = COMMANDS["reply to sleep: an 8-byte frame between data frames"]
IS_PASSIVE = COMMANDS["reply to set passive"]


@dataclass
class Frame:
    """An own few lines of decoder, asserting the frame whole."""

    data: bytes

    def __post_init__(self) -> None:
        words = struct.unpack(">16H", self.data)
        assert words[:2] == (0x424D, 28)
        assert words[15] == sum(self.data[:30])
        self.standard, self.ambient, self.counts = words[2:5], words[5:8], words[8:14]
        self.version, self.error = self.data[28], self.data[29]


def decode(data: bytes) -> list[Frame]:
    return [Frame(data[i : i + 32]) for i in range(0, len(data), 32)]


def device(air: tuple[float, float, float] = (8, 12, 20)) -> Pms5003:
    sensor = Pms5003(lambda _: air, unit=Unit())
    sensor.power(True, 0.0)
    return sensor


def ask(sensor: Pms5003, command: bytes, now: float) -> bytes:
    sensor.receive(command, now)
    return sensor.advance(now + 0.1)


def test_frame_layout_equals_the_captures() -> None:
    """Own decoder against the vectors first: then it can judge the emulator."""
    with (VECTORS / "plantower-data.csv").open() as file:
        rows = list(csv.DictReader(file))
    good = [row for row in rows if row["counts_per_0.1L_0.3_0.5_1_2.5_5_10"]]
    assert len(good) >= 6
    for row in good:
        frame = Frame(bytes.fromhex(row["hex"]))
        assert ",".join(map(str, frame.standard)) == row["cf1_pm1_pm25_pm10"]
        assert ",".join(map(str, frame.ambient)) == row["atm_pm1_pm25_pm10"]
        assert ",".join(map(str, frame.counts)) == row["counts_per_0.1L_0.3_0.5_1_2.5_5_10"]


def test_command_bytes_give_the_exact_reply() -> None:
    assert ask(device(), SLEEP, 0.1) == SLEPT
    assert ask(device(), PASSIVE, 0.1) == IS_PASSIVE
    assert ask(device(), ACTIVE, 0.1) == bytes.fromhex("424d0004e1010175")


def test_frames_carry_the_injected_values() -> None:
    frame = decode(device((8.2, 12.4, 20.6)).advance(30.0))[-1]
    assert frame.standard == frame.ambient == (8, 12, 21)
    assert (frame.version, frame.error) == (0x97, 0)


def test_channels_part_above_30() -> None:
    for truth in (5, 29, 31, 45, 150, 400):
        frame = decode(device((truth, truth, truth)).advance(30.0))[-1]
        assert frame.ambient[1] == truth
        if truth <= 30:
            assert frame.standard[1] == truth
        else:
            assert truth < frame.standard[1] <= 1.5 * truth + 0.5


def test_counts_fall_with_size_and_rise_with_mass() -> None:
    clean, dirty = (decode(device(air).advance(30.0))[-1].counts for air in ((4, 6, 9), (40, 60, 90)))
    for counts in (clean, dirty):
        assert list(counts) == sorted(counts, reverse=True)
    assert all(a <= b for a, b in zip(clean, dirty, strict=True))
    assert dirty[0] > 5 * clean[0]
    assert decode(device((0, 0, 0)).advance(30.0))[-1].counts == (0,) * 6


def test_steady_air_is_reported_slowly_and_changing_air_fast() -> None:
    assert 11 <= len(decode(device().advance(30.0))) <= 14
    changing = Pms5003(lambda t: (10 * t, 20 * t, 30 * t), unit=Unit())
    changing.power(True, 0.0)
    assert len(decode(changing.advance(10.0))) >= 8


def test_fast_mode_is_faster_with_more_dust_within_the_manuals_limits() -> None:
    def frames(air: Callable[[float], float], start: float, end: float) -> int:
        sensor = Pms5003(lambda t: (air(t), air(t), air(t)), unit=Unit())
        sensor.power(True, 0.0)
        sensor.advance(start)
        return len(decode(sensor.advance(end)))

    assert frames(lambda t: 5 * t, 2.0, 6.0) == 5  # 10 to 30 ug/m3: close to 800 ms
    assert 7 <= frames(lambda t: 3.0**t, 6.0, 7.5) <= 8  # from 700 ug/m3: 200 ms
    fast = Pms5003(lambda _: (8, 12, 20), fast=True)
    fast.power(True, 0.0)
    assert len(decode(fast.advance(61.9))) == 301


def test_error_byte_while_the_fan_spins_up() -> None:
    errors = [frame.error for frame in decode(device().advance(30.0))]
    assert errors[0] != 0
    assert errors[-1] == 0


def test_passive_mode_answers_one_frame_a_read() -> None:
    sensor = device()
    ask(sensor, PASSIVE, 0.1)
    assert sensor.advance(60.0) == b""
    assert len(decode(ask(sensor, READ, 60.1))) == 1
    assert sensor.advance(120.0) == b""


def test_asleep_it_takes_nothing_but_the_wake_command() -> None:
    sensor = device()
    ask(sensor, SLEEP, 0.1)
    for command in (READ, PASSIVE, ACTIVE, SLEEP):
        assert ask(sensor, command, 1.0) == b""
    assert sensor.advance(60.0) == b""
    assert ask(sensor, WAKE, 60.1) == b""
    assert decode(sensor.advance(70.0))


def test_a_power_cut_brings_active_mode_back() -> None:
    sensor = device()
    ask(sensor, PASSIVE, 0.1)
    ask(sensor, SLEEP, 0.3)
    sensor.power(False, 1.0)
    sensor.power(True, 2.0)
    assert decode(sensor.advance(10.0))


def test_no_old_values_after_waking() -> None:
    sensor = device()
    ask(sensor, PASSIVE, 20.0)
    assert decode(ask(sensor, READ, 20.2))[0].ambient == (8, 12, 20)
    ask(sensor, SLEEP, 20.4)
    ask(sensor, WAKE, 60.0)
    (frame,) = decode(ask(sensor, READ, 60.2))
    assert frame.ambient == (0, 0, 0)
    assert frame.error != 0


def test_unknown_and_broken_commands_are_ignored() -> None:
    sensor = device()
    for wrong in ("424de100000171", "424de500000174", "424de100020172"):
        assert ask(sensor, bytes.fromhex(wrong), 0.1) == b""
    assert ask(sensor, PASSIVE, 0.3) == IS_PASSIVE


def test_a_command_within_a_broken_one_is_heard() -> None:
    for begun in (1, 2, 4, 6):
        assert ask(device(), SLEEP[:begun] + PASSIVE, 0.1) == IS_PASSIVE


def test_readings_are_whole_and_within_the_manuals_limits() -> None:
    for seed in range(40):
        sensor = Pms5003(lambda _: (20, 25, 29), seed)
        sensor.power(True, 0.0)
        assert all(abs(frame.ambient[1] - 25) <= 10 for frame in decode(sensor.advance(200.0))[30:])


@given(
    st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([READ, PASSIVE, SLEEP, WAKE])), max_size=12)
)
def test_any_bytes_are_survived_and_the_next_command_is_heard(chunks: list[bytes]) -> None:
    sensor = device()
    now = 0.0
    for chunk in chunks:
        now += 0.3
        sensor.receive(chunk, now)
        sensor.advance(now)
    sensor.receive(bytes(7) + WAKE, now + 1)
    sensor.receive(SLEEP, now + 1)
    assert SLEPT in sensor.advance(now + 1.1)
