"""Faults on a schedule: each has a kind, a unit, an onset, an end and a strength, so that finding them can be
scored.

    kind          what the sensor or node then does
    stuck         repeats what it last measured
    clogged       loses `strength` of its air: a share of the particles; all of them leaves its residue
    clogging      the same, but growing evenly from nothing to `strength` between onset and end
    saturated     shows the highest value that it can
    spikes        in a share `strength` of its readings stands 3 to 20 times as much
    offset        reads `strength` ug/m3 too much, all the while (or too little, below 0)
    gain          reads `strength` times as much
    dead          sends no frame: no value, flag no_frame
    condensation  wet inside: humidity stands at 100 %, and the wetter the air, the more it reads
    clock         the node's clock is `strength` s ahead (or behind), and is called held
    silent        the node is off: no readings are born, then it boots anew
    units         values in a wrong unit: `strength` times as much
    garbage       values at random that pass the sensor's check sum
    climate       its climate sensor does not answer: no temp, rh, press, flag climate_error

The names that the byte-level emulators know (sensors/faults.py) mean the same here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from simulator.city.stable import key, mixed, uniform

if TYPE_CHECKING:
    from simulator.city.scenario import FaultPlan


class Kind(NamedTuple):
    strength: str  # what it means
    usual: float
    least: float
    most: float
    of_node: bool = False  # it befalls the whole node, not one of its sensors


_NONE = "of no meaning, leave it away"
KINDS: dict[str, Kind] = {
    "stuck": Kind(_NONE, 1.0, 1.0, 1.0),
    "clogged": Kind("the share of particles lost", 1.0, 0.05, 1.0),
    "clogging": Kind("the share of particles lost at the end", 0.7, 0.05, 1.0),
    "saturated": Kind(_NONE, 1.0, 1.0, 1.0),
    "spikes": Kind("the share of readings", 0.05, 0.001, 1.0),
    "offset": Kind("in ug/m3", 25.0, -500.0, 500.0),
    "gain": Kind("the factor", 2.0, 0.05, 20.0),
    "dead": Kind(_NONE, 1.0, 1.0, 1.0),
    "condensation": Kind("how many times more it reads in saturated air", 2.0, 0.1, 20.0, True),
    "clock": Kind("in s", 10_800.0, -3e7, 3e7, True),
    "silent": Kind(_NONE, 1.0, 1.0, 1.0, True),
    "units": Kind("the factor", 10.0, 0.0001, 10_000.0),
    "garbage": Kind(_NONE, 1.0, 1.0, 1.0),
    "climate": Kind(_NONE, 1.0, 1.0, 1.0, True),
}


@dataclass(frozen=True)
class Fault:
    """One fault of one node's slot; `begin` and `end` in Unix seconds."""

    node: str
    slot: str
    kind: str
    begin: float
    end: float
    strength: float

    @property
    def of_node(self) -> bool:
        return KINDS[self.kind].of_node

    def covers(self, at: float) -> bool:
        return self.begin <= at < self.end


def schedule(
    plans: Sequence[FaultPlan], nodes: Sequence[str], seed: int, begin: int, end: int
) -> list[Fault]:
    """Who has which fault when, by onset. A plan without a start draws one for each node, to the minute.

    Raises ValueError for a node that does not exist.
    """
    out: list[Fault] = []
    for number, plan in enumerate(plans):
        for node in _struck(plan, nodes, key(seed, "fault", number)):
            strength = KINDS[plan.kind].usual if plan.strength is None else plan.strength
            length = plan.hours * 3600.0
            if plan.start is not None:
                onset = plan.start.timestamp()
            else:
                room = max(0.0, end - begin - length)
                draw = float(uniform(mixed(key(seed, "onset", number, node), 0))[0])
                onset = begin + draw * room // 60 * 60
            slot = "a" if KINDS[plan.kind].of_node else plan.slot
            out.append(Fault(node, slot, plan.kind, onset, onset + length, strength))
    return sorted(out, key=lambda fault: (fault.begin, fault.node, fault.slot, fault.kind))


def _struck(plan: FaultPlan, nodes: Sequence[str], base: int) -> list[str]:
    """A share means that many nodes, rounded, at least one: those with the lowest draw."""
    if plan.node is not None:
        if plan.node not in nodes:
            raise ValueError(f"fault: there is no node {plan.node!r}; they are {nodes[0]} to {nodes[-1]}")
        return [plan.node]
    draws = mixed(base, range(len(nodes)))
    count = max(1, round((plan.share or 0.0) * len(nodes)))
    ranks = sorted(range(len(nodes)), key=lambda at: int(draws[at]))
    return [nodes[at] for at in sorted(ranks[:count])]
