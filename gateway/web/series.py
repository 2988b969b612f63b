"""A node's readings as columns for a chart: bounded, and with a null where something is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from statistics import median
from typing import TypedDict

from gateway.quality.follow.reader import Correction
from gateway.reading import StoredReading

# More than a chart can show; beyond it, readings are averaged over equal steps.
MOST_POINTS = 1500
# As many rows as one request may cost the gateway.
MOST_ROWS = 12000
# Readings this many usual intervals apart have a gap between them.
GAP_INTERVALS = 2.5
_STEPS_S = (60, 120, 300, 600, 900, 1800, 3600)

Column = list[float | None]


class Series(TypedDict):
    """Columns of one sensor. t: UTC s ascending; pm*: ug/m3, pm*_cor the corrected values. A point that is
    null in all of them marks a gap.

    qc: the checks' bits, of a mean those of all its readings together; null where nothing is judged. `step`
    is the length in s over which the points are means; None when they are the readings themselves.
    """

    slot: str
    model: str
    step: int | None
    t: list[int]
    pm25: Column
    pm10: Column
    pm25_cor: Column
    pm10_cor: Column
    qc: list[int | None]


def series_by_slot(
    readings: Iterable[StoredReading],
    judged: Mapping[int, int] | None = None,
    corrected: Mapping[int, Correction] | None = None,
) -> list[Series]:
    """`readings` ascending by t, all of one node and with a t; `judged` has their bits, by id, `corrected`
    what they were corrected to."""
    slots: dict[str, list[StoredReading]] = {}
    for reading in readings:
        slots.setdefault(reading.slot, []).append(reading)
    return [_series(slot, slots[slot], judged or {}, corrected or {}) for slot in sorted(slots)]


def _series(
    slot: str,
    readings: list[StoredReading],
    judged: Mapping[int, int],
    corrected: Mapping[int, Correction],
) -> Series:
    times: list[int] = []
    bits: dict[int, int] = {}
    columns: list[Column] = [[], [], [], []]
    for reading in readings:
        # A chart needs growing times; two readings of one second are possible after a restart.
        if reading.t is None or (times and reading.t <= times[-1]):
            continue
        times.append(reading.t)
        if reading.id in judged:
            bits[reading.t] = judged[reading.id]
        made = corrected.get(reading.id)
        pm25_cor, pm10_cor = (made["pm25"], made["pm10"]) if made else (None, None)
        found = (reading.values.get("pm25"), reading.values.get("pm10"), pm25_cor, pm10_cor)
        for column, value in zip(columns, found, strict=True):
            column.append(value)
    step = None
    if len(times) > MOST_POINTS:
        step = _step(times)
        times, columns = _means(times, columns, step)
        bits = _together(bits, step)
    times, columns = _with_gaps(times, columns)
    return {
        "slot": slot,
        "model": readings[-1].model,
        "step": step,
        "t": times,
        "pm25": columns[0],
        "pm10": columns[1],
        "pm25_cor": columns[2],
        "pm10_cor": columns[3],
        "qc": [bits.get(t) for t in times],
    }


def _step(times: list[int]) -> int:
    wanted = (times[-1] - times[0]) / MOST_POINTS
    return next((step for step in _STEPS_S if step >= wanted), _STEPS_S[-1])


def _means(times: list[int], columns: list[Column], step: int) -> tuple[list[int], list[Column]]:
    """Mean of what each step has; its time is the step's end, as a reading's is its window's."""
    ends = [-(-t // step) * step for t in times]
    kept = sorted(set(ends))
    means: list[Column] = []
    for column in columns:
        sums: dict[int, tuple[float, int]] = {}
        for end, value in zip(ends, column, strict=True):
            if value is not None:
                total, count = sums.get(end, (0.0, 0))
                sums[end] = (total + value, count + 1)
        means.append([round(sums[end][0] / sums[end][1], 2) if end in sums else None for end in kept])
    return kept, means


def _together(bits: dict[int, int], step: int) -> dict[int, int]:
    """What is in any reading of a step, by the step's end."""
    found: dict[int, int] = {}
    for t, qc in bits.items():
        end = -(-t // step) * step
        found[end] = found.get(end, 0) | qc
    return found


def _with_gaps(times: list[int], columns: list[Column]) -> tuple[list[int], list[Column]]:
    """Put a point of nulls where the node was silent, so that no line is drawn across."""
    if len(times) < 3:
        return times, columns
    usual = median(later - earlier for earlier, later in pairwise(times))
    all_times: list[int] = []
    all_columns: list[Column] = [[] for _ in columns]
    for at, t in enumerate(times):
        if all_times and t - times[at - 1] > GAP_INTERVALS * usual:
            all_times.append(times[at - 1] + max(1, round(usual)))
            for column in all_columns:
                column.append(None)
        all_times.append(t)
        for column, values in zip(all_columns, columns, strict=True):
            column.append(values[at])
    return all_times, all_columns
