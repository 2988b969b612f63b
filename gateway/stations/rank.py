"""From facts to a list of nodes, those first that need a visit most. Pure and deterministic."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gateway.stations import judgements, messages
from gateway.stations.facts import LATE_DAYS, Facts, Reason, Span, Station

# From there on a node needs a visit; what weighs less can wait, and is not told where it is a consequence.
ENOUGH = 50
# What else is wrong counts a little: of two clogged sensors the one with weak Wi-Fi comes first.
_OTHERS = 0.1


def examine(facts: Facts, at: Span) -> Station:
    """One node: its reasons, the heaviest first, and its score."""
    found = messages.of_node(facts, at)
    if not {each.kind for each in found} & {"silent", "never"}:
        for slot in facts.slots:
            found = _with_slot(found, slot.slot, judgements.of_slot(slot, at))
    found = _once(found)
    if all(each.weight < ENOUGH for each in found):
        found += judgements.incomplete(facts.slots, at, LATE_DAYS)
    if {each.kind for each in found} & {"safe", "restarts"}:
        found = [each for each in found if each.kind != "crash"]
    reasons = tuple(sorted(found, key=lambda each: (-each.weight, each.slot or "", each.kind)))
    weights = [each.weight for each in reasons]
    score = min(100.0, round(weights[0] + _OTHERS * sum(weights[1:]), 1)) if weights else 0.0
    return Station(facts.node, facts.network, facts.label or facts.node, score, reasons)


def rank(nodes: Iterable[Facts], at: Span) -> list[Station]:
    """All nodes, by score; of equal ones that which has been so for longest, then by name."""
    stations = [examine(facts, at) for facts in nodes]
    return sorted(stations, key=lambda each: (-each.score, _began(each, at.now), each.network, each.node))


def _with_slot(found: list[Reason], slot: str, judged: list[Reason]) -> list[Reason]:
    """What the node says of its sensor is plainer than what its values say; these know since when."""
    told = [each for each in found if each.slot == slot and each.kind.startswith("sensor_")]
    mute = next((each for each in judged if each.kind in ("no_value", "device")), None)
    if not told or mute is None:
        return found + judged
    dated = [replace(each, since=mute.since, before=mute.before) for each in told]
    return (
        [each for each in found if each not in told] + dated + [each for each in judged if each is not mute]
    )


def _once(reasons: list[Reason]) -> list[Reason]:
    """Some are the node's: each is said once, with its beginning where one is known."""
    kept: dict[tuple[str, str | None], Reason] = {}
    for each in sorted(reasons, key=lambda each: each.since is None):
        of_node = each.kind in ("clock", "climate", "disagree")
        kept.setdefault((each.kind, None if of_node else each.slot), each)
    return list(kept.values())


def _began(station: Station, now: int) -> int:
    since = [each.since for each in station.reasons if each.since is not None]
    return min(since, default=now)
