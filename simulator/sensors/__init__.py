"""Byte-level sensor emulators, written from the protocol descriptions."""

from __future__ import annotations

from simulator.sensors.base import Air, Sensor
from simulator.sensors.plantower import Pms5003
from simulator.sensors.sds011 import Sds011

MODELS: dict[str, type[Sensor]] = {"sds011": Sds011, "pms5003": Pms5003}


def make_sensor(model: str, air: Air, seed: int = 0) -> Sensor:
    """A sensor, powered off. Raises ValueError for an unknown model."""
    if model not in MODELS:
        raise ValueError(f"no emulator for sensor {model!r}; there are: {', '.join(sorted(MODELS))}")
    return MODELS[model](air, seed)
