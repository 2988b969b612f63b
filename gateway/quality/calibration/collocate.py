"""The hours of a unit out of the journal, side by side with a reference station's.

Hourly means by the 75 % rule (quality/means.py). A reading that its node flags as bad does not count, nor one
that the gateway's checks found to be bad, against its neighbours, or in doubt of its time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gateway.journal.reader import JournalReader
from gateway.quality.calibration.fit import Pairs
from gateway.quality.calibration.record import CalibrationError
from gateway.quality.calibration.reference import Reference
from gateway.quality.checks.bits import CLIMATE, UNFIT
from gateway.quality.follow.reader import QualityReader
from gateway.quality.means import HOUR, cadence_of, hourly_means
from gateway.reading import StoredReading

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
# The node's own flags that speak against a value; climate flags speak against temperature and humidity.
BAD_FLAGS = frozenset(
    {"no_frame", "bad_checksum", "warming_up", "stuck", "saturated", "device_error", "disagree"}
)
CLIMATE_FLAGS = frozenset({"climate_error", "climate_stuck"})
_DAY = 86400
_MOST_A_DAY = 100_000


@dataclass(frozen=True)
class UnitHours:
    """Full hours from `since` on, shape (n,); NaN where fewer than 75 % of the readings count."""

    node: str
    slot: str
    model: str
    field: str
    starts: Ints
    pm: Floats
    rh: Floats
    temp: Floats


def usual_field(model: str) -> str:
    """What calibrations of PM2.5 start from: a Plantower's CF=1 channel, as its other one bends at 30
    ug/m3."""
    return "pm25_cf1" if model.startswith("pms") else "pm25"


def unit_hours(
    reader: JournalReader,
    node: str,
    slot: str,
    since: int,
    until: int,
    field: str | None = None,
    judged: QualityReader | None = None,
) -> UnitHours:
    """Of hours that begin at or after `since` and before `until` (UTC s, full hours). Raises
    CalibrationError."""
    readings = [each for each in _readings(reader, node, since, until) if each.slot == slot]
    times = [float(each.t) for each in readings if each.t is not None]  # all have one
    models = sorted({each.model for each in readings})
    if not models:
        raise CalibrationError(
            f"the journal has no readings of {node}/{slot} in that time; check names and times"
        )
    if len(models) > 1:
        raise CalibrationError(
            f"{node}/{slot} had several models then ({', '.join(models)}); take the time of one"
        )
    chosen = field or usual_field(models[0])
    cadence = cadence_of(times, float(max(1, readings[0].dt)))
    starts = np.arange(since, until, HOUR, dtype=np.int64)
    columns: list[Floats] = []
    bits = judged.between(node, since, until) if judged is not None else {}
    for name, flags, mask in (
        (chosen, BAD_FLAGS, UNFIT),
        ("rh", CLIMATE_FLAGS, CLIMATE),
        ("temp", CLIMATE_FLAGS, CLIMATE),
    ):
        values = (
            None if flags.intersection(each.flags) or bits.get(each.id, 0) & mask else each.values.get(name)
            for each in readings
        )
        means = hourly_means(zip(times, values, strict=True), cadence)
        found = (means.get(int(start)) for start in starts)
        columns.append(np.array([np.nan if it is None or it.value is None else it.value for it in found]))
    if not np.isfinite(columns[0]).any():
        raise CalibrationError(
            f"{node}/{slot} has no hour with 75 % of {chosen}; look at the unit, or name a field"
        )
    return UnitHours(node, slot, models[0], chosen, starts, *columns)


def beside(unit: UnitHours, reference: Reference) -> Pairs:
    """Unit and reference, hour by hour. Raises CalibrationError when the file lacks the column."""
    column = unit.field.removesuffix("_cf1")
    if column not in reference.columns:
        raise CalibrationError(
            f"{reference.name}: has no column {column}, which {unit.field} is to be held against"
        )
    values = reference.columns[column]
    there = np.array([values.get(int(start), np.nan) for start in unit.starts])
    return Pairs(f"{unit.node}/{unit.slot}", reference.name, unit.starts, unit.pm, unit.rh, unit.temp, there)


def _readings(reader: JournalReader, node: str, since: int, until: int) -> list[StoredReading]:
    """With since < t <= until, as the reading of a full hour belongs to the hour before."""
    out: list[StoredReading] = []
    for begin in range(since, until, _DAY):
        out += reader.series(node, begin + 1, min(begin + _DAY, until), _MOST_A_DAY)
    return out
