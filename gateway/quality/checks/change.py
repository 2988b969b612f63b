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

    def __init__(self, settings: RateSettings) -> None:
        super().__init__(settings)
        self.ug = settings.ug

    def is_steep(self, before: float, value: float) -> bool:
        """Whether the step is beyond both limits."""
        low, high = (before, value) if before < value else (value, before)
        return high - low > self.ug and high > low * self.settings.factor

    def watch(self, series: Series) -> Step:
        return _RateWatch(self).step


class _RateWatch:
    """Of a series no more than the last two readings: a thousand series share the processor's cache."""

    __slots__ = ("_check", "_last", "_last_t", "_older", "_older_t")

    def __init__(self, check: Rate) -> None:
        self._check = check
        self._last: float = 0.0
        self._older: float = 0.0
        self._last_t, self._older_t = -(1 << 62), -(1 << 62)

    def step(self, s: Sample) -> int:
        value, t = s.pm25, s.t
        if value is None or t is None:
            return 0
        before, before_t, older, older_t = self._last, self._last_t, self._older, self._older_t
        self._older, self._older_t, self._last, self._last_t = before, before_t, value, t
        ug = self._check.ug
        if -ug <= value - before <= ug:
            return 0
        check, within_s = self._check, self._check.settings.within_s
        if t - before_t > within_s or not check.is_steep(before, value):
            return 0
        return check.bit if t - older_t > within_s or check.is_steep(older, value) else 0


class Spike(Check[SpikeSettings]):
    """One or two readings far from what was before them and what comes after.

    Median and MAD of the window before it: 10 MAD is FILTER's limit (Hassani et al. 2025, doi
    10.1016/j.jenvman.2025.125100; there over 360 h). A reading beyond all limits is a candidate. It is a
    spike when the series comes back within `longest` readings, and the bit is then added to it: so it is
    judged one or two readings late. When the series stays there, as in smoke, it is no spike and the window
    begins anew. Candidates are not in the window, so spikes do not widen it.
    """

    name: ClassVar[str] = "spike"
    ordered: ClassVar[bool] = True

    def __init__(self, settings: SpikeSettings) -> None:
        super().__init__(settings)
        self.ug, self.gap_s, self.longest = settings.ug, settings.gap_s, settings.longest

    def watch(self, series: Series) -> Step:
        return _SpikeWatch(self, series).step

    def is_far(self, value: float, window: deque[float]) -> bool:
        """Whether a value is beyond all limits of a window."""
        ordered = sorted(window)
        middle = ordered[len(ordered) // 2]
        off = abs(value - middle)
        if off <= self.ug or off <= self.settings.share * middle:
            return False
        mad = sorted([abs(each - middle) for each in ordered])[len(ordered) // 2]
        return off > self.settings.mads * mad


class _SpikeWatch:
    """One series: the window, and candidates that wait for their successors."""

    __slots__ = ("_amend", "_check", "_last_t", "_pending", "_window")

    def __init__(self, check: Spike, series: Series) -> None:
        self._check, self._amend = check, series.amend
        self._window: deque[float] = deque(maxlen=check.settings.window)
        self._pending: list[Sample] | None = None
        self._last_t = 0

    def step(self, s: Sample) -> int:
        value, t = s.pm25, s.t
        if value is None or t is None:
            return 0
        window, check = self._window, self._check
        if t - self._last_t > check.gap_s:
            window.clear()
            self._pending = None
        self._last_t = t
        ug = check.ug
        # Most readings are near the last one that was no candidate: no need of a median.
        if len(window) >= 5 and not -ug <= value - window[-1] <= ug and check.is_far(value, window):
            self._note_candidate(s)
            return 0
        if self._pending is not None:
            for each in self._pending:
                self._amend(each, check.bit)
            self._pending = None
        window.append(value)
        return 0

    def _note_candidate(self, s: Sample) -> None:
        pending = self._pending = [*(self._pending or ()), s]
        if len(pending) > self._check.longest:
            self._window.clear()
            self._window.extend(each.pm25 for each in pending if each.pm25 is not None)
            self._pending = None
