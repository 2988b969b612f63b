"""What the gateway's checks say of every reading of the town: bits, as arrays.

The checks come by their interface, `gateway.quality.checks`: a Judge that is given Samples in the order of
time.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import numpy.typing as npt

from bench.accuracy.town import Bools, Floats, Town
from gateway.quality.checks import Judge, QualitySettings, Sample
from simulator.city.light import Block
from simulator.city.readings import FLAGS, flag_bits

Bits = npt.NDArray[np.int32]
NOT_BORN = -1
_WORDS = [
    " ".join(name for place, name in enumerate(FLAGS) if bits >> place & 1) for bits in range(1 << len(FLAGS))
]


def judge(town: Town) -> Bits:
    """(rows, units): the bits of each reading, NOT_BORN where there is none."""
    out = np.full((town.lights.rows, len(town.units)), NOT_BORN, dtype=np.int32)
    places = {node.name: SimpleNamespace(lat=node.lat, lon=node.lon) for node in town.lights.nodes}
    judge = Judge(QualitySettings(), places)  # type: ignore[arg-type]
    units = len(town.units)
    flat = out.reshape(-1)
    for first in town.blocks():
        for sample in samples_of(town, town.block(first)):
            flat[sample.id] = judge.judge(sample)
        for earlier, bits in judge.take_amended():
            flat[earlier.id] |= bits
        judge.take_hours()
    if judge.errors:
        raise RuntimeError(f"checks failed, by bugs of theirs: {judge.errors}")
    return flat.reshape(-1, units)


def samples_of(town: Town, block: Block) -> list[Sample]:
    """In the order of time; `id` is the place in a flat array of (rows, units)."""
    seen, values = block.seen, town.values(block)
    has = town.lights.sensors.units
    flags = flag_bits(town.lights, block).tolist()
    clock = np.rint(seen.clock_s).astype(np.int64)
    t, received = (block.ends + clock).tolist(), ((block.ends + 1) * 1000).tolist()
    climate = ~seen.climate_error
    columns = [
        _listed(part, there)
        for part, there in (
            (seen.pm1, ~seen.no_frame),
            (values.shown, ~seen.no_frame),
            (seen.pm10, ~seen.no_frame),
            (values.pm, ~seen.no_frame & town.plantower),
            (seen.temp, climate & has.has_temp),
            (seen.rh, climate & has.has_rh),
            (seen.press, climate & has.has_press),
        )
    ]
    pm1, pm25, pm10, cf1, temp, rh, press = columns
    counts = _listed(np.rint(110.0 * seen.pm1), ~seen.no_frame & town.plantower)
    born, ends = values.born.tolist(), block.ends.tolist()
    units = [(number, unit, f"{unit.node}") for number, unit in enumerate(town.units)]
    ids = {name: number for number, name in enumerate(dict.fromkeys(unit.node for unit in town.units))}
    order = sorted(units, key=lambda each: (int(town.lights.phases[each[0]]), each[0]))
    width = len(town.units)
    window = town.lights.window
    boots = {name: town.lights.boots[name] for name in ids}
    out: list[Sample] = []
    for row in range(len(ends)):
        at = block.first + row
        for column, unit, name in order:
            if not born[row][column]:
                continue
            boot = next(each for each in boots[name] if each.first <= at < each.last)
            out.append(
                Sample(
                    at * width + column, ids[name], name, unit.slot, unit.model, boot.number, t[row][column],
                    "held" if t[row][column] != ends[row][column] else "ntp", received[row][column],
                    int(ends[row][column] - boot.at), window, 60,
                    _WORDS[flags[row][column]], pm1[row][column], pm25[row][column], pm10[row][column], None,
                    cf1[row][column], None, counts[row][column], temp[row][column], rh[row][column],
                    press[row][column],
                )
            )  # fmt: skip
    return out


def _listed(values: Floats, there: Bools) -> list[list[float | None]]:
    """Two decimals, as nodes send them; None where there is no value."""
    rounded = np.rint(values * 100.0) / 100.0
    return np.where(there & np.isfinite(rounded), rounded, None).tolist()  # type: ignore[arg-type, call-overload]
