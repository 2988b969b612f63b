"""The scenario's faults that are not in the air, as a board has them: a sensor or a node without power.

`dead` and `climate` cut a sensor's supply, `silent` the node's. `clock` is not played: a real node asks
a time server. All the others are in what the sensors see.
"""

from __future__ import annotations

from typing import NamedTuple

from simulator.city.fleet import Node
from simulator.city.light import LightFleet

NOT_PLAYED = ("clock",)


class Trouble(NamedTuple):
    """At `at` (Unix seconds of the scenario) a slot's supply goes off or on; slot None: the whole node's."""

    at: float
    slot: str | None
    on: bool
    off_s: float  # how long it will be off


def troubles(lights: LightFleet, node: Node) -> list[Trouble]:
    """In the order of time."""
    out: list[Trouble] = []
    for fault in lights.faults:
        if fault.node != node.name or fault.kind not in ("dead", "climate", "silent"):
            continue
        slot: str | None = fault.slot
        if fault.kind == "silent":
            slot = None
        elif fault.kind == "climate":
            if node.kit.climate is None:
                continue
            slot = node.slots[-1][0]
        length = fault.end - fault.begin
        out += [Trouble(fault.begin, slot, False, length), Trouble(fault.end, slot, True, 0.0)]
    return sorted(out, key=lambda one: one.at)


def left_out(lights: LightFleet) -> list[str]:
    """Kinds of faults in the scenario that a real node is not given."""
    return sorted({fault.kind for fault in lights.faults if fault.kind in NOT_PLAYED})
