"""Checks that look at one reading alone, so the order of arrival changes nothing.

The node's own flags come in here: each stands for the bit of the check that it speaks of.
"""

from __future__ import annotations

from typing import ClassVar

from gateway.quality.checks.base import Check, Series, Step
from gateway.quality.checks.sample import Sample
from gateway.quality.checks.settings import CheckSettings, HumidSettings, SizesSettings, WarmupSettings


class NoValue(Check[CheckSettings]):
    """There is no PM2.5; the node's flags say why."""

    name: ClassVar[str] = "no_value"

    def watch(self, series: Series) -> Step:
        bit = self.bit

        def step(s: Sample) -> int:
            return bit if s.pm25 is None else 0

        return step


class Range(Check[CheckSettings]):
    """A PM value below 0 or beyond the end of the model's range (the makers' data sheets: models.py).

    The first of the five steps of FILTER (Hassani et al. 2025, doi 10.1016/j.jenvman.2025.125100), too.
    """

    name: ClassVar[str] = "range"

    def watch(self, series: Series) -> Step:
        bit, top25, top10 = self.bit, series.model.top25, series.model.top10

        def step(s: Sample) -> int:
            pm25, pm10, pm1, cf1 = s.pm25, s.pm10, s.pm1, s.pm25_cf1
            if pm25 is not None and not 0.0 <= pm25 <= top25:
                return bit
            if pm10 is not None and not 0.0 <= pm10 <= top10:
                return bit
            if pm1 is not None and not 0.0 <= pm1 <= top25:
                return bit
            if cf1 is not None and not 0.0 <= cf1 <= top25:
                return bit
            return 0

        return step


class Saturated(Check[CheckSettings]):
    """The node's flag `saturated`, or a value at the very end of the range: the true one is at least that."""

    name: ClassVar[str] = "saturated"

    def watch(self, series: Series) -> Step:
        bit, top25, top10 = self.bit, series.model.top25, series.model.top10

        def step(s: Sample) -> int:
            pm25, pm10, cf1 = s.pm25, s.pm10, s.pm25_cf1
            if pm25 is not None and pm25 >= top25:
                return bit
            if pm10 is not None and pm10 >= top10:
                return bit
            if cf1 is not None and cf1 >= top25:
                return bit
            return bit if s.flags and "saturated" in s.flags else 0

        return step


class Device(Check[CheckSettings]):
    """The node's flag `device_error`: the sensor itself reports a fault of fan, laser or supply."""

    name: ClassVar[str] = "device"

    def watch(self, series: Series) -> Step:
        bit = self.bit

        def step(s: Sample) -> int:
            return bit if s.flags and "device_error" in s.flags else 0

        return step


class Warmup(Check[WarmupSettings]):
    """The node's flag `warming_up`, or a window that began too soon after the node's start.

    A fan needs 30 s for a steady flow (SDS011 V1.3 and PMS5003 V2.3, data sheets). A node that warms up for
    as long as that, as ours do, is not caught by the second rule, which is for nodes without that flag.
    """

    name: ClassVar[str] = "warmup"

    def watch(self, series: Series) -> Step:
        bit, seconds = self.bit, self.settings.seconds

        def step(s: Sample) -> int:
            if s.up - s.dt < seconds:
                return bit
            return bit if s.flags and "warming_up" in s.flags else 0

        return step


class Humid(Check[HumidSettings]):
    """Humidity at which particles hold so much water that a raw value is far too high.

    A PMS1003 read too much above 75 % (Jayaratne et al. 2018, doi 10.5194/amt-11-4883-2018). By
    kappa-Koehler theory with kappa 0.3 (Crilley et al. 2018, doi 10.5194/amt-11-709-2018) mass doubles at
    85 %, which is the default: what the node measures is the enclosure's humidity, and that counts.
    """

    name: ClassVar[str] = "humid"

    def watch(self, series: Series) -> Step:
        bit, at = self.bit, self.settings.at

        def step(s: Sample) -> int:
            rh = s.rh
            return bit if rh is not None and rh >= at else 0

        return step


class Climate(Check[CheckSettings]):
    """Temperature, humidity or pressure carry no information. PM values are not touched by it.

    The node's flags `climate_error` and `climate_stuck`, or a value out of BME280's range (data sheet).
    """

    name: ClassVar[str] = "climate"

    def watch(self, series: Series) -> Step:
        bit = self.bit

        def step(s: Sample) -> int:
            temp, rh, press = s.temp, s.rh, s.press
            if temp is not None and not -40.0 <= temp <= 85.0:
                return bit
            if rh is not None and not 0.0 <= rh <= 100.0:
                return bit
            if press is not None and not 300.0 <= press <= 1100.0:
                return bit
            return bit if s.flags and "climate_" in s.flags else 0

        return step


class Sizes(Check[SizesSettings]):
    """Sizes or channels that contradict each other: PM1 above PM2.5, PM2.5 above PM10, or a Plantower's
    atmospheric channel that does not follow from its CF=1 channel.

    PM10 below PM2.5 is one of the four kinds of outliers in Wu et al. 2018 (doi 10.1007/s00376-018-8067-9).
    A Plantower's channels are equal up to 30 ug/m3, above that the atmospheric one is lower, down to two
    thirds (Plantower's manuals give no formula; seen in PurpleAir's data, docs/sensors.md).
    """

    name: ClassVar[str] = "sizes"

    def watch(self, series: Series) -> Step:
        bit, ug, least = self.bit, self.settings.ug, 0.6
        more = 1.0 + self.settings.share

        def step(s: Sample) -> int:
            pm25 = s.pm25
            if pm25 is None:
                return 0
            pm10, pm1, cf1 = s.pm10, s.pm1, s.pm25_cf1
            if pm10 is not None and pm25 > pm10 * more + ug:
                return bit
            if pm1 is not None and pm1 > pm25 * more + ug:
                return bit
            if cf1 is not None and not cf1 * least - ug <= pm25 <= cf1 * more + ug:
                return bit
            return 0

        return step


# The checks of this file.
SCREENED = (NoValue, Range, Saturated, Device, Warmup, Humid, Climate, Sizes)
