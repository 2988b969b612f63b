"""The tables that the bench prints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple

import click
import numpy as np

from bench.accuracy.detect import Detection
from bench.accuracy.town import Bools, Floats, Size, daily
from gateway.quality.calibration.figures import figures
from gateway.quality.calibration.record import Figures

SHARED = "with shared error off"
BOUND = "(bound)"
WAYS = {
    "raw, all of it": "what nodes send, faults and all",
    "raw": "what nodes send, less what the checks found",
    "kappa": "kappa-koehler with its defaults",
    "model": "calibration of the model",
    "calibrated": "field calibration beside a station, remote elsewhere; made once, before",
    SHARED: "what the gateway writes: calibrated, times what units beside stations show of the hours before",
    "renewed": "the same, made anew every 7 days from the 28 before",
    "calibrated, all of it": "as calibrated, what the checks found left in; far beyond the range is refused",
    BOUND: "calibrated times each unit's best gain by the truth: what no gain goes beyond",
}
HEADED = "calibrated"
GOALS: tuple[tuple[str, Callable[[Figures, Figures], float], Callable[[float], bool]], ...] = (
    ("daily RMSE <= 3 ug/m3", lambda _, day: day.rmse, lambda it: it <= 3),
    ("hourly RMSE <= 5 ug/m3", lambda hour, _: hour.rmse, lambda it: it <= 5),
    ("hourly slope 1 +/- 0.05", lambda hour, _: hour.slope, lambda it: abs(it - 1) <= 0.05),
    ("daily slope 1 +/- 0.05", lambda _, day: day.slope, lambda it: abs(it - 1) <= 0.05),
    ("hourly R2 >= 0.95", lambda hour, _: hour.r2, lambda it: it >= 0.95),
    ("daily R2 >= 0.95", lambda _, day: day.r2, lambda it: it >= 0.95),
)
RECALL, FALSE = 0.95, 1.0


class Scored(NamedTuple):
    """Hourly means (hours, units): the truth, and by each way. `held`: units that never hung beside a
    station."""

    truth: Floats
    ways: dict[str, Floats]
    models: np.ndarray[tuple[int], np.dtype[np.str_]]
    held: Bools


class Row(NamedTuple):
    hour: Figures
    day: Figures
    share: float  # of all hours of these units that have a value


def row(scored: Sequence[Scored], way: str, which: Callable[[Scored], Bools]) -> Row | None:
    """All seeds together; None where there is nothing."""
    parts = [(one.ways[way][:, which(one)], one.truth[:, which(one)]) for one in scored]
    days = [(daily(value), daily(true)) for value, true in parts]
    hour, day = (
        figures(np.concatenate([a.ravel() for a, _ in each]), np.concatenate([b.ravel() for _, b in each]))
        for each in (parts, days)
    )
    if hour is None or day is None:
        return None
    return Row(hour, day, hour.n / sum(true.size for _, true in parts))


def _line(name: str, it: Row | None) -> str:
    if it is None:
        return f"  {name:24} nothing"
    texts = [
        f"{each.rmse:6.2f} {each.bias:+6.2f} {each.r2:6.3f} {each.slope:6.3f}" for each in (it.hour, it.day)
    ]
    return f"  {name:24}" + "  |".join(texts) + f"  {100 * it.share:5.1f} %"


_HEAD = (
    f"  {'':24}{'hourly':^27}  |{'daily':^27}\n  {'':24}"
    + "  |".join(["  RMSE   bias     R2  slope"] * 2)
    + "    there"
)


def tell_seed(seed: int, scored: Scored, told: dict[str, str]) -> None:
    click.echo(f"seed {seed}: truth {np.nanmean(scored.truth):.1f} ug/m3, sd {np.nanstd(scored.truth):.1f}")
    for what, text in told.items():
        click.echo(f"  {what}: {text}")
    click.echo(_HEAD)
    for way in ("raw", HEADED, SHARED, "renewed"):
        click.echo(_line(way, row([scored], way, lambda one: one.held)))


def tell(scored: Sequence[Scored], found: Detection, size: Size) -> bool:
    """All seeds together; whether all goals are met."""
    click.echo(
        f"{size.nodes} nodes, {size.days} days after {size.collocation} to calibrate in, {len(scored)} seeds"
    )
    for way, what in WAYS.items():
        click.echo(f"  {way}: {what}")
    groups: list[tuple[str, Callable[[Scored], Bools]]] = [
        ("all units", lambda one: np.ones_like(one.held)),
        ("units beside stations", lambda one: ~one.held),
        ("held out: never beside one", lambda one: one.held),
    ]
    for model in sorted({str(name) for one in scored for name in one.models}):
        groups.append((f"held out, {model}", lambda one, model=model: one.held & (one.models == model)))
    for name, which in groups:
        click.echo(f"\n{name}\n{_HEAD}")
        for way in WAYS:
            click.echo(_line(way, row(scored, way, which)))
    met = True
    for name, which in (groups[0], groups[2]):
        for way in (HEADED, SHARED):
            met = _tell_goals(f"{name}, {way}", row(scored, way, which)) and met
    return _tell_found(found) and met


def _tell_goals(name: str, it: Row | None) -> bool:
    click.echo(f"\ngoals, {name}")
    if it is None:
        click.echo("  nothing to score")
        return False
    met = True
    for goal, take, is_met in GOALS:
        value = take(it.hour, it.day)
        met = is_met(value) and met
        click.echo(f"  {goal:26} {value:7.3f}  {'met' if is_met(value) else 'MISSED'}")
    return met


def _tell_found(found: Detection) -> bool:
    click.echo(
        "\nfaults of more than 6 h\n"
        "  kind           faults  found  recall  hours until found: median, most   first seen by"
    )
    met = True
    for kind, it in sorted(found.kinds.items()):
        recall = it.found / it.faults
        good = recall >= RECALL
        met = met and good
        hours = f"{median(it.hours):8.1f} {max(it.hours):8.1f}" if it.hours else f"{'-':>8} {'-':>8}"
        by = ", ".join(f"{name} {count}" for name, count in it.by.most_common(3))
        click.echo(
            f"  {kind:14} {it.faults:6} {it.found:6} {recall:7.2f}{'  ' if good else ' !'}{hours:>30}   {by}"
        )
    faults, got = (sum(getattr(it, name) for it in found.kinds.values()) for name in ("faults", "found"))
    if faults:
        click.echo(f"  {'all':14} {faults:6} {got:6} {got / faults:7.2f}   (goal for each: {RECALL})")
    by = ", ".join(f"{name} {count}" for name, count in found.false_by.most_common(4)) or "none"
    met = met and found.false_rate <= FALSE
    click.echo(
        f"false alarms: {found.false} in {found.node_months:.0f} node-months, {found.false_rate:.2f} a node "
        f"and month (goal {FALSE:g}); by {by}"
    )
    return met
