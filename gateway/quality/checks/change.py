"""Checks of how a series changes from reading to reading: steep steps, and spikes."""

from __future__ import annotations

from collections import deque
from typing import ClassVar

from gateway.quality.checks.base import Check, Series, Step
from gateway.quality.checks.memory import Memory
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
        m, bit, ug, within_s = series.memory, self.bit, self.ug, self.settings.within_s
        m.begin_rate()

        def step(s: Sample) -> int:
            value, t = s.pm25, s.t
            if value is None or t is None:
                return 0
            before, before_t, older, older_t = m.last, m.last_t, m.older, m.older_t
            m.older, m.older_t, m.last, m.last_t = before, before_t, value, t
            if -ug <= value - before <= ug:
                return 0
            if t - before_t > within_s or not self.is_steep(before, value):
                return 0
            return bit if t - older_t > within_s or self.is_steep(older, value) else 0

        return step


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
        m, amend, ug, gap_s = series.memory, series.amend, self.ug, self.gap_s
        m.begin_spike(self.settings.window)

        def step(s: Sample) -> int:
            value, t = s.pm25, s.t
            if value is None or t is None:
                return 0
            if t - m.seen_t > gap_s:
                m.window.clear()
                m.pending = None
            m.seen_t = t
            # Most readings are near the last one that was no candidate: no need of a median.
            if len(m.window) >= 5 and not -ug <= value - m.near <= ug and self.is_far(value, m.window):
                self._note_candidate(m, s, value)
                return 0
            if m.pending is not None:
                for each in m.pending:
                    amend(each, self.bit)
                m.pending = None
            m.window.append(value)
            m.near = value
            return 0

        return step

    def _note_candidate(self, m: Memory, s: Sample, value: float) -> None:
        pending = m.pending = [*(m.pending or ()), s]
        if len(pending) > self.longest:
            m.window.clear()
            m.window.extend(each.pm25 for each in pending if each.pm25 is not None)
            m.near = value
            m.pending = None

    def is_far(self, value: float, window: deque[float]) -> bool:
        """Whether a value is beyond all limits of a window."""
        ordered = sorted(window)
        middle = ordered[len(ordered) // 2]
        off = abs(value - middle)
        if off <= self.ug or off <= self.settings.share * middle:
            return False
        mad = sorted([abs(each - middle) for each in ordered])[len(ordered) // 2]
        return off > self.settings.mads * mad
