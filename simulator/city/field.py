"""The true air over the city: PM, weather and what the particles are, at any place and time.

By the hour and place: what is advected, what stoves and traffic add, diluted by wind and mixing height.
Between the hours it is linear; minutes wobble; short events (events.py) are worked out at each instant.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.city import events
from simulator.city.clock import HOUR_S, local
from simulator.city.scenario import Event
from simulator.city.stable import (
    Floats,
    Ints,
    bell,
    cosine,
    exp,
    key,
    mixed,
    normal,
    ramp,
    sine,
    smooth,
    uniform,
)
from simulator.city.warsaw import DISTRICTS, plane, road_load
from simulator.city.weather import Weather, hourly, vapour_hpa
from simulator.sensors.base import Air
from simulator.sensors.base import Weather as WeatherAt

DIRECTIONS = 16
PLUME_KM = 1.2  # how far a district's smoke is carried on the whole
WOBBLE = ((600.0, 0.07), (120.0, 0.05))  # length in s, share


class Truth(NamedTuple):
    """Arrays of shape (times, places)."""

    pm1: Floats  # ug/m3, dry, as a reference instrument weighs it
    pm25: Floats
    pm10: Floats
    temp: Floats  # degC
    rh: Floats  # %
    press: Floats  # hPa at the station
    kappa: Floats  # of the particles below 2.5 um: how much water they take up
    shine: Floats  # of the same: how much light they scatter for their mass, against the usual
    fog: Floats  # 0 to 1: droplets in the air
    sun: Floats  # 0 to 1


class City:
    """`events` as in a scenario. Same seed and events, same city; no query depends on another."""

    def __init__(self, seed: int = 1, events: tuple[Event, ...] | list[Event] = ()) -> None:
        self.seed = seed
        self.events = tuple(events)

    def at(self, lats: Floats | list[float], lons: Floats | list[float]) -> Spots:
        """Places, shape (N,) each; what does not change with time is worked out once."""
        return Spots(self, np.asarray(lats, dtype=np.float64), np.asarray(lons, dtype=np.float64))

    def truth(
        self, times: Floats | list[float], lats: Floats | list[float], lons: Floats | list[float]
    ) -> Truth:
        """times: Unix seconds, shape (T,); places: shape (N,). Arrays of shape (T, N)."""
        return self.at(lats, lons).truth(np.asarray(times, dtype=np.float64)[:, None])

    def weather(self, hours: Ints) -> Weather:
        """At whole hours since 1970."""
        return hourly(self.seed, hours, events.inversion(self.events, hours))

    def air(self, lat: float, lon: float) -> Air:
        """The true (PM1, PM2.5, PM10) at a place, as the byte-level emulators ask for it."""
        spot = self.at([lat], [lon])

        def sample(at: float) -> tuple[float, float, float]:
            true = spot.truth(np.array([[at]]))
            return float(true.pm1[0, 0]), float(true.pm25[0, 0]), float(true.pm10[0, 0])

        return sample

    def weather_at(self, lat: float, lon: float) -> WeatherAt:
        """The true (degC, %, hPa) at a place, likewise."""
        spot = self.at([lat], [lon])

        def sample(at: float) -> tuple[float, float, float]:
            true = spot.truth(np.array([[at]]))
            return float(true.temp[0, 0]), float(true.rh[0, 0]), float(true.press[0, 0])

        return sample


class Knots(NamedTuple):
    """By the hour: shape (H, N), or (H, 1) for what is the same all over the town."""

    pm1: Floats
    pm25: Floats
    pm10: Floats
    temp: Floats
    rh: Floats
    press: Floats
    kappa: Floats
    shine: Floats
    fog: Floats
    sun: Floats


class Spots:
    """Places of a City: `lats`, `lons`, shape (N,)."""

    def __init__(self, city: City, lats: Floats, lons: Floats) -> None:
        self.city, self.lats, self.lons = city, lats, lons
        x, y = plane(lats, lons)
        self.x, self.y = x, y
        self.roads = road_load(x, y)
        self.town = _town(x, y)
        self.smoke = _smoke(x, y) * _streets(city.seed, x, y)  # (directions + 1, N), the last for calm air
        fine = np.rint(lats * 1e4).astype(np.int64) * 10_000_000 + np.rint(lons * 1e4).astype(np.int64)
        self.keys = mixed(key(city.seed, "wobble"), fine)  # two sensors at one place share their air

    def truth(self, times: Floats) -> Truth:
        """times: Unix seconds, shape (T, 1), or (T, N) for a time of its own at each place."""
        hours = np.floor(times / HOUR_S).astype(np.int64)
        part = times / HOUR_S - hours
        first = int(hours.min())
        knots = self.knots(np.arange(first, int(hours.max()) + 2))
        index = hours - first
        if (index == index[:, :1]).all():
            index = index[:, 0]
        values = [_between(knot, index, part) for knot in knots]
        pm1, pm25, pm10 = values[:3]
        wobble = self._wobble(times)
        parts = [pm1 * wobble, pm25 * wobble, pm10 * wobble]
        kappa = values[6]
        for event in self.city.events:
            parts, kappa = events.add(event, self, times, parts, kappa)
        shape = parts[0].shape
        rest = [np.broadcast_to(value, shape) for value in (*values[3:6], kappa, *values[7:])]
        return Truth(*parts, *rest)

    def knots(self, hours: Ints) -> Knots:
        """The hourly field; `hours` since 1970, shape (H,)."""
        w = self.city.weather(hours)
        clock, weekday = local(hours)
        column = Weather(*(value[:, None] for value in w))
        night = 1.0 - ramp(w.sun, 0.0, 0.15)
        island = 1.6 * night * ramp(-w.wind, -4.0, -1.0) + 0.4
        temp = column.temp + island[:, None] * (self.town - 0.3)[None, :]
        rh = np.minimum(100.0, 100.0 * vapour_hpa(column.dew) / vapour_hpa(temp))
        fog = events.fog(self.city.events, hours)[:, None]
        rh = rh + (99.9 - rh) * np.minimum(1.0, 1.3 * fog) * (rh < 99.9)
        fog = np.maximum(fog, ramp(rh, 97.5, 100.0) * ramp(-column.wind, -3.5, -1.5))

        thin = (w.wind + 0.6) * (w.mixing + 60.0) / 2200.0
        root = np.sqrt(thin)
        thick = np.minimum(7.0, 1.0 / (root * np.sqrt(root)))[:, None]  # thin^-0.75
        cold = np.maximum(0.0, 15.0 - w.temp) / 15.0
        region = self._region(hours, w)[:, None]
        smoke = (5.6 * cold * _stoves(clock, weekday))[:, None] * self._carried(w) * thick
        drive = _traffic(clock, weekday)[:, None]
        traffic = drive * (0.9 * self.town + 0.8 * self.roads)[None, :] * np.sqrt(thick)
        dry = (1.0 - 0.6 * ramp(w.dew - w.temp, -4.0, 0.0)) * (1.0 + 0.5 * _spring(hours))
        street = (drive * (2.4 * self.town + 5.0 * self.roads)[None, :]) * (dry[:, None] * np.sqrt(thick))
        soil = (3.3 + 1.8 * w.summer)[:, None] * (0.6 + 0.4 * dry)[:, None] + 0.12 * region
        dust = events.dust(self.city.events, hours)[:, None]
        fine = region + smoke + traffic
        pm25 = fine + 0.08 * street + 0.06 * soil + events.DUST_FINE * dust
        pm1 = 0.76 * region + 0.90 * smoke + 0.80 * traffic + events.DUST_FINEST * dust
        pm10 = fine + street + soil + 0.04 * smoke + dust
        thirst, light = self._airs(hours)
        kappa = (thirst * region + 0.10 * (smoke + traffic) + 0.03 * (pm25 - fine)) / pm25
        shine = light * (region + 1.12 * smoke + 0.72 * traffic + 0.6 * (pm25 - fine)) / pm25
        return Knots(pm1, pm25, pm10, temp, rh, column.press, kappa, shine, fog, column.sun)

    def _airs(self, hours: Ints) -> tuple[Floats, Floats]:
        """(kappa, scattered light for the mass) of what is advected: it changes with the air mass, (H, 1)."""
        days = hours / 24.0
        thirst = smooth(key(self.city.seed, "thirst"), days, ((5.0, 0.8), (1.0, 0.5)))
        light = smooth(key(self.city.seed, "light"), days, ((5.0, 0.06), (1.2, 0.05), (0.25, 0.03)))
        return np.maximum(0.12, 0.31 + 0.07 * thirst)[:, None], exp(light)[:, None]

    def _region(self, hours: Ints, w: Weather) -> Floats:
        """What comes along with the wind: more under highs, in the cold and from south and east."""
        days = hours / 24.0
        noise = smooth(key(self.city.seed, "region"), days, ((7.0, 0.34), (2.0, 0.26), (0.4, 0.10)))
        east = cosine(w.wind_from - 0.36)
        level = 10.0 - 2.2 * w.summer + 0.45 * np.maximum(0.0, 4.0 - w.temp)
        return level * exp(noise + 0.28 * w.high + 0.22 * east + 0.30 * w.inversion)

    def _carried(self, w: Weather) -> Floats:
        """Stove smoke at each place for the wind of each hour, (H, N), between two of the directions."""
        place = w.wind_from * DIRECTIONS
        left = np.floor(place).astype(np.int64)
        share = (place - left)[:, None]
        out = self.smoke[left % DIRECTIONS] * (1.0 - share) + self.smoke[(left + 1) % DIRECTIONS] * share
        calm = ramp(-w.wind, -2.0, -0.5)[:, None]
        return out + (self.smoke[DIRECTIONS] - out) * calm

    def _wobble(self, times: Floats) -> Floats:
        """A factor about 1 that changes within minutes, for each place by itself."""
        factor = 1.0
        for number, (length, size) in enumerate(WOBBLE):
            at = times / length
            knot = np.floor(at).astype(np.int64)
            first = int(knot.min())
            steps = np.arange(first, int(knot.max()) + 2)
            wave = normal(mixed(self.keys[None, :] + np.uint64(number), steps[:, None]))
            index = knot - first
            if (index == index[:, :1]).all():
                index = index[:, 0]
            factor = factor + size * _between(wave, index, at - knot)
        return np.maximum(0.3, np.asarray(factor))


def _between(knots: Floats, index: Ints, part: Floats) -> Floats:
    """Linear between knots[index] and the next; `index` of shape (T,), or (T, N) where places differ."""
    if index.ndim == 1:
        low, high = knots[index], knots[index + 1]
    elif knots.shape[1] == 1:
        low, high = knots[:, 0][index], knots[:, 0][index + 1]
    else:
        low, high = np.take_along_axis(knots, index, 0), np.take_along_axis(knots, index + 1, 0)
    return low + (high - low) * part


def _town(x: Floats, y: Floats) -> Floats:
    """How much of a town a place is: about 1 in the middle, 0.2 at the edge."""
    total = np.zeros_like(x)
    for district in DISTRICTS:
        dx, dy = _from(district.lat, district.lon, x, y)
        total = total + district.people * exp(-(dx * dx + dy * dy) / (2 * 2.6 * 2.6))
    return 0.15 + 0.28 * total


def _smoke(x: Floats, y: Floats) -> Floats:
    """Stove smoke of all districts at each place, for DIRECTIONS winds and for calm air, (17, N).

    A bell about each district's centre; with wind it is longer, narrower and moved downwind.
    """
    out = np.zeros((DIRECTIONS + 1, len(x)))
    for number in range(DIRECTIONS + 1):
        windy = number < DIRECTIONS
        turn = np.array(number / DIRECTIONS)
        to_x, to_y = -float(sine(turn)), -float(cosine(turn))
        length, width, moved = (3.6, 2.3, PLUME_KM) if windy else (2.7, 2.7, 0.0)
        for district in DISTRICTS:
            dx, dy = _from(district.lat, district.lon, x, y)
            along = (dx * to_x + dy * to_y - moved) / length
            across = (dy * to_x - dx * to_y) / width
            out[number] = out[number] + district.stoves * exp(-0.5 * (along * along + across * across))
    return 0.25 + 0.42 * out


def _streets(seed: int, x: Floats, y: Floats) -> Floats:
    """Homes differ from street to street: a factor of 0.6 to 1.4 on a grid of 500 m, linear between."""
    i, j = np.floor(x / 0.5).astype(np.int64), np.floor(y / 0.5).astype(np.int64)
    fx, fy = x / 0.5 - i, y / 0.5 - j

    def corner(di: int, dj: int) -> Floats:
        return 0.6 + 0.8 * uniform(mixed(key(seed, "streets"), (i + di) * 100_000 + (j + dj)))

    low = corner(0, 0) * (1 - fx) + corner(1, 0) * fx
    high = corner(0, 1) * (1 - fx) + corner(1, 1) * fx
    return low * (1 - fy) + high * fy


def _from(lat: float, lon: float, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    px, py = plane(np.array([lat]), np.array([lon]))
    return x - px, y - py


def _bump(hour: Floats, top: float, width: float) -> Floats:
    """A bell over the hours of a day, which is round."""
    away = np.abs(hour - top)
    return bell(np.minimum(away, 24.0 - away) / width)


def _stoves(hour: Floats, weekday: Ints) -> Floats:
    """How hard stoves are fired: mornings, and evenings twice as much; later on free days."""
    later = np.where(weekday >= 5, 1.5, 0.0)
    return 0.45 + 0.55 * _bump(hour - later, 7.0, 1.6) + 1.15 * _bump(hour, 20.5, 2.8)


def _traffic(hour: Floats, weekday: Ints) -> Floats:
    """Against the mean of a working day: rush hours at 8 and 16:30; free days are flatter."""
    work = 0.12 + 0.75 * _bump(hour, 8.0, 1.5) + 1.15 * _bump(hour, 15.5, 3.6) + 0.45 * _bump(hour, 11.5, 2.5)
    free = 0.15 + 1.05 * _bump(hour, 14.5, 4.6)
    return 1.6 * np.where(weekday >= 5, 0.72 * free, work)


def _spring(hours: Ints) -> Floats:
    """1 in March, when what winter's sand and salt left is swept up, 0 from May on."""
    day = (hours / 24.0) % 365.2425
    return bell((day - 75.0) / 18.0)
