"""`dustline decode`: the firmware's own parsers, run over a capture."""

from __future__ import annotations

import importlib
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

import click

from dustline import firmware_path

MODULES = {"sds011": "node.drivers.sds011", "plantower": "node.drivers.plantower"}
LATER = ("sps30", "sen5x")
_CHUNK = 4096


class DecodeError(click.ClickException):
    """Nothing can be decoded; the message says why."""

    exit_code = 2


class Parser(Protocol):
    """What every parser of the firmware offers."""

    frames: int
    rejects: dict[str, int]

    def feed(self, data: bytes) -> list[dict[str, Any]]: ...
    def flush(self) -> list[dict[str, Any]]: ...


def load_parser(sensor: str) -> Parser:
    """A fresh parser of the firmware for `sds011` or `plantower`."""
    try:
        firmware_path.importable()
    except FileNotFoundError as error:
        raise DecodeError(f"{error}; install dustline again") from error
    module = importlib.import_module(MODULES[sensor])
    return cast(Parser, vars(module)["Parser"]())


def _open(file: str) -> BinaryIO:
    if file == "-":
        return sys.stdin.buffer
    try:
        return Path(file).open("rb")
    except OSError as error:
        raise DecodeError(f"cannot read {file}: {error.strerror}") from error


def _raw_chunks(stream: BinaryIO) -> Iterator[bytes]:
    """Bytes as they come; a pipe is not waited for until a chunk is full."""
    while chunk := stream.read1(_CHUNK) if isinstance(stream, io.BufferedReader) else stream.read(_CHUNK):
        yield chunk


def _bytes_of_line(line: str) -> bytes:
    """Bytes of one line such as `AA C0 06 # note`, `0xaa,0xc0` or `aac006`; ValueError when it is not hex."""
    words = line.split("#", 1)[0].replace(",", " ").split()
    return bytes.fromhex("".join(word.removeprefix("0x").removeprefix("0X") for word in words))


def _hex_chunks(stream: BinaryIO, bad_line: Callable[[], None]) -> Iterator[bytes]:
    for number, line in enumerate(stream, start=1):
        text = line.decode("utf-8", errors="replace").strip().removeprefix("\ufeff")
        try:
            yield _bytes_of_line(text)
        except ValueError:
            bad_line()
            shown = text if len(text) <= 40 else text[:37] + "..."
            click.echo(
                f"line {number}: not hex bytes, left out: {shown!r} (for raw bytes say --raw)", err=True
            )


@click.command()
@click.argument("sensor", type=click.Choice([*MODULES, *LATER]))
@click.argument("file", default="-")
@click.option("--raw", is_flag=True, help="FILE holds the sensor's bytes as they are, not hex lines.")
def decode(sensor: str, file: str, raw: bool) -> None:
    """Decode a capture of SENSOR's bytes with the firmware's own parser.

    FILE holds hex lines (spaces, commas, 0x and # comments are fine) or, with --raw, the bytes themselves;
    - is standard input. Prints one JSON object per frame, and a last one with the rejects by reason.
    """
    if sensor in LATER:
        known = " and ".join(MODULES)
        raise DecodeError(f"{sensor} comes with a later version of dustline; this one decodes {known}")
    parser = load_parser(sensor)
    bad_lines = 0

    def bad_line() -> None:
        nonlocal bad_lines
        bad_lines += 1

    with _open(file) as stream:
        try:
            for chunk in _raw_chunks(stream) if raw else _hex_chunks(stream, bad_line):
                _print(parser.feed(chunk))
        except KeyboardInterrupt:
            pass  # the usual end of a live capture: sum up what came
        except BrokenPipeError:
            raise  # the reader of our output has left; click ends quietly
        except OSError as error:
            raise DecodeError(f"cannot read {file}: {error.strerror}") from error
    _print(parser.flush())
    rejects = dict(parser.rejects)
    if bad_lines:
        rejects["bad_hex_line"] = bad_lines
    _print([{"rejects": rejects, "frames": parser.frames}])


def _print(objects: list[dict[str, Any]]) -> None:
    for item in objects:
        click.echo(json.dumps(item))
