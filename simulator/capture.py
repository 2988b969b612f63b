"""What a real sensor once measured or sent, in place of the model: a table of readings (capture_table.py), or
bytes as captured.

Bytes are what `dustline decode` takes of a UART (uart_lines.py), sent at the times that stand there. Without
times a line is a frame and comes a second after the one before; pieces of a stream come as the wire bears.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from simulator.capture_table import CaptureError, Table, Wrong, columns_of, table
from simulator.options import Fitted
from simulator.sensors import MODELS, kind_of
from simulator.sensors.base import Device, Sensor
from simulator.sensors.unit import Unit
from simulator.uart_lines import UartLines
from simulator.weather import Offsets

LINE_S = 1.0  # from line to line of bytes without times
PIECE = 4  # bytes of a line that are no frame


@dataclass(frozen=True)
class Dump:
    """Bytes, with the second at which each came since the first."""

    chunks: list[tuple[float, bytes]]

    @property
    def length_s(self) -> float:
        return self.chunks[-1][0]


class Replayed(Sensor):
    """A sensor on a UART that sends what was captured, from its power-on, whatever is said to it."""

    def __init__(self, model: str, dump: Dump, baud: int) -> None:
        super().__init__(lambda _at: (0.0, 0.0, 0.0))
        self.model = model
        self.baud = baud
        self._dump = dump
        self._next = 0
        self._since = 0.0

    def _boot(self, now: float) -> None:
        self._next, self._since = 0, now

    def _due(self) -> float:
        chunks = self._dump.chunks
        return self._since + chunks[self._next][0] if self._next < len(chunks) else math.inf

    def _run(self, now: float) -> None:
        while (due := self._due()) <= now:
            self._send(self._dump.chunks[self._next][1], due)
            self._next += 1

    def _obey(self, now: float) -> None:
        self._heard.clear()


def load(path: Path) -> Table | Dump:
    """Raises CaptureError, which names each line that is wrong."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise CaptureError(f"{path}: cannot be read: {reason}") from error
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    if not first:
        raise CaptureError(f"{path}: is empty; give readings as CSV, or bytes as lines of hex")
    if columns_of(first) is not None:
        return table(path, lines)
    return _dump(path, lines)


def _dump(path: Path, lines: list[str]) -> Dump:
    wrong = Wrong(path)
    reader = UartLines()
    chunks: list[tuple[float, bytes]] = []
    first: float | None = None
    timed: bool | None = None
    untimed = 0.0
    for number, line in enumerate(lines, start=1):
        try:
            data = reader.bytes_of(line)
        except ValueError:
            shown = line if len(line) <= 40 else line[:37] + "..."
            wrong.line(number, f"{shown!r} is not hex bytes, such as AA C0 D4 04")
            continue
        if not data:
            continue
        at = reader.seconds_of(line)
        if timed is not None and timed != (at is not None):
            wrong.line(number, "has a time where the lines before have none, or the other way round")
            continue
        timed = at is not None
        if at is None:
            at = untimed
            untimed += 0.0 if reader.runs_on or len(data) < PIECE else LINE_S
        first = at if first is None else first
        if at - first < (chunks[-1][0] if chunks else 0.0):
            wrong.line(number, "its time is before that of the line before; cut the file there")
            continue
        chunks.append((at - first, data))
    wrong.tell()
    if not chunks:
        raise CaptureError(f"{path}: holds no bytes")
    return Dump(chunks)


def devices(path: Path, fitted: Sequence[Fitted]) -> dict[str, Device]:
    """A board's devices that the capture drives, by slot: of a table every one, of bytes the first, which
    must be on a UART. Raises CaptureError."""
    found = load(path)
    if isinstance(found, Dump):
        one = fitted[0]
        if one.bus != "uart":
            raise CaptureError(
                f"{path}: bytes can be replayed on a UART only, and {one.model} is on {one.bus}"
            )
        return {one.slot: Replayed(one.model, found, cast(Sensor, kind_of(one.model, "uart")).baud)}
    air, weather = found.air(), found.weather()
    out: dict[str, Device] = {}
    for number, one in enumerate(fitted):
        particles = "unit" in inspect.signature(kind_of(one.model, one.bus)).parameters
        climate = MODELS[one.model, one.bus][2]
        if not particles and weather is None:
            continue  # it is in the simulator's weather
        more: dict[str, Any] = {"unit": Unit(loss=0.0)} if particles else {}
        if climate and weather is not None:
            more |= {"weather": weather, "offsets": Offsets()}
        out[one.slot] = cast("Callable[..., Device]", kind_of(one.model, one.bus))(air, number, **more)
    return out
