"""Calibrate units that never hung beside a station, from afar, in hours when the air is much the same
everywhere.

In such hours a unit, corrected by its model's calibration, should read what the calibrated units beside the
stations read, or with too few of those the stations themselves. The median ratio is its gain. Calibrated
units are the better anchor: particles that scatter more light than usual, or hold more water, do so for
them and for the unit alike, and drop out of the ratio.

Sources. That stations within some km can calibrate a sensor: FILTER (Hassani et al. 2025, doi
10.1016/j.jenvman.2025.125100): 11.5 km in winter to 20 in summer, 15 more where data would else be lost.
That it works for PM2.5 as well as EPA's correction, at 0 to 15 km: Weissert et al. 2025, doi
10.5194/amt-18-3635-2025 (moment matching, after Miskell et al. 2018, doi 10.1021/acssensors.8b00074; that
method is patented, US 11711429, and is not what is done here: no moments of distributions are matched,
hours are held against the same hours). The limits on spread, wind and number are a judgement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gateway.quality.calibration.record import CalibrationError
from gateway.quality.calibration.stations import KM_PER_LAT

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
_MAD = 1.4826
_LEAST_UG = 0.5  # a ratio of less says nothing


@dataclass(frozen=True)
class RemoteRules:
    """When the air is well mixed, and how much of that is needed."""

    stations: int = 3  # that report in the hour
    station_spread: float = 0.20  # highest less lowest station, share of their median
    network_spread: float = 0.20  # scaled MAD of the units, each less its usual place among them, share
    level_ug: float = 4.0  # median of the stations; below, offsets and noise decide
    wind: float = 2.0  # m/s, where it is known
    hours_utc: tuple[int, int] | None = None  # from and to before these hours only; (23, 4) is the night
    hours: int = 36
    days: int = 4
    anchors: int = 3
    km: float = 25.0
    near_km: float = 4.0  # an anchor so far away counts half
    most_gain: float = 2.0  # or half: beyond, a unit is broken and not to be calibrated


class Network(NamedTuple):
    """H hours of S stations and U units. `units`: corrected by their models' calibrations, or their own.

    `anchors`: columns of `units` that hang beside a station and have a calibration of their own. NaN where
    nothing counts. `wind` in m/s, shape (H,), or None.
    """

    starts: npt.NDArray[np.int64]
    stations: Floats
    station_at: Floats  # (S, 2): degrees north, east
    units: Floats
    unit_at: Floats  # (U, 2)
    anchors: Sequence[int]
    wind: Floats | None = None


class Mixed(NamedTuple):
    """`hours`: those that count, shape (H,). `lost`: how many each condition took, in the order of asking."""

    hours: Bools
    lost: dict[str, int]


class Gain(NamedTuple):
    """`gain` multiplies what the model's calibration gives; `uncertainty`: one standard deviation of it, a
    share."""

    gain: float
    uncertainty: float
    hours: int
    days: int


def mixed_hours(network: Network, rules: RemoteRules) -> Mixed:
    """The hours in which the air is much the same everywhere, by stations and network."""
    there = np.isfinite(network.stations)
    enough = there.sum(axis=1) >= rules.stations
    median, low, high = np.full((3, len(network.starts)), np.nan)
    kept = network.stations[enough]
    if len(kept):
        median[enough], low[enough], high[enough] = (
            np.nanmedian(kept, 1),
            np.nanmin(kept, 1),
            np.nanmax(kept, 1),
        )
    asked: list[tuple[str, Bools]] = [("too few stations", enough)]
    with np.errstate(invalid="ignore"):
        asked.append(("too little in the air", median >= rules.level_ug))
        asked.append(("stations differ", high - low <= rules.station_spread * median))
        if network.wind is not None:
            asked.append(("too little wind", ~(network.wind < rules.wind)))
        if rules.hours_utc is not None:
            begin, end = rules.hours_utc
            hour = network.starts // 3600 % 24
            within = (begin <= hour) & (hour < end) if begin < end else (begin <= hour) | (hour < end)
            asked.append(("not in the hours asked for", within))
        asked.append(("units differ", _spread(network.units) <= rules.network_spread))
    good = np.ones(len(network.starts), dtype=np.bool_)
    lost: dict[str, int] = {}
    for name, passed in asked:
        lost[name] = int((good & ~passed).sum())
        good &= passed
    return Mixed(good, lost)


def _spread(units: Floats) -> Floats:
    """Of each hour: scaled MAD of the log ratios to the network's median, each unit less its own usual
    ratio."""
    out = np.full(len(units), np.inf)
    some = np.isfinite(units).sum(axis=1) >= 5
    if not some.any():
        return np.zeros(len(units))  # too few units to ask
    logs = np.log(np.maximum(units[some], _LEAST_UG))
    logs = logs - np.nanmedian(logs, axis=1)[:, None]
    usual = np.array(
        [np.median(column[np.isfinite(column)]) if np.isfinite(column).any() else 0.0 for column in logs.T]
    )
    out[some] = _MAD * np.nanmedian(np.abs(logs - usual[None, :]), axis=1)
    return out


def gain_of(unit: int, network: Network, mixed: Mixed, rules: RemoteRules, place: float) -> Gain:
    """The gain of a column of `units`; `place` from place_error. Raises CalibrationError when nothing can
    be said."""
    target = _target(network.unit_at[unit], network, rules, without=unit)
    return _gain(network.units[:, unit], target, network, mixed, rules, place)


def place_error(network: Network, mixed: Mixed, rules: RemoteRules) -> float:
    """How far places differ in mixed hours even so, as a share: each station in turn taken for a unit.

    Root mean square of the log gains that stations would get; they should all be 1.
    """
    found: list[float] = []
    for number in range(network.stations.shape[1]):
        target = _target(network.station_at[number], network, rules, apart_km=0.5)
        try:
            got = _gain(network.stations[:, number], target, network, mixed, rules, 0.0)
        except CalibrationError:
            continue
        found.append(np.log(got.gain))
    return float(np.sqrt(np.mean(np.square(found)))) if len(found) >= 3 else 0.10


def _gain(
    values: Floats, target: Floats, network: Network, mixed: Mixed, rules: RemoteRules, place: float
) -> Gain:
    use = mixed.hours & np.isfinite(values) & np.isfinite(target)
    hours, days = int(use.sum()), len(np.unique(network.starts[use] // 86400))
    if hours < rules.hours or days < rules.days:
        raise CalibrationError(
            f"{hours} well-mixed hours on {days} days; {rules.hours} on {rules.days} are needed. "
            "Take a longer period, or one with more wind"
        )
    ratios = np.log(np.maximum(target[use], _LEAST_UG) / np.maximum(values[use], _LEAST_UG))
    middle = float(np.median(ratios))
    if abs(middle) > np.log(rules.most_gain):
        raise CalibrationError(
            f"it would need a gain of {np.exp(middle):.2f}: look at the unit, it is broken rather than off"
        )
    scatter = _MAD * float(np.median(np.abs(ratios - middle)))
    # Hours of a day are alike: a day counts once.
    own = 1.2533 * scatter / np.sqrt(days)
    return Gain(float(np.exp(middle)), float(np.hypot(own, place)), hours, days)


def _target(
    at: Floats, network: Network, rules: RemoteRules, without: int = -1, apart_km: float = 0.0
) -> Floats:
    """What a unit at a place should read, hour by hour: near anchors count more. NaN with too few of them.

    `apart_km`: anchors nearer than that are left out.
    """
    columns = [each for each in network.anchors if each != without]
    values, where = network.units[:, columns], network.unit_at[columns]
    if len(columns) < rules.anchors:
        values, where = network.stations, network.station_at
    north = (where[:, 0] - at[0]) * KM_PER_LAT
    east = (where[:, 1] - at[1]) * KM_PER_LAT * np.cos(np.radians(at[0]))
    km = np.hypot(north, east)
    weight = np.where((km <= rules.km) & (km >= apart_km), 1.0 / (1.0 + np.square(km / rules.near_km)), 0.0)
    there = np.isfinite(values) & (weight > 0)
    total = there @ weight
    summed = np.where(there, values, 0.0) @ weight
    enough = there.sum(axis=1) >= min(rules.anchors, max(2, len(km)))
    return np.where(enough, summed / np.where(total > 0, total, 1.0), np.nan)
