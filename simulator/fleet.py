"""Several simulated nodes at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from simulator.air import CityAir
from simulator.node import SimNode
from simulator.options import NodeOptions, heap_for
from simulator.places import PLACES, Place
from simulator.runtime import SimulatorError, find_firmware, find_micropython
from simulator.sensor_words import fit_all
from simulator.weather import CityWeather

# Further nodes at a place hang some streets away, so that all can be seen on a map.
STEP_DEGREES = 0.004
# What hangs at the nodes, in turn: what was cheap that month. The third is not told what it has.
KITS = (
    fit_all(["sds011", "bme280"]),
    fit_all(["pms5003"]),
    fit_all(["sds011"], auto=True),
    fit_all(["sps30@i2c", "sht3x"]),
    fit_all(["pmsa003i"]),
    fit_all(["sen55"]),
    fit_all(["pms7003", "dht22"]),
)


def plan(count: int, common: NodeOptions) -> list[tuple[NodeOptions, Place]]:
    """`count` nodes: names, places, seeds, kits of sensors and room for them; the rest as in `common`."""
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
        heap = max(common.heap, heap_for(kit), key=_kilobytes)
        options = replace(common, name=place.name, model=kit[0].model, sensors=kit, heap=heap)
        planned.append((replace(options, seed=common.seed + number), place))
    return planned


def _kilobytes(heap: str) -> int:
    return int(heap.rstrip("k"))


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
        air, weather = CityAir(seed), CityWeather(seed).at
        found, runtime = firmware or find_firmware(), find_micropython()
        self.nodes = [
            SimNode(
                directory / options.name,
                options,
                air.over(place),
                weather=weather,
                firmware=found,
                micropython=runtime,
            )
            for options, place in nodes
        ]
        self.places = {options.name: place for options, place in nodes}

    def __getitem__(self, name: str) -> SimNode:
        return next(node for node in self.nodes if node.options.name == name)

    def start(self) -> Fleet:
        """Raises SimulatorError when a node cannot start; those before it are on then."""
        for node in self.nodes:
            node.start()
        return self

    def stop(self) -> None:
        """As stop_all() does."""
        stop_all(self.nodes)

    def __enter__(self) -> Fleet:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_: object) -> None:
        self.stop()


def stop_all(nodes: Sequence[SimNode]) -> None:
    """All at once: a node that does not end is waited for only once. Raises SimulatorError when parts of the
    simulator have failed, with what each of the nodes says."""
    with ThreadPoolExecutor(max_workers=32) as pool:
        stops = [pool.submit(node.stop) for node in nodes]
    failures = [failure for each in stops if (failure := each.exception()) is not None]
    for failure in failures:
        if not isinstance(failure, SimulatorError):
            raise failure
    if failures:
        raise SimulatorError("\n".join(str(each) for each in failures)) from failures[0]
