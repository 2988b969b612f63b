"""A node of the city as a board: which pins its sensors are on, and devices that see the city's air there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from simulator.city.fleet import Node
from simulator.city.light import LightFleet
from simulator.city.models import PARTICLES
from simulator.options import Fitted
from simulator.sensor_words import fit_all
from simulator.sensors import MODELS, kind_of
from simulator.sensors.base import Air, Device
from simulator.sensors.unit import Unit

BLOCK_S = 600  # of air that is worked out at once
NEUTRAL = Unit(loss=0.0)  # the city has spread and age in its air already
_WHERE = ("", "@uart", "@i2c", "@i2c1")
SEED_STEP = 7919


def fitted_for(node: Node) -> tuple[Fitted, ...]:
    """The node's sensors at the board's pins. Raises ValueError when there is no room for them."""
    words: list[str] = []
    for _, model in node.slots:
        tries = [[*words, model + where] for where in _WHERE]
        fits = next((one for one in tries if _fits(one)), None)
        if fits is None:
            fit_all([*words, model])  # says what is in the way
            raise ValueError(f"{model}: finds no place on the board")
        words = fits
    return fit_all(words)


def _fits(words: list[str]) -> bool:
    try:
        fit_all(words)
    except ValueError:
        return False
    return True


def devices_for(
    lights: LightFleet, node: Node, fitted: tuple[Fitted, ...], ahead_s: float
) -> dict[str, Device]:
    """By slot. `ahead_s`: how far the scenario's time is ahead of the clock that devices are asked by."""
    columns = lights.columns[node.name]
    inside = _wet(lights, node, lights.sensors.weather(columns[0], BLOCK_S))
    devices: dict[str, Device] = {}
    for number, one in enumerate(fitted):
        particles = one.model in PARTICLES
        air = lights.sensors.air(columns[number if particles else 0], BLOCK_S)
        more: dict[str, Any] = {"unit": NEUTRAL} if particles else {}
        if MODELS[one.model, one.bus][2]:
            more["weather"] = _shifted(inside, ahead_s)
        kind = cast("Callable[..., Device]", kind_of(one.model, one.bus))
        seed = lights.scenario.seed + lights.nodes.index(node) * 101 + number * SEED_STEP
        devices[one.slot] = kind(_shifted(air, ahead_s), seed, **more)
    return devices


def _shifted(sample: Air, ahead_s: float) -> Air:
    return lambda at: sample(at + ahead_s)


def _wet(lights: LightFleet, node: Node, inside: Air) -> Air:
    """Condensation puts humidity to its top."""
    spells = [one for one in lights.faults if one.node == node.name and one.kind == "condensation"]
    if not spells:
        return inside

    def sample(at: float) -> tuple[float, float, float]:
        temp, rh, press = inside(at)
        return temp, 100.0 if any(one.covers(at) for one in spells) else rh, press

    return sample
