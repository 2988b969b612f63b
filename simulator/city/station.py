"""Reference stations: hourly PM2.5 and PM10 near the truth, which is what a network may calibrate against.

Their own error is assumed: 2 % of gain between stations and 1 ug/m3 + 2 % by the hour. The EU asks for an
uncertainty of at most 25 % for PM (directive 2008/50/EC, annex I); good stations do much better.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.city.field import City
from simulator.city.scenario import Scenario
from simulator.city.stable import Floats, Ints, key, mixed, normal

GAIN, NOISE, NOISE_SHARE = 0.02, 1.0, 0.02
POINTS = 12  # of the truth in an hour


class Hours(NamedTuple):
    """What stations report: arrays (hours, stations); `ends`: of the hours in Unix seconds, shape (H,)."""

    names: tuple[str, ...]
    ends: Ints
    pm25: Floats
    pm10: Floats


def hours(scenario: Scenario) -> Hours:
    """All full hours of a scenario at all its stations."""
    stations = scenario.reference
    count = (scenario.end - scenario.begin) // 3600
    ends = scenario.begin + 3600 * np.arange(1, count + 1, dtype=np.int64)
    spots = City(scenario.seed, scenario.event).at(
        [one.lat for one in stations], [one.lon for one in stations]
    )
    names = tuple(one.name for one in stations)
    if not stations or not count:
        nothing = np.zeros((count, len(stations)))
        return Hours(names, ends, nothing, nothing.copy())
    pm25, pm10 = np.zeros((count, len(stations))), np.zeros((count, len(stations)))
    for point in range(POINTS):
        middle = (point + 0.5) * 3600.0 / POINTS
        true = spots.truth((ends - 3600).astype(np.float64)[:, None] + middle)
        pm25, pm10 = pm25 + true.pm25 / POINTS, pm10 + true.pm10 / POINTS
    keys = np.array([key(scenario.seed, "station", name) for name in names], dtype=np.uint64)
    gain = 1.0 + GAIN * normal(mixed(keys, 0))
    chance = normal(mixed(keys[None, :], ends[:, None]))
    return Hours(names, ends, _with_error(pm25, gain, chance), _with_error(pm10, gain, chance))


def _with_error(true: Floats, gain: Floats, chance: Floats) -> Floats:
    return np.maximum(0.0, true * gain + chance * (NOISE + NOISE_SHARE * true))
