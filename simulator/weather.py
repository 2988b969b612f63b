"""The true weather over the city, and how far one device's climate sensor is off from it. No I/O.

Temperature, humidity and pressure belong together: humidity follows from a dew point that moves slowly, so it
falls while the day warms up; high pressure comes with dry air and wide days. Round climate normals of Warsaw
(1991-2020, rounded): January -1.5 degC, July 19.5 degC, 1016 hPa at sea level. Times are Unix seconds.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the emulators import this module
    from simulator.sensors.base import Weather

DAY_S = 86400.0
YEAR_S = 365.2425 * DAY_S
UTC_OFFSET_H = 1.4  # Warsaw's sun: 21 degrees east

MEAN_C, SEASON_C = 9.0, 10.5  # of the year, and half of what lies between January and July
COLDEST_DAY = 17  # of the year
WARMEST_HOUR = 15.0  # by the sun
DAY_C, DAY_SEASON_C = 3.6, 2.0  # half of what lies between night and afternoon: 1.6 in winter, 5.6 in summer
SEA_LEVEL_HPA = 1016.0
ALTITUDE_M = 110.0
SPREAD_C = 1.0  # dew point under the night's lowest temperature, on a day like any other


def steady(temp: float, rh: float, press: float) -> Weather:
    """Weather that does not change: degC, %, hPa at the station."""
    return lambda _: (temp, rh, press)


# A mild grey day, for whoever does not care.
WARSAW: Weather = steady(9.0, 78.0, 1003.0)


@dataclass
class CityWeather:
    """Warsaw's days and seasons; same seed, same weather. `at` is a Weather.

    Good enough to move every value through its usual range, not a model of the atmosphere.
    """

    seed: int = 0
    _waves: list[tuple[float, float, float]] = field(init=False, repr=False)  # length in s, share, phase

    def __post_init__(self) -> None:
        chance = random.Random(f"weather {self.seed}")
        self._waves = [
            (chance.uniform(0.8, 1.25) * days * DAY_S, share, chance.uniform(0, 2 * math.pi))
            for days, share in ((9.1, 0.45), (4.3, 0.35), (2.2, 0.20))
        ]

    def at(self, t: float) -> tuple[float, float, float]:
        """(temperature in degC, relative humidity in %, pressure at the station in hPa)."""
        summer = -math.cos(2 * math.pi * (t / YEAR_S - COLDEST_DAY / 365.25))  # -1 in January, 1 in July
        high = self._high(t)
        hour = (t / 3600 + UTC_OFFSET_H) % 24
        clear = 1 + 0.35 * high  # few clouds: warmer days, colder nights
        swing = max(0.5, (DAY_C + DAY_SEASON_C * summer) * clear)
        # Under a high it is warm in summer and cold in winter.
        mean = MEAN_C + SEASON_C * summer + 3.0 * high * summer
        temp = mean + swing * math.cos(2 * math.pi * (hour - WARMEST_HOUR) / 24)
        dew = mean - swing - SPREAD_C - 1.5 * high
        rh = 100 * vapour_hpa(dew) / vapour_hpa(temp)
        press = station_hpa(SEA_LEVEL_HPA + 16 * high, ALTITUDE_M, temp)
        return temp, max(15.0, min(99.0, rh)), press

    def _high(self, t: float) -> float:
        """-1 under a deep low, 1 under a strong high; changes within days."""
        return sum(share * math.sin(2 * math.pi * t / length + phase) for length, share, phase in self._waves)


def vapour_hpa(temp: float) -> float:
    """Saturation vapour pressure over water in hPa (Magnus, WMO-No. 8, annex 4.B)."""
    return 6.112 * math.exp(17.62 * temp / (243.12 + temp))


def station_hpa(sea_level: float, altitude_m: float, temp: float) -> float:
    """Pressure at a height in m, by the barometric formula for air of one temperature."""
    return sea_level * math.exp(-9.80665 * altitude_m / (287.05 * (temp + 273.15)))


@dataclass(frozen=True)
class Offsets:
    """How far one device is off, in degC, %, hPa; a perfect one by default."""

    temp: float = 0.0
    rh: float = 0.0
    press: float = 0.0

    @classmethod
    def draw(cls, chance: random.Random, *, temp: float, rh: float, press: float = 0.0) -> Offsets:
        """Within the datasheet's limits, which are taken as two and a half standard deviations."""
        return cls(_within(chance, temp), _within(chance, rh), _within(chance, press))

    def apply(self, truth: tuple[float, float, float]) -> tuple[float, float, float]:
        """What the device sees of (degC, %, hPa); humidity stays within 0 to 100."""
        temp, rh, press = truth
        return temp + self.temp, max(0.0, min(100.0, rh + self.rh)), press + self.press


def _within(chance: random.Random, limit: float) -> float:
    return max(-limit, min(limit, chance.gauss(0.0, limit / 2.5)))
