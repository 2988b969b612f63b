"""The ways to correct that are compared, and the calibrations of them, made as `dustline calibrate` makes
them."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import numpy as np

from bench.accuracy.town import HOUR, Floats, Hourly, Town
from gateway.quality.calibration.fit import Pairs, Rules, corrected, fit, stretched
from gateway.quality.calibration.record import FARTHEST, CalibrationError, Coefficients, Valid
from gateway.quality.calibration.remote import Network, RemoteRules, gain_of, mixed_hours, place_error
from gateway.quality.corrections.kappa import ENTRY


class Way(NamedTuple):
    """What a calibration's file holds of this; without `valid` it holds everywhere."""

    coefficients: Coefficients
    valid: Valid | None = None


KAPPA = Way(Coefficients(gain=1.0, kappa=ENTRY.kappa))


class Made(NamedTuple):
    """Calibrations by the unit's column, made from one span of hours."""

    model: dict[int, Way]
    field: dict[int, Way]  # of units beside stations
    best: dict[int, Way]  # its own, or a remote one, or its model's
    told: dict[str, str]  # what came out, by what it is about


def calibrate(
    town: Town, hourly: Hourly, first: int, last: int, rules: Rules, before: Made | None = None
) -> Made:
    """From hours `first` to before `last` of what units and stations reported; the truth is not at hand here.

    Where none can be made, the one of `before` goes on to hold, as the gateway's library has it.
    """
    span = slice(first, last)
    told: dict[str, str] = {}
    beside, by_model = _fields(town, hourly, span, rules, told)
    model: dict[int, Way] = {}
    base: dict[int, Way] = {}
    found = {name: _model(name, pairs, rules, told) for name, pairs in by_model.items()}
    for column, unit in enumerate(town.units):
        own = found.get(unit.model)
        if own is not None:
            model[column] = own
        base[column] = own or KAPPA
    if before is not None:
        beside = {**before.field, **beside}
    best = {**base, **beside}
    network = _network(town, hourly, span, best, sorted(beside))
    remote = RemoteRules()
    mixed = mixed_hours(network, remote)
    place = place_error(network, mixed, remote)
    told["mixed hours"] = f"{int(mixed.hours.sum())} of {last - first}; lost: " + ", ".join(
        f"{name} {count}" for name, count in mixed.lost.items()
    )
    failed = 0
    for column in range(len(town.units)):
        if column in beside:
            continue
        try:
            best[column] = _times(base[column], gain_of(column, network, mixed, remote, place).gain)
        except CalibrationError:
            failed += 1
            if before is not None:
                best[column] = before.best[column]
    told["remote"] = f"place error {place:.3f}; {failed} units could not be calibrated from afar"
    return Made(model, beside, best, told)


def apply(of: dict[int, Way], pm: Floats, rh: Floats, temp: Floats) -> Floats:
    """Arrays (rows, units) as Calibration.compute has it; NaN for units without one."""
    out = np.full_like(pm, np.nan)
    for column, (c, valid) in of.items():
        values, wet, warm = pm[:, column], rh[:, column], temp[:, column]
        if valid is not None:
            values = np.where(values <= FARTHEST * valid.pm[1], values, np.nan)
            wet = wet if valid.rh is None else np.clip(wet, *valid.rh)
            warm = warm if valid.temp is None else np.clip(warm, *valid.temp)
        out[:, column] = corrected(c, values, wet, warm)
    return out


def _times(way: Way, gain: float) -> Way:
    return Way(stretched(way.coefficients, gain), way.valid)


def _fields(
    town: Town, hourly: Hourly, span: slice, rules: Rules, told: dict[str, str]
) -> tuple[dict[int, Way], dict[str, list[Pairs]]]:
    """Calibrations of the units beside stations, and their hours by model."""
    own: dict[int, Way] = {}
    by_model: dict[str, list[Pairs]] = defaultdict(list)
    forms: list[str] = []
    for column, unit in enumerate(town.units):
        station = town.station_of[column]
        if station is None:
            continue
        reference = town.stations.pm25[span, town.stations.names.index(station)]
        pairs = Pairs(
            f"{unit.node}/{unit.slot}",
            station,
            hourly.starts[span],
            *(part[span, column] for part in (hourly.pm, hourly.rh, hourly.temp)),
            reference,
        )
        try:
            made = fit([pairs], rules)
        except CalibrationError as error:
            told[f"{unit.node}/{unit.slot}"] = str(error)
            continue
        own[column] = Way(made.coefficients, made.valid)
        forms.append(made.form)
        by_model[unit.model].append(pairs)
    told["field"] = f"{len(own)} units; " + ", ".join(
        f"{forms.count(each)} {each}" for each in sorted(set(forms))
    )
    return own, by_model


def _model(name: str, pairs: list[Pairs], rules: Rules, told: dict[str, str]) -> Way | None:
    try:
        made = fit(pairs, rules)
    except CalibrationError as error:
        told[name] = str(error)
        return None
    told[name] = (
        f"{len(pairs)} units, {made.form}, out of fold RMSE {made.after.rmse:.2f}, R2 {made.after.r2:.3f}"
    )
    return Way(made.coefficients, made.valid)


def _network(town: Town, hourly: Hourly, span: slice, best: dict[int, Way], anchors: list[int]) -> Network:
    values = apply(best, hourly.pm[span], hourly.rh[span], hourly.temp[span])
    at = np.array([(unit.lat, unit.lon) for unit in town.units])
    stations = np.array([(one.lat, one.lon) for one in town.lights.scenario.reference])
    return Network(hourly.starts[span], town.stations.pm25[span], stations, values, at, anchors)


def starts(town: Town) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return town.begin + HOUR * np.arange(town.hours, dtype=np.int64)
