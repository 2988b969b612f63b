"""`dustline decode` as its user meets it: hex lines, raw bytes, an endless pipe, and mistakes."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

COMMAND = [sys.executable, "-c", "from dustline.decode import decode; decode(prog_name='decode')"]


def run(*arguments: str, given: bytes = b"") -> tuple[int, list[dict[str, Any]], str]:
    """Exit code, JSON objects of stdout, stderr."""
    done = subprocess.run([*COMMAND, *arguments], input=given, capture_output=True, timeout=30)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()


def vectors(repo: Path, name: str) -> list[list[str]]:
    with (repo / "tests" / "vectors" / name).open(newline="") as file:
        return list(csv.reader(file))[1:]


def test_sds011_vectors_as_hex_lines(repo: Path) -> None:
    rows = vectors(repo, "sds011-data.csv")
    code, out, errors = run("sds011", given="\n".join(row[0] for row in rows).encode())
    good = [row for row in rows if row[1] != "reject"]
    assert (code, errors) == (0, "")
    assert [(frame["pm25"], frame["pm10"]) for frame in out[:-1]] == [
        (float(row[1]), float(row[2])) for row in good
    ]
    assert out[-1] == {"rejects": {"unknown": 1, "checksum": 1}, "frames": len(good)}


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
    assert out[-1] == {"rejects": {"checksum": 1}, "frames": len(good)}


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
        {"kind": "data", "pm25": 0.6, "pm10": 0.6, "id": "58d9"},
        {"rejects": {}, "frames": 1},
    ]


def test_bad_lines_are_named_and_left_out() -> None:
    lines = b"AAC00600060058D93DAB\nAA C0 0\nnonsense\nAAC00600060058D93DAB\n"
    code, out, errors = run("sds011", given=lines)
    assert code == 0
    assert out[-1] == {"rejects": {"bad_hex_line": 2}, "frames": 2}
    assert "line 2" in errors
    assert "line 3" in errors
    assert "'nonsense'" in errors
    assert "Traceback" not in errors


def test_raw_bytes_taken_for_hex_end_in_a_hint() -> None:
    code, out, errors = run("sds011", given=bytes.fromhex("AAC00600060058D93DAB"))
    assert code == 0
    assert out == [{"rejects": {"bad_hex_line": 1}, "frames": 0}]
    assert "--raw" in errors


def test_cut_off_end_is_counted() -> None:
    _, out, _ = run("sds011", given=b"AAC00600060058D93DAB AAC00600")
    assert out[-1] == {"rejects": {"truncated": 1}, "frames": 1}


@pytest.mark.parametrize("sensor", ["sps30", "sen5x"])
def test_sensors_of_a_later_version(sensor: str) -> None:
    code, out, errors = run(sensor)
    assert (code, out) == (2, [])
    assert f"{sensor} comes with a later version" in errors


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
        assert json.loads(process.stdout.readline()) == {"rejects": {}, "frames": 1}
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
