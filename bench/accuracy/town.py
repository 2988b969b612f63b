"""The town of the bench: 200 nodes, few of them beside reference stations, and faults that nobody announces.

First `collocation` days to calibrate in, then `days` to be scored. Faults fall anywhere in both. What a
calibration gets of it: what nodes sent, and what stations reported in the first part. Never the truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.city import station
from simulator.city.light import Block, LightFleet
from simulator.city.models import standard
from simulator.city.scenario import Scenario, parse

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
HOUR = 3600
NEEDED = 0.75  # of an hour's readings, of a day's hours

# Roughly where stations of the city's air quality network stand.
STATIONS = (
    ("niepodleglosci", 52.2193, 21.0047),
    ("ursynow", 52.1608, 21.0338),
    ("targowek", 52.2909, 21.0426),
    ("wlochy", 52.2073, 20.9060),
    ("bielany", 52.2850, 20.9330),
    ("wawer", 52.2020, 21.1720),
)
# Kind of fault, hours, strength where it is not the usual one.
FAULTS: tuple[tuple[str, float, float | None], ...] = (
    ("stuck", 24, None),
    ("clogged", 48, None),
    ("clogging", 240, 0.9),
    ("saturated", 12, None),
    ("spikes", 48, None),
    ("offset", 48, None),
    ("gain", 72, None),
    ("dead", 12, None),
    ("condensation", 48, None),
    ("clock", 24, None),
    ("silent", 12, None),
    ("units", 24, None),
    ("garbage", 12, None),
    ("climate", 24, None),
)
KITS = (
    (("sds011", "bme280"), 4),
    (("pms5003", "bme280"), 3),
    (("sps30", "sht4x"), 2),
    (("pms5003", "pms5003", "bme280"), 1),
)


@dataclass(frozen=True)
class Size:
    nodes: int = 200
    days: int = 60
    collocation: int = 28
    period_s: int = 300
    beside: int = 2  # nodes at each station
    share: float = 0.03  # of the nodes, for each kind of fault
    begin: str = "2025-12-08T00:00:00Z"


def scenario(size: Size, seed: int) -> Scenario:
    lines = [
        'name = "accuracy"',
        f"seed = {seed}",
        f"start = {size.begin}",
        f"days = {size.collocation + size.days}",
        f"[fleet]\nnodes = {size.nodes}\nperiod_s = {size.period_s}",
    ]
    for sensors, share in KITS:
        lines.append(f"[[fleet.kit]]\nsensors = {list(sensors)}\nshare = {share}".replace("'", '"'))
    for name, lat, lon in STATIONS:
        lines.append(f'[[reference]]\nname = "{name}"\nlat = {lat}\nlon = {lon}\nbeside = {size.beside}')
    for kind, hours, strength in FAULTS:
        more = "" if strength is None else f"\nstrength = {strength}"
        lines.append(f'[[fault]]\nkind = "{kind}"\nshare = {size.share}\nhours = {hours}{more}')
    return parse("\n".join(lines), "bench.accuracy")


class Hourly(NamedTuple):
    """Hours by unit, shape (hours, units); NaN where fewer than 75 % of the readings count."""

    starts: Ints
    pm: Floats  # as calibrations take it: of a Plantower the CF=1 channel
    rh: Floats
    temp: Floats


class Values(NamedTuple):
    """What a block's readings hold, (rows, units); NaN where there is none."""

    hour: Ints  # by the node's own clock, from the scenario's begin
    true_hour: Ints
    born: Bools
    shown: Floats  # the field pm25, as the web page shows it
    pm: Floats  # what calibrations take
    rh: Floats
    temp: Floats
    true: Floats


class Town:
    def __init__(self, size: Size, seed: int) -> None:
        self.size, self.seed = size, seed
        self.lights = LightFleet(scenario(size, seed))
        self.begin = self.lights.scenario.begin
        self.split = self.begin + size.collocation * 86400
        self.hours = (self.lights.scenario.end - self.begin) // HOUR
        self.units = self.lights.units
        self.models = np.array([unit.model for unit in self.units])
        self.plantower = np.array([unit.model.startswith("pms") for unit in self.units])
        by_name = {node.name: node for node in self.lights.nodes}
        self.station_of = [by_name[unit.node].station for unit in self.units]
        self.stations = station.hours(self.lights.scenario)
        self.per_day = 86400 // size.period_s
        self.expected = HOUR // size.period_s
        self.born = self._born()

    def blocks(self) -> range:
        """First rows of blocks of a day."""
        return range(0, self.lights.rows, self.per_day)

    def block(self, first: int) -> Block:
        return self.lights.block(first, min(self.per_day, self.lights.rows - first))

    def values(self, block: Block) -> Values:
        seen, units = block.seen, self.lights.sensors.units
        rows = slice(block.first, block.first + len(block.ends))
        born = self.born[rows] & ~seen.off
        there = born & ~seen.no_frame
        clock = np.rint(seen.clock_s).astype(np.int64)
        shown = np.where(there, seen.pm25, np.nan)
        climate = born & ~seen.climate_error
        return Values(
            -(-(block.ends + clock - self.begin) // HOUR) - 1,
            -(-(block.ends - self.begin) // HOUR) - 1,
            born,
            shown,
            np.where(self.plantower, standard(shown), shown),
            np.where(climate & units.has_rh, seen.rh, np.nan),
            np.where(climate & units.has_temp, seen.temp, np.nan),
            block.true.pm25,
        )

    def _born(self) -> Bools:
        out = np.zeros((self.lights.rows, len(self.units)), dtype=np.bool_)
        for node, columns in self.lights.columns.items():
            for boot in self.lights.boots[node]:
                out[boot.first : boot.last, columns] = True
        return out


class Means:
    """Hourly means of a value, gathered block by block."""

    def __init__(self, hours: int, units: int) -> None:
        self.sums = np.zeros(hours * units)
        self.counts = np.zeros(hours * units)
        self.hours, self.units = hours, units

    def add(self, hour: Ints, value: Floats) -> None:
        """NaN does not count, nor does what lies outside of the hours."""
        there = np.isfinite(value) & (hour >= 0) & (hour < self.hours)
        cells = (hour * self.units + np.arange(self.units)[None, :])[there]
        self.sums += np.bincount(cells, value[there], len(self.sums))
        self.counts += np.bincount(cells, None, len(self.sums))

    def take(self, least: float) -> Floats:
        """(hours, units); NaN where fewer than `least` readings are."""
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(self.counts >= least, self.sums / self.counts, np.nan)
        return mean.reshape(self.hours, self.units)


def daily(hourly: Floats) -> Floats:
    """(days, units) from (hours, units): UTC days with 75 % of their hours."""
    days = len(hourly) // 24
    cut = hourly[: days * 24].reshape(days, 24, hourly.shape[1])
    there = np.isfinite(cut)
    count = there.sum(axis=1)
    total = np.where(there, cut, 0.0).sum(axis=1)
    return np.where(count >= NEEDED * 24, total / np.maximum(count, 1), np.nan)
