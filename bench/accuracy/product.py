"""What the product itself writes beside the raw values: its Corrector, given the bench's calibrations.

The same object as in a running gateway and in `dustline reprocess`: it chooses the calibration, finds the
units beside stations, and takes the shared error off by the hours that stations reported before.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np

from bench.accuracy.judged import Bits, samples_of
from bench.accuracy.town import HOUR, Floats, Town
from bench.accuracy.ways import Made, Way
from gateway.quality.calibration.library import Library
from gateway.quality.calibration.record import Calibration
from gateway.quality.corrected.corrector import CALIBRATION, Corrector
from gateway.quality.corrected.shared import StationHours
from gateway.quality.corrected.sources import Held


def correct(town: Town, qc: Bits, made: Made) -> Floats:
    """(rows, units): PM2.5 of the days that are scored, as the gateway corrects it; NaN where there is
    none."""
    out = np.full(qc.shape, np.nan)
    flat, bits = out.reshape(-1), qc.reshape(-1)
    corrector = corrector_of(town, made)
    for first in town.blocks():
        # A day before, so that the first hours have hours before them.
        if first < (town.size.collocation - 1) * town.per_day:
            continue
        for sample in samples_of(town, town.block(first)):
            done = corrector.correct(sample, int(bits[sample.id]))
            if done is not None and done.pm25 is not None:
                flat[sample.id] = done.pm25
    return out


def corrector_of(town: Town, made: Made) -> Corrector:
    places = {node.name: SimpleNamespace(lat=node.lat, lon=node.lon) for node in town.lights.nodes}
    stations: dict[str, StationHours] = {}
    for one in town.lights.scenario.reference:
        values = town.stations.pm25[:, town.stations.names.index(one.name)]
        hours = {
            town.begin + HOUR * hour: float(values[hour]) for hour in np.flatnonzero(np.isfinite(values))
        }
        stations[one.name] = StationHours(one.lat, one.lon, hours)
    sources = Held(Library(_calibrations(town, made)), stations)
    return Corrector(CALIBRATION, sources, places)  # type: ignore[arg-type]


def _calibrations(town: Town, made: Made) -> list[Calibration]:
    """One for each model, and those of units, as their files would be."""
    found: dict[str, Calibration] = {}
    for column, unit in enumerate(town.units):
        fits = {"kind": "model", "name": unit.model, "for": {"model": unit.model}}
        if column in made.model and unit.model not in found:
            found[unit.model] = _calibration(town, made.model[column], column, fits)
        way = made.best[column]
        if way.valid is None or (column not in made.field and way is made.model.get(column)):
            continue  # what it has is its model's, or nothing that a file could hold
        kind = "field" if column in made.field else "remote"
        subject = {"model": unit.model, "node": unit.node, "slot": unit.slot}
        name = f"{unit.node}-{unit.slot}-{kind}"
        found[name] = _calibration(town, way, column, {"kind": kind, "name": name, "for": subject})
    return list(found.values())


def _calibration(town: Town, way: Way, column: int, more: dict[str, Any]) -> Calibration:
    begin = datetime.fromtimestamp(town.begin, UTC)
    assert way.valid is not None
    form = "linear" if way.valid.rh is None else "growth" if way.valid.temp is None else "growth-temp"
    made: dict[str, Any] = {
        "version": 1,
        "made": begin,
        "from": begin,
        "field": "pm25_cf1" if town.plantower[column] else "pm25",
        "form": form,
        "coefficients": way.coefficients,
        "valid": way.valid,
        "origin": {
            "references": ["bench"],
            "units": [str(column)],
            "since": begin,
            "until": begin + timedelta(days=town.size.collocation),
            "hours": 24 * town.size.collocation,
            "sha256": "0" * 64,
        },
    }
    return Calibration.model_validate({**made, **more})
