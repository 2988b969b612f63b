"""Do the PM sensors of one node agree?"""

from __future__ import annotations

from typing import ClassVar

from gateway.quality.checks.base import Check, Series, Step
from gateway.quality.checks.sample import Sample
from gateway.quality.checks.settings import DisagreeSettings

_BIN_S = 600
_BINS = 6
_ENOUGH_S = 120


class Disagree(Check[DisagreeSettings]):
    """The node's flag `disagree`, or means of the last hour that differ by both limits.

    EPA's rule for the two channels of a PurpleAir: 5 ug/m3 and 61 % in Barkjohn et al. 2021 (doi
    10.5194/amt-14-4617-2021) for days; for hours 5 ug/m3 and 70 %, as in the QC algorithm AB_03 of the R
    package AirSensor. Of three or more sensors only the odd one out is marked. The hour is kept in six bins;
    a sensor takes part with two minutes of values, from when there is another one. State is per node: 13
    numbers a slot.
    """

    name: ClassVar[str] = "disagree"
    ordered: ClassVar[bool] = True

    def watch(self, series: Series) -> Step:
        hours: dict[str, _Hour] = series.shared.setdefault(self.name, {})
        mine = hours[series.slot] = _Hour()
        bit, ug, share = self.bit, self.settings.ug, self.settings.share

        def differ(a: float | None, b: float | None) -> bool:
            if a is None or b is None:
                return False
            off = a - b if a > b else b - a
            return off >= ug and 2.0 * off >= share * (a + b)

        def step(s: Sample) -> int:
            t, value = s.t, s.pm25
            if t is None or value is None:
                return 0
            flagged = bit if s.flags and "disagree" in s.flags else 0
            if len(hours) == 1:
                return flagged
            number = t // _BIN_S
            mine.add(number, value, s.dt or 1)
            if flagged:
                return bit
            means = [each.mean(number) for each in hours.values()]
            own = mine.mean(number)
            against = sum(differ(own, other) for other in means)
            if not against:
                return 0
            odd = any(
                differ(own, other) and sum(differ(other, each) for each in means) <= against
                for other in means
            )
            return bit if odd else 0

        return step


class _Hour:
    """The last hour of one slot: seconds, and value times seconds, in bins of ten minutes."""

    __slots__ = ("newest", "seconds", "sums")

    def __init__(self) -> None:
        self.newest = 0
        self.seconds = [0] * _BINS
        self.sums = [0.0] * _BINS

    def add(self, number: int, value: float, dt: int) -> None:
        if number > self.newest:
            self._turn(number)
        elif number <= self.newest - _BINS:
            return  # another slot is hours ahead
        at = number % _BINS
        self.seconds[at] += dt
        self.sums[at] += value * dt

    def mean(self, number: int) -> float | None:
        """Over the bins up to `number` that are of the last hour."""
        if number > self.newest:
            self._turn(number)
        seconds = sum(self.seconds)
        return sum(self.sums) / seconds if seconds >= _ENOUGH_S else None

    def _turn(self, number: int) -> None:
        for each in range(max(self.newest + 1, number - _BINS + 1), number + 1):
            self.seconds[each % _BINS] = 0
            self.sums[each % _BINS] = 0.0
        self.newest = max(self.newest, number)
