"""Which nodes a scenario has: names, places, what hangs there, when they boot, and which faults they get."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from simulator.city.faults import Fault, schedule
from simulator.city.scenario import Kit, Scenario
from simulator.city.stable import key, mixed, normal, uniform
from simulator.city.units import YEAR_S, Unit
from simulator.city.warsaw import BOUNDS, DISTRICTS, KM_PER_LAT, KM_PER_LON, District

WARM_UP_S = 30
SLOTS = "abcdefg"


@dataclass(frozen=True)
class Node:
    """A light node. `phase_s`: how far the ends of its windows lie behind a full period."""

    name: str
    lat: float
    lon: float
    kit: Kit
    station: str | None  # the reference station that it hangs beside
    district: str
    phase_s: int
    first_boot: int
    born: float  # Unix seconds at which its sensors were new
    rssi: int

    @property
    def slots(self) -> list[tuple[str, str]]:
        """(slot, model) of all sensors; the climate sensor stands behind those of particles."""
        models = [*self.kit.particles, *([self.kit.climate] if self.kit.climate else [])]
        return list(zip(SLOTS, models, strict=False))


def plan(scenario: Scenario) -> list[Node]:
    """All nodes, by name. Those with a place come first: beside reference stations, then fleet.place."""
    fleet = scenario.fleet
    kits = _kits(fleet.kit, fleet.nodes, key(scenario.seed, "kits"))
    placed = [(one.lat, one.lon, one.name) for one in scenario.reference for _ in range(one.beside)]
    placed += [(one.lat, one.lon, None) for one in fleet.place for _ in range(one.nodes)]
    digits = max(4, len(str(fleet.nodes)))
    nodes: list[Node] = []
    for number in range(fleet.nodes):
        name = f"{fleet.prefix}-{number + 1:0{digits}}"
        chance = mixed(key(scenario.seed, "plan", name), range(8))
        draws = uniform(chance)
        if number < len(placed):
            lat, lon, station = placed[number]
            district = _nearest(lat, lon)
        else:
            station = None
            place = DISTRICTS[int(draws[0] * len(DISTRICTS))]
            apart = normal(chance[1:3])
            lat = _within(place.lat + float(apart[0]) * 1.3 / KM_PER_LAT, BOUNDS[0], BOUNDS[1])
            lon = _within(place.lon + float(apart[1]) * 1.3 / KM_PER_LON, BOUNDS[2], BOUNDS[3])
            district = place.name
        nodes.append(
            Node(
                name,
                lat,
                lon,
                kits[number],
                station,
                district,
                phase_s=int(draws[3] * fleet.period_s),
                first_boot=1 + int(draws[4] * 40),
                born=scenario.begin - float(draws[5]) * fleet.age_years * YEAR_S,
                rssi=-48 - int(draws[6] * 35),
            )
        )
    return nodes


def units(nodes: Sequence[Node]) -> list[Unit]:
    """The particle sensors of all nodes, a node's slots together."""
    return [
        Unit(node.name, slot, model, node.kit.climate, node.lat, node.lon, node.born)
        for node in nodes
        for slot, model in zip(SLOTS, node.kit.particles, strict=False)
    ]


def faults(scenario: Scenario, nodes: Sequence[Node]) -> list[Fault]:
    """By the scenario. Raises ValueError for a node or slot that is not there."""
    planned = schedule(
        scenario.fault, [node.name for node in nodes], scenario.seed, scenario.begin, scenario.end
    )
    slots = {node.name: len(node.kit.particles) for node in nodes}
    # A share may strike nodes without that slot: their sensor a has it then. A named node must have it.
    named = {(plan.node, plan.slot) for plan in scenario.fault if plan.node}
    out: list[Fault] = []
    for fault in planned:
        if SLOTS.index(fault.slot) >= slots[fault.node]:
            if (fault.node, fault.slot) in named:
                raise ValueError(f"fault: node {fault.node} has no particle sensor in slot {fault.slot}")
            fault = Fault(fault.node, "a", fault.kind, fault.begin, fault.end, fault.strength)
        out.append(fault)
    return out


def topic(network: str, node: str, kind: str) -> str:
    """As the contract has it: the shard is the CRC-32 of the node's name, mod 16."""
    return f"dl/1/{network}/{zlib.crc32(node.encode()) & 15:x}/{node}/{kind}"


def _kits(kits: Sequence[Kit], count: int, base: int) -> list[Kit]:
    """One for each node: as many of each as its share says, by the largest remainder, then shuffled."""
    total = sum(kit.share for kit in kits)
    exact = [kit.share / total * count for kit in kits]
    numbers = [int(part) for part in exact]
    left = sorted(range(len(kits)), key=lambda at: (numbers[at] - exact[at], at))
    for at in left[: count - sum(numbers)]:
        numbers[at] += 1
    all_of = [kit for kit, number in zip(kits, numbers, strict=True) for _ in range(number)]
    draws = mixed(base, range(count))
    return [all_of[at] for at in sorted(range(count), key=lambda at: int(draws[at]))]


def _nearest(lat: float, lon: float) -> str:
    """The district whose centre is nearest."""

    def off(one: District) -> float:
        return ((one.lat - lat) * KM_PER_LAT) ** 2 + ((one.lon - lon) * KM_PER_LON) ** 2

    return min(DISTRICTS, key=off).name


def _within(value: float, low: float, high: float) -> float:
    return round(min(max(value, low), high), 5)
