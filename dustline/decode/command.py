"""`dustline decode`: the firmware's own parsers, run over a capture."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import click

from dustline.decode import host, i2c, streams
from dustline.decode.bme280 import Bme280
from dustline.decode.errors import DecodeError
from dustline.decode.i2c import Answers
from dustline.decode.parts import Decoder, Event
from dustline.decode.streams import PLANTOWER, StreamDecoder
from dustline.decode.transfers import I2cLines, Transfer
from simulator.uart_lines import UartLines

_CHUNK = 4096
_SHOWN = 5  # bad lines; one wrong file has thousands
SENSORS = (
    "sds011",
    "plantower",
    "sps30",
    "sps30-i2c",
    "sen5x",
    "pmsa003i",
    "bme280",
    "sht3x",
    "sht4x",
    "dht22",
)
SEN5X = ("sen50", "sen54", "sen55")
MODELS = {"plantower": PLANTOWER, "sen5x": SEN5X}
# The models' own names do as well.
ALIASES = {name: kind for kind, names in MODELS.items() for name in names} | {"bmp280": "bme280"}
# What a count of rejects does not say by itself.
HINTS = {
    "foreign": "foreign: frames with another sensor's number; decode one sensor's capture at a time",
    "no_calibration": "no_calibration: a sample came before the calibration registers 88 to 9F were read; "
    "capture from the start of the program on",
}


def make_decoder(sensor: str, model: str | None) -> StreamDecoder | Answers:
    """The decoder of one of SENSORS."""
    if sensor == "plantower":
        return streams.Plantower(model)
    if sensor == "sen5x":
        return i2c.Sen5x(model)
    made: dict[str, Callable[[], StreamDecoder | Answers]] = {
        "sds011": streams.Sds011,
        "sps30": streams.Sps30,
        "sps30-i2c": i2c.Sps30,
        "pmsa003i": i2c.Pmsa003i,
        "bme280": Bme280,
        "sht3x": i2c.Sht3x,
        "sht4x": i2c.Sht4x,
        "dht22": i2c.Dht22,
    }
    return made[sensor]()


@contextmanager
def _opened(file: str) -> Generator[BinaryIO, None, None]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = Path(file).open("rb")  # noqa: SIM115 - closed below, when it could be opened
    except OSError as error:
        raise DecodeError(f"cannot read {file}: {error.strerror}") from error
    with stream:
        yield stream


def _raw_chunks(stream: BinaryIO) -> Iterator[bytes]:
    """Bytes as they come; a pipe is not waited for until a chunk is full."""
    while chunk := stream.read1(_CHUNK) if isinstance(stream, io.BufferedReader) else stream.read(_CHUNK):
        yield chunk


class _Run:
    """One capture on its way through its decoder."""

    def __init__(self, decoder: Decoder) -> None:
        self.decoder = decoder
        self.bad_lines = 0

    def raw(self, stream: BinaryIO) -> None:
        decoder = cast(StreamDecoder, self.decoder)
        for chunk in _raw_chunks(stream):
            _print(decoder.feed(chunk))

    def text(self, stream: BinaryIO) -> None:
        if isinstance(self.decoder, Answers):
            self._transfers(self.decoder, stream)
        else:
            self._stream(cast(StreamDecoder, self.decoder), stream)

    def _stream(self, decoder: StreamDecoder, stream: BinaryIO) -> None:
        lines = UartLines()
        for number, text in _lines(stream):
            try:
                data = lines.bytes_of(text)
            except ValueError as error:
                self._bad(number, text, error)
            else:
                _print(decoder.feed(data))

    def _transfers(self, decoder: Answers, stream: BinaryIO) -> None:
        lines = I2cLines()
        others: set[int] = set()
        ours = False

        def take_all(transfers: list[Transfer]) -> None:
            nonlocal ours
            for transfer in transfers:
                if decoder.is_for(transfer.address):
                    ours = True
                elif transfer.address is not None:
                    others.add(transfer.address)
                _print(decoder.take(transfer))

        for number, text in _lines(stream):
            try:
                transfers = lines.transfers_of(text)
            except ValueError as error:
                self._bad(number, text, error)
            else:
                take_all(transfers)
        take_all(lines.end())
        if others and not ours:
            wanted = " or ".join(f"{address:02x}" for address in decoder.addresses)
            found = ", ".join(f"{address:02x}" for address in sorted(others))
            click.echo(f"nothing is for address {wanted} (hex); the capture has {found}", err=True)

    def _bad(self, number: int, text: str, error: ValueError) -> None:
        self.bad_lines += 1
        if self.bad_lines > _SHOWN:
            return
        shown = text if len(text) <= 40 else text[:37] + "..."
        if "export" in str(error) or "stands" in str(error):
            why = str(error)
        elif hasattr(self.decoder, "feed"):
            why = "for raw bytes say --raw"
        else:
            why = "a transfer is written as 69 W 03 00, 69 R 41 00 FC, or as the bytes read"
        click.echo(f"line {number}: not hex bytes, left out: {shown!r} ({why})", err=True)

    def finish(self) -> None:
        _print(self.decoder.flush())
        summary = self.decoder.summary()
        if self.bad_lines:
            summary["rejects"]["bad_hex_line"] = self.bad_lines
        if self.bad_lines > _SHOWN:
            click.echo(f"{self.bad_lines - _SHOWN} more lines are no hex bytes and were left out", err=True)
        _print([summary])
        for reason, hint in HINTS.items():
            if reason in summary["rejects"]:
                click.echo(hint, err=True)


def _lines(stream: BinaryIO) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(stream, start=1):
        yield number, line.decode("utf-8", errors="replace").strip().removeprefix("\ufeff")


@click.command()
@click.argument("sensor", type=click.Choice([*SENSORS, *ALIASES]), metavar="SENSOR")
@click.argument("file", default="-")
@click.option("--raw", is_flag=True, help="FILE holds the sensor's bytes as they are, not text.")
@click.option("--model", type=click.Choice([*PLANTOWER, *SEN5X]), help="When the bytes do not tell it.")
@click.option("--host", "from_host", is_flag=True, help="FILE holds what was sent to the sensor (UART).")
def decode(sensor: str, file: str, raw: bool, model: str | None, from_host: bool) -> None:
    """Decode a capture of SENSOR's bytes with the firmware's own parser.

    SENSOR: sds011, plantower (any PMS), sps30 (UART), sps30-i2c, sen5x, pmsa003i, bme280 (and bmp280), sht3x,
    sht4x, dht22.

    FILE holds hex lines (spaces, commas, 0x, times in front and # comments are fine), a hex dump, a logic
    analyser's export or, with --raw, the bytes themselves; - is standard input. For I2C a line is a transfer:
    "69 W 03 00", "69 R 3D CD 78 ..." or only the bytes read.

    Prints one JSON object per frame, and a last one with the rejects by reason.
    """
    kind = ALIASES.get(sensor, sensor)
    if sensor in MODELS.get(kind, ()):
        model = model or sensor
    if model and model not in MODELS.get(kind, ()):
        known = ", ".join(MODELS.get(kind, ())) or "none"
        raise DecodeError(f"{sensor} has no model {model}; to choose from: {known}")
    decoder = host.make_decoder(kind) if from_host else make_decoder(kind, model)
    if raw and not hasattr(decoder, "feed"):
        raise DecodeError(f"{sensor} needs to know where a transfer ends: give hex lines, not --raw")
    run = _Run(decoder)
    with _opened(file) as stream:
        try:
            if raw:
                run.raw(stream)
            else:
                run.text(stream)
        except KeyboardInterrupt:
            pass  # the usual end of a live capture: sum up what came
        except BrokenPipeError:
            raise  # the reader of our output has left; click ends quietly
        except OSError as error:
            raise DecodeError(f"cannot read {file}: {error.strerror}") from error
    run.finish()


def _print(objects: list[Event]) -> None:
    for item in objects:
        click.echo(json.dumps(item))
