"""Checks of how a series changes from reading to reading: steep steps, and spikes."""

from __future__ import annotations

from collections import deque
from typing import ClassVar

from gateway.quality.checks.base import Check, Series, Step
from gateway.quality.checks.sample import Sample
from gateway.quality.checks.settings import RateSettings, SpikeSettings


class Rate(Check[RateSettings]):
    """A steep change of PM2.5 from the reading before. It may be true: a bonfire beside the node, fireworks.

    So it makes a reading suspect and not bad. Limits are a judgement: a step of 80 ug/m3 to three times as
    much or a third, within a quarter of an hour, from both of the two readings before, so that the way back
    from a single odd one is no step.
    """

    name: ClassVar[str] = "rate"
    ordered: ClassVar[bool] = True

    def watch(self, series: Series) -> Step:
        bit, ug = self.bit, self.settings.ug
        factor, within_s = self.settings.factor, self.settings.within_s
        last, last_t = 0.0, -(1 << 62)
        older, older_t = 0.0, -(1 << 62)

        def is_steep(before: float, value: float) -> bool:
            low, high = (before, value) if before < value else (value, before)
            return high - low > ug and high > low * factor

        def step(s: Sample) -> int:
            nonlocal last, last_t, older, older_t
            value, t = s.pm25, s.t
            if value is None or t is None:
                return 0
            before, before_t, first, first_t = last, last_t, older, older_t
            older, older_t, last, last_t = last, last_t, value, t
            if -ug <= value - before <= ug or t - before_t > within_s or not is_steep(before, value):
                return 0
            return bit if t - first_t > within_s or is_steep(first, value) else 0

        return step


class Spike(Check[SpikeSettings]):
    """One or two readings far from what was before them and what comes after.

    Median and MAD of the window before it: 10 MAD is FILTER's limit (Hassani et al. 2025, doi
    10.1016/j.jenvman.2025.125100; there over 360 h). A reading beyond all limits is a candidate. It is a spike
    when the series comes back within `longest` readings, and the bit is then added to it: so it is judged one
    or two readings late. When the series stays there, as in smoke, it is no spike and the window begins anew.
    Candidates are not in the window, so spikes do not widen it.
    """

    name: ClassVar[str] = "spike"
    version: ClassVar[int] = 1
    ordered: ClassVar[bool] = True

    def watch(self, series: Series) -> Step:
        return _SpikeWatch(self.settings, self.bit, series).step


class _SpikeWatch:
    def __init__(self, settings: SpikeSettings, bit: int, series: Series) -> None:
        self._mads, self._share, self._ug = settings.mads, settings.share, settings.ug
        self._longest, self._gap_s = settings.longest, settings.gap_s
        self._bit, self._amend = bit, series.amend
        self._window: deque[float] = deque(maxlen=settings.window)
        self._pending: list[Sample] = []
        self._last_t = 0

    def step(self, s: Sample) -> int:
        value, t = s.pm25, s.t
        if value is None or t is None:
            return 0
        window = self._window
        if t - self._last_t > self._gap_s:
            window.clear()
            self._pending.clear()
        self._last_t = t
        # Most readings are near the last one that was no candidate: no need of a median.
        if len(window) >= 5 and not -self._ug <= value - window[-1] <= self._ug and self._is_far(value):
            pending = self._pending
            pending.append(s)
            if len(pending) > self._longest:
                window.clear()
                window.extend(each.pm25 for each in pending if each.pm25 is not None)
                pending.clear()
            return 0
        if self._pending:
            for each in self._pending:
                self._amend(each, self._bit)
            self._pending.clear()
        window.append(value)
        return 0

    def _is_far(self, value: float) -> bool:
        ordered = sorted(self._window)
        middle = ordered[len(ordered) // 2]
        off = abs(value - middle)
        if off <= self._ug or off <= self._share * middle:
            return False
        mad = sorted([abs(each - middle) for each in ordered])[len(ordered) // 2]
        return off > self._mads * mad
