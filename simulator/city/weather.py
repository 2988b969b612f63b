"""Warsaw's weather by the hour: temperature, dew point, pressure, wind, sun, mixing height. A pure function
of time.

Means and spreads are after: yearly mean 9.0 degC and wind 3.3 m/s at Okecie (IMGW, by Statistics Poland);
January about -1.5, July 19.5 degC; humidity 83 % in February, 88 % in November, about 70 % in summer
(normals 1991-2020, varsoviaklimat.pl); mixing layer by day about 0.7 km in winter, 1.0 in spring and
autumn, 1.7 in summer (Remote Sens. 2024, 16, 4728, lidar over Warsaw). How they go together is assumed: a
high brings light wind, clear sky, wide days, low mixing at night and in winter; air masses come and go
within days.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.city.clock import HOUR_S
from simulator.city.stable import Floats, Ints, cosine, exp, key, ramp, smooth

YEAR_S = 365.2425 * 86400.0
SUN_H = 1.4  # Warsaw's sun is ahead of UTC: 21 degrees east
ALTITUDE_M = 110.0
COLDEST_DAY = 17.0


class Weather(NamedTuple):
    """One value per hour, shape (H,)."""

    temp: Floats  # degC, in the town's open parts
    dew: Floats  # degC
    press: Floats  # hPa at the station
    wind: Floats  # m/s at 10 m
    wind_from: Floats  # turns: 0 north, 0.25 east
    mixing: Floats  # m
    sun: Floats  # 0 at night and under thick cloud, 1 at noon of a clear summer day
    high: Floats  # about -2 under a deep low, 2 under a strong high
    summer: Floats  # -1 in January, 1 in July
    inversion: Floats  # 0 to 1: how far an event holds the air down


def hourly(seed: int, hours: Ints, inversion: Floats) -> Weather:
    """The weather at whole hours since 1970 (UTC). `inversion`: 0 to 1 from the scenario's events."""
    t = hours.astype(np.float64) * HOUR_S
    days = t / 86400.0
    summer = -cosine(t / YEAR_S - COLDEST_DAY / 365.25)
    high = smooth(key(seed, "high"), days, ((6.0, 0.80), (2.3, 0.55))) + 1.2 * inversion
    mass = smooth(key(seed, "air mass"), days, ((9.0, 0.75), (3.1, 0.65)))

    sun_hour = (t / 3600.0 + SUN_H) % 24.0
    half_day = 6.0 + 2.25 * summer  # hours from sunrise to noon: 3.75 in winter, 8.25 in summer
    light = np.maximum(0.0, cosine((sun_hour - 12.0) / (4.0 * half_day)))
    light = np.where(np.abs(sun_hour - 12.0) < half_day, light, 0.0)
    clear = np.minimum(1.0, np.maximum(0.15, 0.5 + 0.28 * high + 0.15 * summer))
    sun = light * clear * (0.55 + 0.35 * summer + 0.1)

    mean = 9.3 + 10.4 * summer + (3.6 - 0.8 * summer) * mass + high * (0.4 + 1.3 * summer) - 3.0 * inversion
    swing = np.maximum(0.4, (3.4 + 1.6 * summer) * (0.55 + 0.9 * (clear - 0.3)))
    day = cosine((sun_hour - 15.0) / 24.0) + 0.18 * cosine((sun_hour - 15.0) / 12.0)
    temp = mean + swing * day
    moist = smooth(key(seed, "dew"), days, ((4.0, 0.8), (1.2, 0.6)))
    dew = mean - swing - (1.5 + 0.5 * ramp(summer, -0.8, 0.9)) - 0.5 * high + 1.3 * moist + 1.1 * inversion
    dew = np.minimum(dew, temp)

    press = 1016.0 + 9.0 * high
    press = press * exp(-9.80665 * ALTITUDE_M / (287.05 * (temp + 273.15)))

    gust = smooth(key(seed, "wind"), days, ((3.0, 0.35), (0.8, 0.25), (0.2, 0.15)))
    wind = 2.7 * exp(gust - 0.28 * high) * (0.85 + 0.45 * np.minimum(1.0, 1.6 * light))
    wind = np.maximum(0.3, wind * (1.0 - 0.72 * inversion))
    turn = smooth(key(seed, "wind from"), days, ((8.0, 0.13), (2.5, 0.09), (0.6, 0.04)))
    wind_from = (0.71 + turn) % 1.0  # from west-south-west on the whole

    # By night wind alone mixes, by day the sun's heat on top of it; in winter a high holds it down.
    rising = np.maximum(0.0, cosine((sun_hour - 14.5) / (4.0 * (half_day + 0.5))))
    rising = np.where(np.abs(sun_hour - 14.5) < half_day + 0.5, rising, 0.0)
    depth = 380.0 + 1020.0 * ramp(summer, -1.0, 0.8)
    depth = depth * (1.0 - 0.22 * np.maximum(0.0, high) * ramp(-summer, -0.2, 0.8))
    mixing = 110.0 + 75.0 * wind + depth * rising * (0.5 + 0.5 * clear)
    mixing = np.maximum(90.0, mixing * (1.0 - 0.6 * inversion))
    return Weather(temp, dew, press, wind, wind_from, mixing, sun, high, summer, inversion)


def vapour_hpa(temp: Floats) -> Floats:
    """Saturation vapour pressure over water in hPa (Magnus, WMO-No. 8, annex 4.B)."""
    return 6.112 * exp(17.62 * temp / (243.12 + temp))
