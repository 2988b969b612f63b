"""Does a sensor repeat itself?"""

from __future__ import annotations

from typing import ClassVar

from gateway.quality.checks.base import Check, Series, Step
from gateway.quality.checks.sample import Sample
from gateway.quality.checks.settings import StuckSettings


class Stuck(Check[StuckSettings]):
    """The node's flag `stuck`, or PM1, PM2.5, PM10 and the count of particles all equal for too long.

    How long is too long depends on what equal values cost a sound sensor (compare Kaffashzadeh 2023, doi
    10.5194/amt-16-3085-2023, whose test takes a value's precision into account; constant values are FILTER's
    second step): a Plantower without counts rests at 2 ug/m3 for an hour, as it counts whole ug/m3, and an
    SDS011 at 0.3. So there it gets `low_minutes`: where PM2.5 is at most ten steps of the model (models.py,
    `low`), PM10 three times that, and no count came along. Elsewhere a mean of many frames that repeats for
    `minutes` is no chance. The bit comes up at the end of that time and stays until a value differs.
    """

    name: ClassVar[str] = "stuck"
    ordered: ClassVar[bool] = True

    def __init__(self, settings: StuckSettings) -> None:
        super().__init__(settings)
        self.readings, self.seconds = settings.readings, settings.minutes * 60
        self.low_seconds = settings.low_minutes * 60

    def watch(self, series: Series) -> Step:
        m, low, bit = series.memory, series.model.low, self.bit
        m.begin_stuck()

        def step(s: Sample) -> int:
            pm25, t = s.pm25, s.t
            if pm25 is None or t is None:
                return 0
            flagged = bit if s.flags and "stuck" in s.flags.split() else 0
            if pm25 != m.pm25 or s.pm10 != m.pm10 or s.pm1 != m.pm1 or s.n03 != m.n03:
                m.pm25, m.pm10, m.pm1, m.n03 = pm25, s.pm10, s.pm1, s.n03
                m.since, m.count = t - s.dt, 1
                return flagged
            m.count += 1
            if m.count < self.readings:
                return flagged
            seconds = self.seconds
            if s.n03 is None and pm25 <= low and (s.pm10 is None or s.pm10 <= 3 * low):
                seconds = self.low_seconds
            return bit if t - m.since >= seconds else flagged

        return step
