"""What the checks' hours say against a sensor. Pure: facts in, reasons out.

A fault counts when it was there in so many of the last 24 hours and still is; then it began with the first
hour of the run. Humid air and warm-up are no reasons: no visit helps.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from gateway.quality.checks.bits import mask_of
from gateway.quality.checks.hours import HOUR_S
from gateway.quality.checks.network import GRACE_S
from gateway.stations.facts import Reason, SlotFacts, Span, Trouble, Values

# (kind, bits, hours of the last 24). A bonfire beside a node is over before six hours are.
_RULES: tuple[tuple[str, int, int], ...] = (
    ("no_value", mask_of("no_value"), 3),
    ("device", mask_of("device"), 2),
    ("stuck", mask_of("stuck"), 2),
    ("clogged", mask_of("clogged"), 3),
    ("garbage", mask_of("range", "sizes"), 3),
    ("saturated", mask_of("saturated"), 3),
    ("far", mask_of("neighbours"), 6),
    ("disagree", mask_of("disagree"), 6),
    ("climate", mask_of("climate"), 6),
    ("clock", mask_of("clock"), 6),
)
TROUBLES = sum({bits for _, bits, _ in _RULES})
# What is named first is why the later ones are there too.
_EXPLAINS = {
    "no_value": ("far", "disagree"),
    "device": ("stuck", "clogged", "garbage", "saturated", "far", "disagree"),
    "clogged": ("far", "disagree"),
    "garbage": ("stuck", "clogged", "saturated", "far", "disagree"),
    "saturated": ("stuck", "far", "disagree"),
    "stuck": ("clogged", "far", "disagree"),
}
_DAY = 24
# It is still there when one of the last hours has it; a run may have such gaps.
_FRESH = 6
_GAP = 12
# Between these a node's values are not far from its neighbours', and another check speaks.
_LOW, _HIGH = 0.8, 1.25
_FEWEST_SPIKES, _SPIKE_SHARE = 6, 0.02
LEAST_SHARE = 0.75
_LEAST_SPAN = 24


def of_slot(slot: SlotFacts, at: Span) -> list[Reason]:
    """What the checks say of one sensor; see `Reason`."""
    last = last_hour(at.now)
    found: dict[str, Reason] = {}
    for kind, bits, least in _RULES:
        run = _run([each for each in slot.troubles if each.qc & bits], last, least)
        if run:
            found[kind] = _reason(kind, slot, run, at)
    for kind, others in _EXPLAINS.items():
        if kind in found:
            for other in others:
                found.pop(other, None)
    if not found.keys() & {"garbage", "stuck", "clogged"}:
        found |= {each.kind: each for each in _spikes(slot)}
    return [_sided(each) for each in found.values()]


def incomplete(slots: Sequence[SlotFacts], at: Span, days: int) -> list[Reason]:
    """Of the worst sensor: fewer than 75 % of the hours of the last `days` have enough readings."""
    judged = [slot for slot in slots if slot.span >= _LEAST_SPAN]
    worst = min(judged, key=lambda slot: slot.complete / slot.span, default=None)
    if worst is None or worst.complete >= LEAST_SHARE * worst.span:
        return []
    values: Values = {"complete": worst.complete, "hours": worst.span}
    return [Reason("incomplete", max(at.since, at.now - days * 86400), worst.slot, values)]


def last_hour(now: int) -> int:
    """Number of the last hour that is over and counted at that time (UTC s)."""
    return (now - GRACE_S) // HOUR_S - 1


def _run(hours: list[Trouble], last: int, least: int) -> list[Trouble]:
    """The hours of the run that goes on now, or []."""
    recent = [each for each in hours if each.hour > last - _DAY]
    if len(recent) < least or recent[-1].hour <= last - _FRESH:
        return []
    first = len(hours) - 1
    while first > 0 and hours[first].hour - hours[first - 1].hour <= _GAP:
        first -= 1
    return hours[first:]


def _reason(kind: str, slot: SlotFacts, run: list[Trouble], at: Span) -> Reason:
    began = run[0].hour * HOUR_S
    values: Values = {"model": slot.model}
    ratios = [each.own / each.near for each in run if each.own is not None and each.near]
    if kind in ("clogged", "far") and ratios:
        values["ratio"] = round(max(0.0, median(ratios)), 2)
    before = began < at.since + _GAP * HOUR_S
    return Reason(kind, max(began, at.since), slot.slot, values, before)


def _sided(reason: Reason) -> Reason:
    """`far` with its direction, where there is a clear one."""
    ratio = reason.values.get("ratio")
    if reason.kind != "far" or not isinstance(ratio, float) or _LOW < ratio < _HIGH:
        return reason
    kind = "high" if ratio >= _HIGH else "low"
    return Reason(kind, reason.since, reason.slot, reason.values, reason.before)


def _spikes(slot: SlotFacts) -> list[Reason]:
    if slot.spikes < max(_FEWEST_SPIKES, _SPIKE_SHARE * slot.looked_at):
        return []
    values: Values = {"spikes": slot.spikes, "looked_at": slot.looked_at, "model": slot.model}
    return [Reason("spikes", slot.spikes_since, slot.slot, values, before=True)]
