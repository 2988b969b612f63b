"""The units of a fleet: which model each is, and how it differs from the next. Arrays of shape (U,)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.city.models import BUILT_IN, CLIMATE, PARTICLES, Climate, Particle
from simulator.city.stable import Bools, Floats, Keys, exp, key, mixed, normal, uniform

YEAR_S = 365.25 * 86400.0


@dataclass(frozen=True)
class Unit:
    """One particle sensor at a node. `born`: Unix seconds at which it was new."""

    node: str
    slot: str
    model: str
    climate: str | None  # the node's climate sensor; None: the sensor's own, if it has one
    lat: float
    lon: float
    born: float


class Units:
    """What is drawn for each of `units`, by `seed`, node and slot: the same in whatever company it stands."""

    def __init__(self, units: Sequence[Unit], seed: int) -> None:
        self.all = tuple(units)
        self.lats = np.array([unit.lat for unit in units], dtype=np.float64)
        self.lons = np.array([unit.lon for unit in units], dtype=np.float64)
        self.born = np.array([unit.born for unit in units], dtype=np.float64)
        self.models: tuple[Particle, ...] = tuple(PARTICLES[unit.model] for unit in units)
        self.climates: tuple[Climate | None, ...] = tuple(_climate(unit) for unit in units)
        self.keys = np.array([key(seed, "unit", unit.node, unit.slot) for unit in units], dtype=np.uint64)
        self.node_keys = np.array([key(seed, "node", unit.node) for unit in units], dtype=np.uint64)
        self._draw()

    def of(self, name: str) -> Floats:
        """A figure of each unit's model."""
        return np.array([float(getattr(model, name)) for model in self.models])

    def family(self, name: str) -> Bools:
        return np.array([model.family == name for model in self.models])

    def _draw(self) -> None:
        keys, node = self.keys, self.node_keys
        self.gain = self.of("gain") * exp(self.of("spread") * _z(keys, 1))
        self.offset = self.of("offset") * _z(keys, 2)
        self.loss = self.of("loss") * (0.5 + uniform(mixed(keys, 3)))
        self.dust = self.of("dust") * 2.0 * uniform(mixed(keys, 4))
        self.thirst = np.maximum(0.6, 1.0 + 0.12 * _z(keys, 5))  # for water, against theory
        self.heat = np.maximum(0.3, 2.2 + 0.7 * _z(node, 6))  # degC of its enclosure by electronics
        self.sunny = 3.0 * uniform(mixed(node, 7))  # and by full sun
        self.temp_off = _limits(self.climates, "temp") * _z(node, 8) / 2.5
        self.rh_off = _limits(self.climates, "rh") * _z(node, 9) / 2.5
        self.press_off = _limits(self.climates, "press") * _z(node, 10) / 2.5
        self.has_temp = np.array([one is not None for one in self.climates])
        self.has_rh = np.array([one is not None and one.rh is not None for one in self.climates])
        self.has_press = np.array([one is not None and one.press is not None for one in self.climates])


def _climate(unit: Unit) -> Climate | None:
    if unit.climate is not None:
        return CLIMATE[unit.climate]
    own = PARTICLES[unit.model].climate
    return BUILT_IN[own] if own else None


def _limits(climates: Sequence[Climate | None], name: str) -> Floats:
    return np.array([float(getattr(one, name) or 0.0) if one else 0.0 for one in climates])


def _z(keys: Keys, purpose: int) -> Floats:
    return normal(mixed(keys, purpose))
