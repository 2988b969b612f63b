"""What a sensor once measured or sent drives an emulator, byte for byte; each wrong line is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from simulator.capture import Dump, Replayed, devices, load
from simulator.capture_table import CaptureError, Table
from simulator.cli import sim
from simulator.days.world import World
from simulator.sensor_words import fit_all
from tests.support import Mosquitto, choose_port

# A frame of an SDS011 with 123.6 ug/m3, and the same with a wrong sum.
FRAMES = ("AA C0 D4 04 3A 0A A1 60 1D AB", "AA C0 D4 04 3A 0A A1 60 1E AB")


def table(path: Path, text: str) -> Table:
    path.write_text(text)
    found = load(path)
    assert isinstance(found, Table)
    return found


def test_a_table_gives_air_and_weather(tmp_path: Path) -> None:
    found = table(
        tmp_path / "a.csv",
        "Time,PM2.5,pm10,temperature,humidity\n"
        "2026-01-12T06:00:00Z,10,20,-3,80\n"
        "2026-01-12T06:01:00Z,40,50,-2,82\n"
        "2026-01-12T06:02:00+00:00,40,50,-2,82\n",
    )
    assert found.length_s == 120
    air, weather = found.air(), found.weather()
    assert [air(1000.0 + at)[1] for at in (0, 30, 60, 90, 500)] == [10, 25, 40, 40, 40]
    assert air(1030.0) == (17.5, 25.0, 35.0)
    assert weather is not None
    assert weather(7.0) == (-3.0, 80.0, 1003.0)


@pytest.mark.parametrize(
    "head",
    ["timestamp;P1;durP1;P2", "t\tpm10\tx\tpm25", "t,pm10,x,pm2_5", '"t","pm10","x","pm25"'],
)
def test_tables_of_many_makes_are_read(tmp_path: Path, head: str) -> None:
    delimiter = ";" if ";" in head else "\t" if "\t" in head else ","
    row = delimiter.join(["1768197600000", "20", "", "10"])
    air = table(tmp_path / "a.csv", f"# a note\n\n{head}\n{row}\n").air()
    assert air(5.0) == (7.0, 10.0, 20.0)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("time,pm25\n", "no readings"),
        ("time,pm10\n1,2\n", "line 1: has no column pm25"),
        ("pm25,pm10\n1,2\n", "line 1: has no column time"),
        ("time,pm25\n1,2\n2,x\n", "line 3: pm25 is 'x'"),
        ("time,pm25\n1,2\nsoon,3\n", "line 3: 'soon' is no time"),
        ("time,pm25\n1,2\n2\n", "line 3: has no pm25"),
        ("time,pm25\n2,2\n1,3\n", "line 3: its time is not after"),
        ("time,pm25\n1,-2\n", "line 2: pm25 is -2; it must be 0 to 5000"),
        ("time,pm25\n1,nan\n", "line 2: pm25 is nan"),
        ("time,pm25\n" + "x,y\n" * 9, "and 4 more lines"),
        ("AA C0\nhello\n", "line 2: 'hello' is not hex bytes"),
        ("12:00:02 AA\n12:00:01 C0\n", "line 2: its time is before"),
        ("12:00:02 AA\nC0\n", "line 2: has a time where the lines before have none"),
        ("# nothing\n \nAA\n", ""),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text)
    if not told:
        assert load(path) == Dump([(0.0, b"\xaa")])
        return
    with pytest.raises(CaptureError, match=r"a\.txt") as caught:
        load(path)
    assert told in str(caught.value)


def test_bytes_come_at_their_times(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(f"[12:00:00.5] {FRAMES[0]}\n[12:00:02.75] {FRAMES[1]}  # a wrong sum\n")
    found = load(path)
    assert isinstance(found, Dump)
    assert found.length_s == 2.25
    sensor = Replayed("sds011", found, 9600)
    sensor.power(True, 100.0)
    assert sensor.due() == 100.0
    assert sensor.advance(100.0) == bytes.fromhex(FRAMES[0])
    assert (sensor.advance(102.2), sensor.due()) == (b"", 102.25)
    sensor.receive(b"anything", 102.2)
    assert sensor.advance(103.0) == bytes.fromhex(FRAMES[1])
    assert (sensor.advance(999.0), sensor.due()) == (b"", float("inf"))


def test_bytes_without_times_are_a_frame_a_second_or_a_stream(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("\n".join(FRAMES))
    found = load(path)
    assert isinstance(found, Dump)
    assert [at for at, _ in found.chunks] == [0.0, 1.0]
    path.write_text("00000000: aac0 d404 3a0a  ..:.\n00000006: a160 1dab aac0  .`..\n")
    found = load(path)
    assert isinstance(found, Dump)
    assert found.chunks == [(0.0, bytes.fromhex("aac0d4043a0a")), (0.0, bytes.fromhex("a1601dabaac0"))]


@pytest.mark.needs_micropython
@pytest.mark.needs_mosquitto
def test_firmware_reads_captured_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("\n".join(FRAMES[:1] * 200 + FRAMES[1:] * 80))
    fitted = fit_all(["sds011"])
    broker = Mosquitto(tmp_path, choose_port(), ["set_tcp_nodelay true"]).start()
    try:
        world = World(
            tmp_path / "node",
            broker.port,
            fitted,
            {"warmup_s": 30, "window_s": 20, "health_s": 60},
            stride_ms=250,
            lax=True,
            devices=devices(path, fitted),
        )
        try:
            world.run(400.0)
        finally:
            world.close()
    finally:
        broker.stop()
    readings = [one.reading for one in world.gateway.arrivals]
    values = [one["pm25"] for one in readings if "pm25" in one]
    print(readings)
    assert len(values) >= 3
    assert set(values) == {123.6}
    # The first that is not clean is so for the spoilt frames; silence comes behind them.
    assert "bad_checksum" in next(reading["flags"] for reading in readings if reading["flags"])
    errors = world.gateway.health[-1][1]["sensors"][0]["errors"]
    assert sum(errors.values()) >= 10


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("AA C0\n")
    words = ["node", "--sensor", "sps30@i2c", "--capture", str(path)]
    done = CliRunner().invoke(sim, words)
    assert done.exit_code == 2
    assert "on a UART only" in done.output
    done = CliRunner().invoke(sim, ["node", "--capture", str(tmp_path / "none.csv")])
    assert done.exit_code == 2
    assert "cannot be read: No such file" in done.output.replace("\n", " ")
