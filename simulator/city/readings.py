"""The text of light nodes' readings from "n" on, in the order of the firmware's record.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.city.models import standard
from simulator.city.stable import Floats

if TYPE_CHECKING:
    from simulator.city.light import Block, LightFleet

# As the firmware's flags: name and bit.
FLAGS = ("no_frame", "stuck", "saturated", "disagree", "climate_error", "climate_stuck")
STUCK_S, STUCK_LOW_S, LOW = 600.0, 3600.0, 10.0  # as its window.py: an hour where all is low
WET_S = 3600.0
PM4_SHARE = 0.55  # of what lies between 2.5 and 10 um; assumed


def reading_texts(lights: LightFleet, block: Block) -> list[list[str]]:
    """By unit, then row: `"n":60,"pm25":...,"flags":[]}`."""
    seen, sensors = block.seen, lights.sensors
    counted = sensors.frames(lights.window)
    flags = flag_bits(lights, block).T.tolist()
    words = [_words(bits) for bits in range(1 << len(FLAGS))]
    climate = _climate_texts(lights, block)
    parts = {name: _two(getattr(seen, name)) for name in ("pm1", "pm25", "pm10", "sd25", "sd10")}
    absent = seen.no_frame.T.tolist()
    out: list[list[str]] = []
    for column, unit in enumerate(lights.units):
        model = sensors.units.models[column]
        pm1, pm25, pm10, sd25, sd10 = (values[column].tolist() for values in parts.values())
        n = int(counted[column])
        spread = [f'"pm25_sd":{a},"pm10_sd":{b},' for a, b in zip(sd25, sd10, strict=True)]
        if n < 2:
            spread = [""] * len(pm25)
        if model.family == "sds":
            texts = [f'"pm25":{a},"pm10":{b},{c}' for a, b, c in zip(pm25, pm10, spread, strict=True)]
        elif model.family == "plantower":
            cf1 = [_two(standard(parts[name][column])).tolist() for name in ("pm1", "pm25", "pm10")]
            counts = _counts(
                seen.pm1[:, column], seen.pm25[:, column], seen.pm10[:, column], seen.saturated[:, column]
            )
            texts = [
                f'"pm1":{a},"pm25":{b},"pm10":{c},"pm1_cf1":{d},"pm25_cf1":{e},"pm10_cf1":{f},{g}{h}'
                for a, b, c, d, e, f, g, h in zip(pm1, pm25, pm10, *cf1, spread, counts, strict=True)
            ]
        else:
            four = _two(
                seen.pm25[:, column] + PM4_SHARE * (seen.pm10[:, column] - seen.pm25[:, column])
            ).tolist()
            texts = [
                f'"pm1":{a},"pm25":{b},"pm4":{c},"pm10":{d},{e}'
                for a, b, c, d, e in zip(pm1, pm25, four, pm10, spread, strict=True)
            ]
        tail = f'"slot":"{unit.slot}","model":"{unit.model}","flags":['
        out.append(
            [
                f'"n":0,{weather}{tail}{words[bits]}]}}'
                if gone
                else f'"n":{n},{text}{weather}{tail}{words[bits]}]}}'
                for text, weather, bits, gone in zip(
                    texts, climate[column], flags[column], absent[column], strict=True
                )
            ]
        )
    return out


def flag_bits(lights: LightFleet, block: Block) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Bits by FLAGS, (rows, units)."""
    seen, units = block.seen, lights.sensors.units
    counts = np.array([model.counts for model in units.models])
    low = (seen.pm10 <= LOW) & ~(counts & (seen.pm10 > 0.0))
    stuck = ~seen.no_frame & (seen.frozen_s >= np.where(low, STUCK_LOW_S, STUCK_S))
    marks = (
        seen.no_frame,
        stuck,
        seen.saturated & ~seen.no_frame,
        block.disagree & ~seen.no_frame,
        seen.climate_error & _expected(lights),
        units.has_rh & ~seen.climate_error & (seen.wet_s > WET_S),
    )
    bits = np.zeros(seen.pm25.shape, dtype=np.int64)
    for place, mark in enumerate(marks):
        bits |= mark.astype(np.int64) << place
    return bits


def _expected(lights: LightFleet) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether a unit's node has a climate sensor at all."""
    return lights.sensors.units.has_temp


def _words(bits: int) -> str:
    return ",".join(f'"{name}"' for place, name in enumerate(FLAGS) if bits >> place & 1)


def _two(values: Floats) -> Floats:
    """Two decimals, units first; no -0.0."""
    return np.ascontiguousarray((np.rint(values * 100.0) / 100.0 + 0.0).T)


def _climate_texts(lights: LightFleet, block: Block) -> list[list[str]]:
    """`"temp":...,"rh":...,"press":...,` of what the node has, by unit and row."""
    seen, units = block.seen, lights.sensors.units
    temps, humids, presses = (_two(part) for part in (seen.temp, seen.rh, seen.press))
    failed = seen.climate_error.T
    out: list[list[str]] = []
    for column in range(len(lights.units)):
        rows = [""] * seen.temp.shape[0]
        for has, name, values in (
            (units.has_temp, "temp", temps),
            (units.has_rh, "rh", humids),
            (units.has_press, "press", presses),
        ):
            if has[column]:
                rows = [
                    f'{row}"{name}":{value},'
                    for row, value in zip(rows, values[column].tolist(), strict=True)
                ]
        if failed[column].any():
            rows = ["" if bad else row for row, bad in zip(rows, failed[column].tolist(), strict=True)]
        out.append(rows)
    return out


def _counts(
    pm1: Floats, pm25: Floats, pm10: Floats, saturated: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> list[str]:
    """Particles per 0.1 L above 0.3 to 10 um: the made-up size distribution of sensors/chamber.py."""
    middle, coarse = pm25 - pm1, pm10 - pm25
    per_size = (110.0 * pm1, 40.0 * pm1, 8.0 * middle, 2.0 * coarse, 0.6 * coarse, 0.3 * coarse)
    total = np.zeros_like(pm1)
    columns: list[list[int]] = []
    for part in reversed(per_size):
        total = total + part
        counts = np.where(saturated, 65535.0, np.minimum(65535.0, np.rint(total)))
        columns.append(counts.astype(np.int64).tolist())
    return [
        f'"n03":{a},"n05":{b},"n1":{c},"n25":{d},"n5":{e},"n10":{f},'
        for a, b, c, d, e, f in zip(*columns[::-1], strict=True)
    ]
