"""Readings that a real sensor gave, as a table.

CSV (comma, semicolon or tab) with a column of time and pm25; pm1, pm10, temp, rh, press where there are.
Times are Unix seconds or ISO 8601, in UTC where no zone stands. Between two rows the values go evenly; before
the first and after the last they stand.
"""

from __future__ import annotations

import bisect
import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from simulator.sensors.base import Air, Weather

SHOWN = 5  # bad lines; one wrong file has thousands
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
        """Begins with the first row when it is first asked. Without pm1 that is 0.7 of pm25 (a guess),
        without pm10 as much as pm25."""
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


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


def columns_of(header: str) -> dict[str, int] | None:
    """Which column holds what, by a header; None when it is no header of readings."""
    names = [name.strip().strip('"').lower() for name in header.split(_delimiter(header))]
    found = {
        name: names.index(known[0])
        for name, words in {"t": TIMES, **NAMES}.items()
        if (known := [word for word in words if word in names])
    }
    return found if {"t", "pm1", "pm25", "pm10"} & found.keys() else None


def table(path: Path, lines: list[str]) -> Table:
    wrong = Wrong(path)
    times: list[float] = []
    values: dict[str, list[float]] = {}
    columns: dict[str, int] = {}
    delimiter = ","
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        if not columns:
            columns, delimiter = columns_of(line) or {}, _delimiter(line)
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


class Wrong:
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
