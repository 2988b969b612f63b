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
        return _StuckWatch(self, series.model.low).step


class _StuckWatch:
    """One series: what it last said, since when, and how often."""

    __slots__ = ("_check", "_count", "_low", "_n03", "_pm1", "_pm10", "_pm25", "_since")

    def __init__(self, check: Stuck, low: float) -> None:
        self._check, self._low = check, low
        self._pm25: float | None = None
        self._pm10: float | None = None
        self._pm1: float | None = None
        self._n03: float | None = None
        self._since = 0
        self._count = 0

    def step(self, s: Sample) -> int:
        pm25, t = s.pm25, s.t
        if pm25 is None or t is None:
            return 0
        check = self._check
        flagged = check.bit if s.flags and "stuck" in s.flags.split() else 0
        if pm25 != self._pm25 or s.pm10 != self._pm10 or s.pm1 != self._pm1 or s.n03 != self._n03:
            self._pm25, self._pm10, self._pm1, self._n03 = pm25, s.pm10, s.pm1, s.n03
            self._since, self._count = t - s.dt, 1
            return flagged
        self._count += 1
        if self._count < check.readings:
            return flagged
        seconds = check.seconds
        if s.n03 is None and pm25 <= self._low and (s.pm10 is None or s.pm10 <= 3 * self._low):
            seconds = check.low_seconds
        return check.bit if t - self._since >= seconds else flagged
