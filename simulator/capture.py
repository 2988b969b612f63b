"""What a real sensor once measured or sent, in place of the model: a table of readings, or bytes as captured.

A table is CSV (comma, semicolon or tab) with a column of time and one of pm25 at least; pm1, pm10, temp, rh,
press where there are. Times are Unix seconds or ISO 8601, in UTC where no zone stands. Between two rows the
values go evenly; before the first and after the last they stand.

Bytes are what `dustline decode` takes of a UART (uart_lines.py), sent at the times that stand there. Without
times a line is a frame and comes a second after the one before; pieces of a stream come as the wire bears.
"""

from __future__ import annotations

import bisect
import csv
import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from simulator.options import Fitted
from simulator.sensors import MODELS, kind_of
from simulator.sensors.base import Air, Device, Sensor, Weather
from simulator.sensors.unit import Unit
from simulator.uart_lines import UartLines
from simulator.weather import Offsets

SHOWN = 5  # bad lines; one wrong file has thousands
LINE_S = 1.0  # from line to line of bytes without times
TIMES = ("t", "time", "timestamp", "datetime", "date", "_time", "created_at")
# Column -> what it is called elsewhere; p1 and p2 are sensor.community's.
NAMES = {
    "pm1": ("pm1", "pm1.0", "pm1_0", "pm01"),
    "pm25": ("pm25", "pm2.5", "pm2_5", "pm25_atm", "sds_p2", "p2"),
    "pm10": ("pm10", "pm10.0", "pm10_0", "sds_p1", "p1"),
    "temp": ("temp", "temperature"),
    "rh": ("rh", "humidity"),
    "press": ("press", "pressure"),
}
MOST = {"pm1": 5000.0, "pm25": 5000.0, "pm10": 10000.0, "rh": 100.0, "press": 1200.0, "temp": 85.0}
LEAST = {"press": 300.0, "temp": -60.0}
PIECE = 4  # bytes of a line that are no frame


class CaptureError(ValueError):
    """The file cannot be used; the text has a line for each finding."""


@dataclass(frozen=True)
class Table:
    """Readings. `times`: seconds since the first row; `values`: by column, as long as `times`."""

    times: list[float]
    values: dict[str, list[float]]

    @property
    def length_s(self) -> float:
        return self.times[-1]

    def air(self) -> Air:
        """Begins with the first row when it is first asked. Without pm1 that is 0.7 of pm25 (a guess), without
        pm10 as much as pm25."""
        fine = self.values["pm25"]
        parts = (self.values.get("pm1", [0.7 * value for value in fine]), fine, self.values.get("pm10", fine))
        return _Course(self.times, parts).at

    def weather(self) -> Weather | None:
        """None without temp and rh; without press the air has 1003 hPa."""
        if "temp" not in self.values or "rh" not in self.values:
            return None
        press = self.values.get("press", [1003.0] * len(self.times))
        return _Course(self.times, (self.values["temp"], self.values["rh"], press)).at


class _Course:
    """Values between the rows of a table."""

    def __init__(self, times: Sequence[float], parts: tuple[Sequence[float], ...]) -> None:
        self._times, self._parts = times, parts
        self._began: float | None = None

    def at(self, now: float) -> tuple[float, float, float]:
        if self._began is None:
            self._began = now
        since = min(max(now - self._began, 0.0), self._times[-1])
        after = min(max(bisect.bisect_right(self._times, since), 1), len(self._times) - 1)
        if len(self._times) == 1:
            a, b, c = (part[0] for part in self._parts)
            return a, b, c
        start, end = self._times[after - 1], self._times[after]
        share = (since - start) / (end - start) if end > start else 1.0
        a, b, c = (part[after - 1] + (part[after] - part[after - 1]) * share for part in self._parts)
        return a, b, c


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
    if _columns(first) is not None:
        return _table(path, lines)
    return _dump(path, lines)


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


def _columns(header: str) -> dict[str, int] | None:
    """Which column holds what, by a header; None when it is no header of readings."""
    names = [name.strip().strip('"').lower() for name in header.split(_delimiter(header))]
    found = {
        name: names.index(known[0])
        for name, words in {"t": TIMES, **NAMES}.items()
        if (known := [word for word in words if word in names])
    }
    return found if {"t", "pm1", "pm25", "pm10"} & found.keys() else None


def _table(path: Path, lines: list[str]) -> Table:
    wrong = _Wrong(path)
    times: list[float] = []
    values: dict[str, list[float]] = {}
    columns: dict[str, int] = {}
    delimiter = ","
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        if not columns:
            columns, delimiter = _columns(line) or {}, _delimiter(line)
            missing = {"t": "time", "pm25": "pm25"}.items()
            for name in [word for column, word in missing if column not in columns]:
                raise CaptureError(
                    f"{path}, line {number}: has no column {name}; the header needs time and pm25, such as "
                    "time,pm25,pm10"
                )
            values = {name: [] for name in columns if name != "t"}
            continue
        try:
            row = next(csv.reader([line], delimiter=delimiter))
            cells = {name: _cell(row, at, name) for name, at in columns.items()}
            at = _instant(cells["t"])
            if times and at <= times[-1]:
                raise ValueError("its time is not after the line's before; sort the file, take doubles away")
            numbers = {name: _number(name, cells[name]) for name in values}
        except ValueError as error:
            wrong.line(number, str(error))
            continue
        times.append(at)
        for name, value in numbers.items():
            values[name].append(value)
    wrong.tell()
    if not times:
        raise CaptureError(f"{path}: has a header and no readings")
    return Table([at - times[0] for at in times], values)


def _cell(row: list[str], at: int, name: str) -> str:
    if at >= len(row) or not row[at].strip():
        raise ValueError(f"has no {'time' if name == 't' else name}; give one, or take the line away")
    return row[at].strip()


def _instant(text: str) -> float:
    """Unix seconds."""
    try:
        plain = float(text)
    except ValueError:
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{text!r} is no time; write Unix seconds or 2026-01-12T06:00:00Z") from None
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    if not math.isfinite(plain):
        raise ValueError(f"{text!r} is no time")
    return plain / 1000.0 if plain > 1e11 else plain


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{name} is {text!r}, which is no number (with a point, without a unit)") from None
    if not LEAST.get(name, 0.0) <= value <= MOST[name]:
        raise ValueError(f"{name} is {text}; it must be {LEAST.get(name, 0.0):g} to {MOST[name]:g}")
    return value


def _dump(path: Path, lines: list[str]) -> Dump:
    wrong = _Wrong(path)
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


class _Wrong:
    """Collects what is wrong with single lines."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told: list[str] = []

    def line(self, number: int, text: str) -> None:
        self._told.append(f"{self._path}, line {number}: {text}")

    def tell(self) -> None:
        """Raises CaptureError if there was anything."""
        more = len(self._told) - SHOWN
        rest = [f"and {more} more lines"] if more > 0 else []
        if self._told:
            raise CaptureError("\n".join([*self._told[:SHOWN], *rest]))


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
