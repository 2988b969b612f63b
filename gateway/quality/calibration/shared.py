"""What all units read wrong alike, hour by hour: taken off by the units that hang beside stations.

Particles of one air mass scatter more light for their mass than those of the next, or hold more water. All
optical units then read too much together, and a calibration made before cannot know. Units that stay beside
stations show it: the median ratio of station to corrected unit, over the last hours. It changes within days
(the share of light by 8 % in the simulated city), so some hours are enough, and hours that have just passed
serve for this one.

No source describes just this; correcting a network by what stations report meanwhile is what Zheng et al.
2019 (doi 10.5194/amt-12-5161-2019, abstract seen) do with more machinery. The limits are a judgement. No
numpy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import fmean, median
from typing import NamedTuple


@dataclass(frozen=True)
class SharedRules:
    hours: int = 6  # that are looked at
    lag: int = (
        2  # the newest of them lies so many hours before the one that is corrected: stations report late
    )
    anchors: int = 3  # units beside stations that an hour needs
    stations: int = 2  # and at so many stations
    least_hours: int = 3
    least_ug: float = 2.0  # lower values are taken for that: in clean air a ratio is all noise
    most: float = 2.0  # or half: beyond, something else is wrong


class Anchor(NamedTuple):
    """One hour of a unit beside a station: what it reads when corrected, and what the station reports,
    ug/m3."""

    station: str
    corrected: float
    reference: float


class Shared(NamedTuple):
    """`factor` multiplies every corrected value of the network in that hour."""

    factor: float
    hours: int


def shared_factor(past: Sequence[Sequence[Anchor]], rules: SharedRules | None = None) -> Shared | None:
    """From the anchors of hours one after the other, the last of them the one before the hour that is
    corrected.

    None when too little is known; then the value stays as the calibration has it.
    """
    rules = rules or SharedRules()
    end = len(past) - rules.lag + 1
    found: list[float] = []
    for hour in past[max(0, end - rules.hours) : max(0, end)]:
        if len(hour) < rules.anchors or len({each.station for each in hour}) < rules.stations:
            continue
        low = rules.least_ug
        found.append(median(log(max(each.reference, low) / max(each.corrected, low)) for each in hour))
    if len(found) < rules.least_hours:
        return None
    factor = exp(fmean(found))
    return Shared(factor, len(found)) if 1 / rules.most <= factor <= rules.most else None
