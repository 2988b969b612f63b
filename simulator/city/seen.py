"""What the sensors of a fleet see of the true air: swollen, scaled, shifted, noisy, old, sometimes broken.

    true bins (to 1, 2.5, 10 um) -> water (kappa-Koehler at the enclosure's humidity) and fog -> what of
    each size the optics see -> the unit's gain, age, dust -> offset -> noise -> faults -> limits, resolution

Water: mass grows by 1 + (kappa / 1.65) a / (1 - a), a the humidity as a share (Crilley et al. 2018, doi
10.5194/amt-11-709-2018, equation from Petters and Kreidenweis 2007). The enclosure is warmer than the air
by some degC, and as much drier as the same vapour pressure makes it: PurpleAirs were found about 4 degC
too warm (Tse and Liang 2025, doi 10.3390/s25103044: mean error 4.7 degC; indoors 3.95, pubmed 40402320).
Fog: the larger particles grow most (Jayaratne et al. 2018, doi 10.5194/amt-11-4883-2018); its size here is
assumed. Light: how much a given mass scatters varies with what the particles are (Hagan and Kroll 2020,
doi 10.5194/amt-13-6343-2020); that it is 8 % from air mass to air mass, and more between sources, is assumed.
All of it is worked out for arrays (times, units); one sensor at one time is an array of one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from simulator.city.breakage import frozen_values, spoil
from simulator.city.faults import Fault
from simulator.city.field import City, Truth
from simulator.city.models import CHANNELS, atmospheric
from simulator.city.stable import Bools, Floats, Ints, exp, key, mixed, normal
from simulator.city.units import YEAR_S, Unit, Units
from simulator.sensors.base import Air
from simulator.sensors.base import Weather as WeatherAt

WETTEST = 0.985  # beyond, droplets fall out rather than grow
DENSITY = 1.65  # of dry particles, g/cm3
COARSE_KAPPA = 0.09  # 0.05 to 0.13 (Huang et al. 2024, doi 10.5194/amt-17-6073-2024)
FOG_MIDDLE, FOG_COARSE = 5.0, 60.0  # ug/m3 that a sensor takes thick fog for, before its size response
WANDER_S, WANDER = 10 * 86400.0, 0.02  # a gain's slow drift
Triples = tuple[Floats, Floats, Floats]
SHARED = 1.6  # a window's mean is noisier than n independent frames by this


@dataclass
class Seen:
    """Arrays of shape (times, units). PM in ug/m3 as the window's mean; `sd`: of its frames."""

    pm1: Floats  # of a Plantower the atmospheric channel; models.standard() gives the other
    pm25: Floats
    pm10: Floats
    sd25: Floats
    sd10: Floats
    temp: Floats
    rh: Floats
    press: Floats
    frozen_s: Floats  # for how long the frames have been the same; -1: they are not
    saturated: Bools
    no_frame: Bools
    climate_error: Bools
    wet_s: Floats  # for how long humidity has stood at its top; -1: it does not
    off: Bools  # the node is off: there is no reading
    clock_s: Floats  # how far the node's clock is ahead


class Sensors:
    """The sensors `units` over a city, with their faults."""

    def __init__(self, city: City, units: Sequence[Unit], faults: Sequence[Fault] = ()) -> None:
        """Faults of nodes or slots that are not among `units` are left out."""
        self.city = city
        self.units = Units(units, city.seed)
        self.spots = city.at(self.units.lats, self.units.lons)
        self.faults = _by_unit(units, faults)
        self._frozen: dict[tuple[Fault, int, float], tuple[float, float, float]] = {}
        u = self.units
        self._middle, self._coarse25, self._coarse10 = u.of("middle"), u.of("coarse25"), u.of("coarse10")
        self._noise, self._noise_share, self._frame_s = u.of("noise"), u.of("noise_share"), u.of("frame_s")
        self._step, self._top25, self._top10 = u.of("step"), u.of("top25"), u.of("top10")
        self._plantower = u.family("plantower")

    def frames(self, window_s: float) -> Ints:
        """How many frames each unit sends in a window, shape (U,)."""
        return np.maximum(1, np.floor(window_s / self._frame_s)).astype(np.int64)

    def see(self, times: Floats, window_s: float, truth: Truth | None = None) -> Seen:
        """What stands in the readings of windows whose middles are `times`: Unix seconds, (T, 1) or (T, U).

        `truth`: what self.spots has for these times, if that is known already.
        """
        true = truth or self.spots.truth(times)
        seen = self._measure(times, true, window_s)
        spoil(self, times, true, seen, window_s)
        self._limit(seen, window_s)
        return seen

    def optics(self, times: Floats, true: Truth) -> tuple[Floats, Floats, Floats]:
        """(PM1, PM2.5, PM10) as a unit's optics have them, before offset and noise."""
        u = self.units
        _, humid = self.inside(true)
        a = np.minimum(humid * 0.01, WETTEST)
        water = a / (1.0 - a) * (u.thirst / DENSITY)
        grown = 1.0 + true.kappa * water
        bright = grown * true.shine
        small = true.pm1 * bright
        middle = (true.pm25 - true.pm1) * bright + FOG_MIDDLE * true.fog
        coarse = (true.pm10 - true.pm25) * (1.0 + COARSE_KAPPA * water) + FOG_COARSE * true.fog
        gain = self.gain(times)
        pm1 = small * gain
        pm25 = pm1 + (middle * self._middle + coarse * self._coarse25) * gain
        return pm1, pm25, pm25 + coarse * self._coarse10 * gain

    def inside(self, true: Truth) -> tuple[Floats, Floats]:
        """(degC, %) in the enclosure: warmer, and drier at the same vapour pressure (Magnus)."""
        warm = true.temp + self.units.heat + self.units.sunny * true.sun
        ratio = exp(17.62 * true.temp / (243.12 + true.temp) - 17.62 * warm / (243.12 + warm))
        return warm, true.rh * ratio

    def gain(self, times: Floats) -> Floats:
        """Of each unit at each time: its own, less what age and dust took, wandering a little."""
        u = self.units
        years = np.maximum(0.0, (times - u.born) / YEAR_S)
        worn = np.maximum(0.2, 1.0 - (u.loss + u.dust) * years)
        at = times / WANDER_S
        knot = np.floor(at).astype(np.int64)
        part = at - knot
        first = int(knot.min())
        steps = np.arange(first, int(knot.max()) + 2)
        wave = normal(mixed((u.keys ^ np.uint64(key("wander")))[None, :], steps[:, None]))
        if knot.shape[1] == 1:
            low, high = wave[knot[:, 0] - first], wave[knot[:, 0] - first + 1]
        else:
            low, high = (np.take_along_axis(wave, knot - first + step, 0) for step in (0, 1))
        return u.gain * worn * (1.0 + WANDER * (low + (high - low) * part))

    def _measure(self, times: Floats, true: Truth, window_s: float) -> Seen:
        """Without faults and limits."""
        u = self.units
        pm1, pm25, pm10 = self.optics(times, true)
        shape = pm25.shape
        frame = self._noise + self._noise_share * pm25
        counted = self.frames(window_s)
        mean = np.where(counted > 1, SHARED / np.sqrt(counted), 1.0)
        ticks = np.broadcast_to(np.rint(times * 10.0).astype(np.int64), shape)
        one = normal(mixed(u.keys[None, :], ticks)) * frame * mean
        two = normal(mixed((u.keys ^ np.uint64(0x5EED))[None, :], ticks))
        pm25 = pm25 + u.offset + one
        pm1 = np.minimum(pm1 + 0.8 * (u.offset + one), pm25)
        pm10 = np.maximum(pm10 + u.offset + one + 0.5 * two * frame * mean, pm25)
        spread = frame * (1.0 + 0.15 * two)
        if self._plantower.any():  # so far it was CF=1
            spread = np.where(self._plantower & (pm25 > CHANNELS[1]), spread / 1.5, spread)
            pm1, pm25, pm10 = (
                np.where(self._plantower, atmospheric(part), part) for part in (pm1, pm25, pm10)
            )
        warm, humid = self.inside(true)
        nothing = np.zeros(shape, dtype=np.bool_)
        return Seen(
            np.maximum(pm1, 0.0),
            np.maximum(pm25, 0.0),
            np.maximum(pm10, 0.0),
            spread,
            spread * 1.3,
            warm + u.temp_off,
            np.minimum(np.maximum(humid + u.rh_off, 0.0), 100.0),
            true.press + u.press_off,
            np.full(shape, -1.0),
            nothing,
            nothing.copy(),
            np.broadcast_to(~u.has_temp, shape).copy(),
            np.full(shape, -1.0),
            nothing.copy(),
            np.zeros(shape),
        )

    def _limit(self, seen: Seen, window_s: float) -> None:
        """The end of the range, and the resolution.

        The mean of many frames is finer than a frame's step as long as the frames differ by half a step;
        where they hardly do, it sticks to the step.
        """
        seen.saturated = seen.saturated | (seen.pm25 >= self._top25)
        share = np.minimum(np.maximum(1.0 - 2.0 * seen.sd25 / self._step, 0.0), 1.0)
        share = np.where(self.frames(window_s) > 1, share, 1.0)
        for name, top in (("pm1", self._top25), ("pm25", self._top25), ("pm10", self._top10)):
            value = getattr(seen, name)
            value = value + (np.rint(value / self._step) * self._step - value) * share
            setattr(seen, name, np.minimum(value, top))

    def air(self, number: int, block_s: int = 0) -> Air:
        """The Air of unit `number`, PM1, PM2.5, PM10 of one frame, for an emulator with a neutral Unit().

        Limits and resolution are the emulator's. Faults of the particles are in it, those of node and line
        are not. `block_s`: so many seconds are worked out at once, by whole seconds: a hundred times as fast
        for who asks each second.
        """
        one = Sensors(self.city, [self.units.all[number]], self.faults.get(number, ()))

        def sample(times: Floats) -> Triples:
            true = one.spots.truth(times)
            seen = one._measure(times, true, 0.0)
            spoil(one, times, true, seen, 0.0)
            return seen.pm1, seen.pm25, seen.pm10

        return _one_by_one(sample, block_s)

    def weather(self, number: int, block_s: int = 0) -> WeatherAt:
        """(degC, %, hPa) in the enclosure of unit `number`; a climate emulator adds its own error."""
        one = Sensors(self.city, [self.units.all[number]])

        def sample(times: Floats) -> Triples:
            true = one.spots.truth(times)
            return *one.inside(true), true.press

        return _one_by_one(sample, block_s)

    def frozen(self, fault: Fault, number: int, window_s: float) -> tuple[float, float, float]:
        """What unit `number` last measured before a fault that makes it repeat itself."""
        asked = (fault, number, window_s)
        if asked not in self._frozen:
            self._frozen[asked] = frozen_values(self, fault, number, window_s)
        return self._frozen[asked]


def _one_by_one(sample: Callable[[Floats], Triples], block_s: int) -> Air:
    """Of arrays of shape (times, 1) to one time after the other."""
    first = 0
    block: list[tuple[float, float, float]] = []

    def at_once(at: float) -> tuple[float, float, float]:
        nonlocal first, block
        if not block_s:
            a, b, c = sample(np.array([[at]]))
            return float(a[0, 0]), float(b[0, 0]), float(c[0, 0])
        second = int(at)
        if not block or not 0 <= second - first < block_s:
            first = second // block_s * block_s
            parts = sample(first + np.arange(block_s, dtype=np.float64)[:, None])
            a, b, c = (part[:, 0].tolist() for part in parts)
            block = list(zip(a, b, c, strict=True))
        return block[second - first]

    return at_once


def _by_unit(units: Sequence[Unit], faults: Sequence[Fault]) -> dict[int, tuple[Fault, ...]]:
    out: dict[int, list[Fault]] = {}
    for number, unit in enumerate(units):
        for fault in faults:
            if fault.node == unit.node and (fault.slot == unit.slot or fault.of_node):
                out.setdefault(number, []).append(fault)
    return {number: tuple(own) for number, own in out.items()}
