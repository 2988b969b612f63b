"""Several simulated nodes at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from simulator.air import CityAir
from simulator.node import SimNode
from simulator.options import NodeOptions
from simulator.places import PLACES, Place
from simulator.runtime import find_firmware, find_micropython
from simulator.sensor_words import fit_all

# Further nodes at a place hang some streets away, so that all can be seen on a map.
STEP_DEGREES = 0.004
# What hangs at the nodes, in turn: what was cheap that month.
KITS = (
    fit_all(["sds011"]),
    fit_all(["pms5003"]),
    fit_all(["pms7003"]),
    fit_all(["sds011"]),
    fit_all(["pmsa003i"]),
    fit_all(["pmsa003"]),
)


def plan(count: int, common: NodeOptions) -> list[tuple[NodeOptions, Place]]:
    """`count` nodes: names, places, seeds and kits of sensors; the rest as in `common`."""
    planned: list[tuple[NodeOptions, Place]] = []
    for number in range(count):
        lap, index = divmod(number, len(PLACES))
        place = PLACES[index]
        if lap:
            place = replace(
                place,
                name=f"{place.name}-{lap + 1}",
                lat=round(place.lat + lap * STEP_DEGREES, 4),
                lon=round(place.lon - lap * STEP_DEGREES, 4),
            )
        kit = KITS[number % len(KITS)]
        planned.append(
            (
                replace(common, name=place.name, model=kit[0].model, sensors=kit, seed=common.seed + number),
                place,
            )
        )
    return planned


class Fleet:
    """Nodes of real firmware, one process each, under `directory`/NODE."""

    def __init__(
        self,
        directory: Path,
        nodes: Sequence[tuple[NodeOptions, Place]],
        *,
        seed: int = 0,
        firmware: Path | None = None,
    ) -> None:
        """Raises SimulatorError when firmware or MicroPython are not found."""
        air = CityAir(seed)
        found, runtime = firmware or find_firmware(), find_micropython()
        self.nodes = [
            SimNode(directory / options.name, options, air.over(place), firmware=found, micropython=runtime)
            for options, place in nodes
        ]
        self.places = {options.name: place for options, place in nodes}

    def __getitem__(self, name: str) -> SimNode:
        return next(node for node in self.nodes if node.options.name == name)

    def start(self) -> Fleet:
        for node in self.nodes:
            node.start()
        return self

    def stop(self) -> None:
        """All at once: a node that does not end is waited for only once."""
        with ThreadPoolExecutor(max_workers=32) as pool:
            list(pool.map(SimNode.stop, self.nodes))

    def __enter__(self) -> Fleet:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
