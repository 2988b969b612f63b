"""The true air over the city: a winter day's course of PM1, PM2.5, PM10 per place; same seed, same air.

Heating and traffic make a morning and a higher evening peak; some days are clean and some are not; within
minutes it wobbles. Good enough to see something on a map, not a model of the atmosphere.
"""

from __future__ import annotations

import math
import random
from functools import lru_cache

from simulator.places import Place
from simulator.sensors.base import Air

DAY_S = 86400
UTC_OFFSET_H = 1  # Warsaw's winter time
BACKGROUND = 12.0
# (hour, width in hours, height in ug/m3 of PM2.5)
PEAKS = ((8.0, 1.6, 14.0), (20.5, 2.6, 26.0))
PM1_SHARE = 0.72
# PM10 = 1.25 * PM2.5 + road dust
PM10_FACTOR, ROAD_DUST = 1.25, 4.0


class CityAir:
    """`over(place)` is what a sensor there is asked with; times are Unix seconds."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def over(self, place: Place) -> Air:
        return lambda at: self.sample(place, at)

    def sample(self, place: Place, at: float) -> tuple[float, float, float]:
        """(PM1, PM2.5, PM10) in ug/m3."""
        hour = (at / 3600 + UTC_OFFSET_H) % 24
        course = BACKGROUND + sum(height * _bump(hour, top, width) for top, width, height in PEAKS)
        pm25 = course * place.load * self._weather(at) * self._wobble(place, at)
        return PM1_SHARE * pm25, pm25, PM10_FACTOR * pm25 + ROAD_DUST * place.load

    def _weather(self, at: float) -> float:
        """What kind of day it is: one factor per day, blended from noon to noon."""
        day, share = divmod(at / DAY_S, 1)
        blend = (1 - math.cos(math.pi * share)) / 2
        return (1 - blend) * _day_factor(self.seed, int(day)) + blend * _day_factor(self.seed, int(day) + 1)

    def _wobble(self, place: Place, at: float) -> float:
        waves = _waves(self.seed, place.name)
        return 1 + sum(size * math.sin(2 * math.pi * at / length + phase) for length, size, phase in waves)


def _bump(hour: float, top: float, width: float) -> float:
    """A bell over the hours of a day, which is round."""
    away = abs(hour - top)
    return math.exp(-0.5 * (min(away, 24 - away) / width) ** 2)


@lru_cache(maxsize=64)
def _day_factor(seed: int, day: int) -> float:
    return math.exp(random.Random(f"day {seed} {day}").gauss(0.0, 0.35))


@lru_cache(maxsize=1024)
def _waves(seed: int, name: str) -> tuple[tuple[float, float, float], ...]:
    """(length in s, size, phase) of some waves of no common length."""
    chance = random.Random(f"place {seed} {name}")
    return tuple(
        (chance.uniform(0.7, 1.3) * length, size, chance.uniform(0, 2 * math.pi))
        for length, size in ((5400, 0.10), (1100, 0.06), (170, 0.04))
    )
