"""`dustline decode` as its user meets it: hex lines, raw bytes, an endless pipe, and mistakes.

test_decode_i2c.py has the sensors on I2C.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from dustline.decode import decode
from dustline.decode.command import SENSORS

COMMAND = [sys.executable, "-c", "from dustline.decode import decode; decode(prog_name='decode')"]


def run(*arguments: str, given: bytes = b"") -> tuple[int, list[dict[str, Any]], str]:
    """Exit code, JSON objects of stdout, stderr."""
    done = subprocess.run([*COMMAND, *arguments], input=given, capture_output=True, timeout=30)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()


def called(sensor: str, text: str, *options: str) -> tuple[int, list[dict[str, Any]]]:
    """The same within this process, which is faster: exit code and JSON objects."""
    done = CliRunner().invoke(decode, [sensor, "-", *options], input=text, catch_exceptions=False)
    return done.exit_code, [json.loads(line) for line in done.stdout.splitlines()]


def vectors(repo: Path, name: str) -> list[list[str]]:
    with (repo / "tests" / "vectors" / name).open(newline="") as file:
        return list(csv.reader(file))[1:]


def test_sds011_vectors_as_hex_lines(repo: Path) -> None:
    """Each alone: they are of several sensors, and frames of another one's number are refused."""
    for text, pm25, pm10, _ in vectors(repo, "sds011-data.csv"):
        code, out = called("sds011", text)
        assert code == 0
        if pm25 == "reject":
            assert len(out) == 1
            assert out[0]["rejects"] in ({"unknown": 1}, {"checksum": 1})
        else:
            assert out[0] == {"kind": "data", "pm25": float(pm25), "pm10": float(pm10)}
            assert out[1] == {"rejects": {}, "frames": 1, "id": text[12:16].lower()}


def test_frames_of_another_sensor_are_explained(repo: Path) -> None:
    rows = vectors(repo, "sds011-data.csv")[:3]
    code, out, errors = run("sds011", given="\n".join(row[0] for row in rows).encode())
    assert code == 0
    assert out[-1] == {"rejects": {"foreign": 1}, "frames": 2, "id": "58d9"}
    assert "one sensor's capture at a time" in errors


# From the vectors' words; what is not here is a reject.
SDS011_COMMANDS = {
    "get reporting mode": {"what": "mode", "set": 0},
    "set query mode": {"what": "mode", "set": 1, "value": 1},
    "set active mode": {"what": "mode", "set": 1, "value": 0},
    "query data": {"what": "read"},
    "set device id A001 of A160": {"what": "id", "value": "a001"},
    "sleep": {"what": "work", "set": 1, "value": 0},
    "work": {"what": "work", "set": 1, "value": 1},
    "working period 1 min": {"what": "period", "set": 1, "value": 1},
    "working period continuous": {"what": "period", "set": 1, "value": 0},
    "get working period": {"what": "period", "set": 0},
    "get firmware version": {"what": "firmware"},
    "reply: active mode": {"what": "mode", "set": 0, "value": 0},
    "reply: query mode": {"what": "mode", "set": 0, "value": 1},
    "reply: slept": {"what": "work", "set": 1, "value": 0},
    "reply: awake": {"what": "work", "set": 1, "value": 1},
    "reply: is working (same checksum as slept)": {"what": "work", "set": 0, "value": 1},
    "reply: period set 1 min": {"what": "period", "set": 1, "value": 1},
    "reply: firmware 15-07-10": {"what": "firmware", "set": 0, "value": None},
}


def test_sds011_commands_and_replies(repo: Path) -> None:
    for text, meaning in vectors(repo, "sds011-commands.csv"):
        reply = meaning.startswith("reply")
        code, out = called("sds011", text, *([] if reply else ["--host"]))
        assert code == 0
        if meaning not in SDS011_COMMANDS:
            assert "reject" in meaning
            assert out[0]["rejects"] == {"out_of_range" if "range" in meaning else "unknown": 1}
            continue
        expected = {"kind": "reply" if reply else "command", **SDS011_COMMANDS[meaning]}
        assert {name: out[0].get(name) for name in expected} == expected, meaning
        assert out[1]["rejects"] == {}
        if "firmware" in meaning and reply:
            assert out[1]["fw"] == "15-07-10"


PLANTOWER_COMMANDS = {
    "read (passive)": {"kind": "command", "what": "read"},
    "set passive": {"kind": "command", "what": "mode", "value": 0},
    "set active (same checksum as read)": {"kind": "command", "what": "mode", "value": 1},
    "sleep": {"kind": "command", "what": "work", "value": 0},
    "wake": {"kind": "command", "what": "work", "value": 1},
    "reply to sleep: an 8-byte frame between data frames": {"kind": "reply", "what": "work", "value": 0},
    "reply to set passive": {"kind": "reply", "what": "mode", "value": 0},
}


def test_plantower_commands_and_replies(repo: Path) -> None:
    for text, meaning in vectors(repo, "plantower-commands.csv"):
        code, out = called("plantower", text, *([] if meaning.startswith("reply") else ["--host"]))
        assert code == 0
        assert out[0] == PLANTOWER_COMMANDS[meaning]
        assert out[1] == {"rejects": {}, "frames": 1}


def test_sps30_values(repo: Path) -> None:
    rows = vectors(repo, "sps30-shdlc-data.csv")
    code, out = called("sps30", "\n".join(row[0] for row in rows))
    assert code == 0
    for frame, row in zip(out[:-1], rows, strict=True):
        expected = [float(word) for word in row[1].split(";")][:4]
        assert [frame[name] for name in ("pm1", "pm25", "pm4", "pm10")] == pytest.approx(expected, abs=1e-4)
    assert out[-1] == {"rejects": {}, "frames": len(rows)}


SPS30_FRAMES = {
    "start measurement, float": ("--host", {"what": "start", "data": "0103"}),
    "stop": ("--host", {"what": "stop"}),
    "read measured values": ("--host", {"what": "values"}),
    "reply: no new data yet": ("", {"what": "values", "state": 0, "value": None}),
    "reply: state 43, command not allowed now": ("", {"state": 0x43, "error": "command not allowed now"}),
    "read auto-clean interval: the checksum itself is stuffed": (
        "--host",
        {"what": "auto_clean", "data": "00"},
    ),
    "reply with stuffed address, command, state and data": (
        "",
        {"address": 0x7E, "command": 0x7D, "state": 0x11, "data": "121314"},
    ),
}


def test_sps30_frames(repo: Path) -> None:
    for text, meaning in vectors(repo, "sps30-shdlc-frames.csv"):
        if meaning not in SPS30_FRAMES:
            assert meaning.startswith("reject")
            code, out = called("sps30", text)
            assert (code, len(out)) == (0, 1)
            assert out[0]["rejects"] == {"checksum" if "checksum" in meaning else "length": 1}
            continue
        option, expected = SPS30_FRAMES[meaning]
        code, out = called("sps30", text, *([option] if option else []))
        assert {name: out[0].get(name) for name in expected} == expected, meaning
        assert out[-1] == {"rejects": {}, "frames": 1}


def test_plantower_vectors_as_raw_file(repo: Path, tmp_path: Path) -> None:
    rows = vectors(repo, "plantower-data.csv")
    capture = tmp_path / "capture.bin"
    capture.write_bytes(b"".join(bytes.fromhex(row[0]) for row in rows))
    code, out, errors = run("plantower", "--raw", str(capture))
    good = [row for row in rows if not row[1].startswith("reject")]
    assert (code, errors) == (0, "")
    for frame, row in zip(out[:-1], good, strict=True):
        assert f"{frame['pm1_cf1']},{frame['pm25_cf1']},{frame['pm10_cf1']}" == row[1]
        assert f"{frame['pm1']},{frame['pm25']},{frame['pm10']}" == row[2]
        assert (
            f"{frame['n03']},{frame['n05']},{frame['n1']},{frame['n25']},{frame['n5']},{frame['n10']}"
            == row[3]
        )
    assert out[-1] == {"rejects": {"checksum": 1}, "frames": len(good), "fw": "97"}


@pytest.mark.parametrize(
    "line",
    [
        "AA C0 06 00 06 00 58 D9 3D AB",
        "aac00600060058d93dab",
        "0xAA,0xC0,0x06,0x00,0x06,0x00,0x58,0xD9,0x3D,0xAB  # first breath",
        "# a comment alone\n\nAAC00600\n060058D93DAB",
        "\ufeffAAC00600060058D93DAB\r\n",
    ],
)
def test_hex_spellings(line: str) -> None:
    code, out, errors = run("sds011", "-", given=line.encode())
    assert (code, errors) == (0, "")
    assert out == [
        {"kind": "data", "pm25": 0.6, "pm10": 0.6},
        {"rejects": {}, "frames": 1, "id": "58d9"},
    ]


def test_bad_lines_are_named_and_left_out() -> None:
    lines = b"AAC00600060058D93DAB\nAA C0 0\nnonsense\nAAC00600060058D93DAB\n"
    code, out, errors = run("sds011", given=lines)
    assert code == 0
    assert out[-1] == {"rejects": {"bad_hex_line": 2}, "frames": 2, "id": "58d9"}
    assert "line 2" in errors
    assert "line 3" in errors
    assert "'nonsense'" in errors
    assert "Traceback" not in errors


def test_a_file_of_something_else_does_not_flood_the_screen() -> None:
    _, out, errors = run("sds011", given=b"nonsense\n" * 1000)
    assert out == [{"rejects": {"bad_hex_line": 1000}, "frames": 0}]
    assert len(errors.splitlines()) == 6
    assert "line 5: " in errors
    assert "995 more lines are no hex bytes" in errors


def test_raw_bytes_taken_for_hex_end_in_a_hint() -> None:
    code, out, errors = run("sds011", given=bytes.fromhex("AAC00600060058D93DAB"))
    assert code == 0
    assert out == [{"rejects": {"bad_hex_line": 1}, "frames": 0}]
    assert "--raw" in errors


def test_cut_off_end_is_counted() -> None:
    _, out, _ = run("sds011", given=b"AAC00600060058D93DAB AAC00600")
    assert out[-1] == {"rejects": {"truncated": 1}, "frames": 1, "id": "58d9"}


FRAME = "AA C0 06 00 06 00 58 D9 3D AB"


@pytest.mark.parametrize(
    "text",
    [
        f"00:00:01.2  {FRAME}",
        f"12:30:01.123 -> {FRAME}",
        f"[2026-11-24 12:30:01,123] {FRAME}",
        f"2026-11-24T12:30:01Z {FRAME}",
        f"1.250 {FRAME}\n",
        f"00:00:01.2  {FRAME[:14]}\n00:00:01.3 {FRAME[15:]}",
        "00000000: aac0 0600 0600 58d9 3dab                 ......X.=.",
        "00000000  aa c0 06 00 06 00 58 d9  3d ab                    |......X.=.|\n0000000a",
        "Time [s],Value,Parity Error,Framing Error\n"
        + "\n".join(f"0.01,0x{byte},," for byte in FRAME.split()),
        "name,type,start_time,duration,data\n"
        + "\n".join(f'"Async Serial","data",0.01,0.001,0x{byte}' for byte in FRAME.split()),
        "\n".join(
            f"10-20 UART: RX: Start bit\n20-30 UART: RX: {byte}\n30-40 UART: TX: 55" for byte in FRAME.split()
        ),
        "\n".join(f"uart-1: {byte}" for byte in FRAME.split()),
    ],
)
def test_logs_dumps_and_analyser_exports(text: str) -> None:
    code, out = called("sds011", text)
    assert code == 0
    assert out == [{"kind": "data", "pm25": 0.6, "pm10": 0.6}, {"rejects": {}, "frames": 1, "id": "58d9"}]


def test_two_spaces_between_bytes_are_no_dump() -> None:
    _, out = called("sds011", "AAC00600  060058D93DAB")
    assert out[-1]["frames"] == 1


def test_an_export_in_decimal_is_refused_with_advice() -> None:
    code, out, errors = run("sds011", given=b"Time [s],Value,Parity Error,Framing Error\n0.1,170,,\n")
    assert code == 0
    assert out == [{"rejects": {"bad_hex_line": 1}, "frames": 0}]
    assert "export with that radix" in errors


def plantower_t(count: int) -> str:
    """Frames of a PMS5003T: 21.5 degC and 48.3 % where the others count large particles."""
    words = [28, 5, 13, 22, 5, 13, 22, 765, 252, 29, 15, 215, 483, 0x9700]
    body = b"BM" + b"".join(word.to_bytes(2, "big") for word in words)
    return "\n".join([(body + sum(body).to_bytes(2, "big")).hex()] * count)


@pytest.mark.parametrize("arguments", [["plantower"], ["plantower", "--model", "pms5003t"], ["pms5003t"]])
def test_a_pms5003t_is_recognised_or_named(arguments: list[str]) -> None:
    _, out = called(arguments[0], plantower_t(6), *arguments[1:])
    assert len(out) == 7
    assert all((frame["temp"], frame["rh"]) == (21.5, 48.3) for frame in out[:-1])
    assert "n5" not in out[0]
    assert out[-1] == {"rejects": {}, "frames": 6, "model": "pms5003t", "fw": "97"}


def test_the_short_frame_is_a_pms3003() -> None:
    words = [20, 5, 13, 22, 5, 13, 22, 0, 0, 0]
    body = b"BM" + b"".join(word.to_bytes(2, "big") for word in words)
    _, out = called("plantower", "\n".join([(body + sum(body).to_bytes(2, "big")).hex()] * 6))
    assert out[-1] == {"rejects": {}, "frames": 6, "model": "pms3003"}


def test_a_failing_sps30_says_so(repo: Path) -> None:
    """State bit 7 is a failure of fan or laser."""
    body = bytearray(bytes.fromhex(vectors(repo, "sps30-shdlc-data.csv")[2][0])[1:-2])
    body[2] = 0x80
    body.append(~sum(body) & 0xFF)
    stuffed = b"".join(
        bytes((0x7D, byte ^ 0x20)) if byte in b"~}\x11\x13" else bytes((byte,)) for byte in body
    )
    _, out = called("sps30", f"7e{stuffed.hex()}7e")
    assert (out[0]["kind"], out[0]["what"]) == ("error", "device")
    assert out[0]["pm25"] == pytest.approx(8.2140, abs=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sds011", "--model", "pms5003"], "sds011 has no model pms5003"),
        (["plantower", "--model", "sen55"], "to choose from: pms5003"),
        (["sht3x", "--raw"], "give hex lines, not --raw"),
        (["bme280", "--host"], "--host is for UART sensors"),
    ],
)
def test_options_that_do_not_fit(arguments: list[str], message: str) -> None:
    code, out, errors = run(*arguments)
    assert (code, out) == (2, [])
    assert message in errors
    assert "Traceback" not in errors


def test_any_text_is_survived() -> None:
    """Whatever a file holds: no traceback, and a last line."""

    @settings(max_examples=150, deadline=None, print_blob=True)
    @given(
        st.sampled_from(SENSORS),
        st.lists(st.text(st.sampled_from('0123456789abcdefWRx,:; |#\n"Iuart'), max_size=60), max_size=6),
    )
    def check(sensor: str, lines: list[str]) -> None:
        code, out = called(sensor, "\n".join(lines))
        assert code == 0
        assert "rejects" in out[-1]

    check()


@pytest.mark.parametrize("name", ["missing.hex", "."])
def test_unreadable_file(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    code, out, errors = run("sds011", str(path))
    assert (code, out) == (2, [])
    assert f"cannot read {path}" in errors
    assert "Traceback" not in errors


def test_unknown_sensor() -> None:
    code, _, errors = run("sds01")
    assert code == 2
    assert "sds011" in errors


def test_a_live_pipe_is_decoded_as_it_comes() -> None:
    """The first frame is shown while the input is still open: nothing waits for its end."""
    process = subprocess.Popen(
        [*COMMAND, "sds011", "--raw"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(bytes.fromhex("AAC00600060058D93DAB"))
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["pm25"] == 0.6
        process.stdin.close()
        assert json.loads(process.stdout.readline())["frames"] == 1
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.stdout.close()


def test_a_reader_that_leaves_ends_it_quietly() -> None:
    """`cat /dev/ttyUSB0 | dustline decode sds011 --raw | head -1`"""
    process = subprocess.Popen(
        [*COMMAND, "sds011", "--raw"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    frame = bytes.fromhex("AAC00600060058D93DAB")
    process.stdin.write(frame)
    process.stdin.flush()
    process.stdout.readline()
    process.stdout.close()
    with pytest.raises(BrokenPipeError):  # it ends, so writing to it fails
        process.stdin.write(frame * 1_000_000)
    process.wait(10)
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()
