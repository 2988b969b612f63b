"""The hourly values of a reference station, from a CSV file.

    hour_begin,pm25,wind
    2026-01-05T00:00:00Z,23.4,2.1

The first line names the columns: `hour_begin` or `hour_end`, which says what a row's time means; `pm25`;
more if there are. A time has Z or an offset, or else the column is called `hour_begin_utc` or
`hour_end_utc`. Empty: no value.
"""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateway.quality.calibration.record import CalibrationError

HOUR = 3600
TIMES = {"hour_begin": 0, "hour_end": -HOUR, "hour_begin_utc": 0, "hour_end_utc": -HOUR}
# Column -> what it may be. Beta monitors give some ug/m3 below zero in clean air.
VALUES = {
    "pm1": (-20.0, 10_000.0),
    "pm25": (-20.0, 10_000.0),
    "pm10": (-20.0, 10_000.0),
    "wind": (0.0, 100.0),
}
MOST_TOLD = 20
MOST_ROWS = 200_000


@dataclass(frozen=True)
class Reference:
    """`hours`: by the hour's begin (UTC s), the values of a column that are there."""

    name: str
    columns: dict[str, dict[int, float]]
    sha256: str


def read(path: Path, name: str | None = None) -> Reference:
    """Raises CalibrationError that names every bad line, up to MOST_TOLD of them."""
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise CalibrationError(
            f"{path}: cannot be read ({error.strerror}); check its name and rights"
        ) from error
    except UnicodeDecodeError as error:
        raise CalibrationError(f"{path}: is not UTF-8 text; save it as UTF-8") from error
    rows = _rows(path, text)
    header = [cell.strip().lower() for cell in next(rows, (0, list[str]()))[1]]
    at, which = _header(path, header)
    columns: dict[str, dict[int, float]] = {column: {} for column in which.values()}
    wrong: list[str] = []
    seen: dict[int, int] = {}
    for number, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        try:
            if len(seen) >= MOST_ROWS:
                raise ValueError(f"is beyond {MOST_ROWS} hours; split the file")
            if len(cells) != len(header):
                raise ValueError(
                    f"has {len(cells)} cells, the first line has {len(header)}{_by_semicolon(cells)}"
                )
            hour = _hour(cells[at], header[at])
            if hour in seen:
                raise ValueError(f"is the same hour as line {seen[hour]}; keep one of them")
            seen[hour] = number
            for place, column in which.items():
                value = _value(cells[place], column)
                if value is not None:
                    columns[column][hour] = value
        except ValueError as error:
            wrong.append(f"{path}, line {number}: {error}")
    if wrong:
        more = len(wrong) - MOST_TOLD
        raise CalibrationError(
            "\n".join([*wrong[:MOST_TOLD], *([f"... and {more} more bad lines"] if more > 0 else [])])
        )
    if not seen:
        raise CalibrationError(f"{path}: holds no hours; write one line for each")
    return Reference(name or path.stem, columns, hashlib.sha256(raw).hexdigest())


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(text.splitlines())
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        raise CalibrationError(f"{path}, line {reader.line_num}: is no CSV ({error}); correct it") from error


def _header(path: Path, header: list[str]) -> tuple[int, dict[int, str]]:
    times = [place for place, cell in enumerate(header) if cell in TIMES]
    if len(times) != 1:
        raise CalibrationError(
            f"{path}, line 1: must name one column of {', '.join(TIMES)}: whether a time is begin or "
            f"end of its hour{_by_semicolon(header)}"
        )
    which = {place: cell for place, cell in enumerate(header) if cell in VALUES}
    if len(set(which.values())) < len(which):
        raise CalibrationError(f"{path}, line 1: names a column twice; rename one")
    if not which:
        raise CalibrationError(f"{path}, line 1: names no values; there are {', '.join(VALUES)}")
    return times[0], which


def _by_semicolon(cells: list[str]) -> str:
    return "; put commas between cells, not semicolons" if len(cells) == 1 and ";" in cells[0] else ""


def _hour(cell: str, column: str) -> int:
    shown = cell.strip()[:40]
    try:
        time = datetime.fromisoformat(cell.strip())
    except ValueError:
        raise ValueError(f"{shown!r} is no time; write it as 2026-01-05T13:00:00Z") from None
    if time.tzinfo is None:
        if not column.endswith("_utc"):
            raise ValueError(
                f"{shown!r} has no time zone; add Z for UTC or an offset, or call the column {column}_utc"
            )
        time = time.replace(tzinfo=UTC)
    seconds = time.timestamp()
    if seconds % HOUR:
        raise ValueError(f"{shown!r} is not at a full hour; give hourly values")
    return int(seconds) + TIMES[column]


def _value(cell: str, column: str) -> float | None:
    text = cell.strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise ValueError(
            f"{column}: {text[:40]!r} is not a number; leave the cell empty where there is none"
        ) from None
    low, high = VALUES[column]
    if not (math.isfinite(value) and low <= value <= high):
        raise ValueError(
            f"{column}: {text[:40]} is not within {low:g} to {high:g}; leave the cell empty if it is none"
        )
    return value
