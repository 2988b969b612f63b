"""What is known and assumed of each sensor model, as the city's light sensors use it.

Spreads between units: the makers' limits (docs/sensors.md) are taken as two standard deviations or a
little more; what collocations find lies about there. Gains: PurpleAir (two PMS5003, CF=1) reads 40 % high
over the United States (Barkjohn et al. 2021, doi 10.5194/amt-14-4617-2021), of which moisture makes up
some; SPS30 and SDS011 lie nearer to one. Sizes: none of SDS011, PMS5003 and SPS30 sees much above 1 to 2
um, whatever they call PM10 (Kuula et al. 2020, doi 10.5194/amt-13-2413-2020); the figures for it here are
assumed. Ageing: PMS5003 by deSouza et al. 2023 (doi 10.1039/d2ea00142j), Sensirion by the data sheet,
SDS011 assumed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from simulator.city.stable import Floats


@dataclass(frozen=True)
class Particle:
    """A particle sensor's model."""

    family: str  # "sds", "plantower", "sensirion": which fields it gives
    gain: float  # of the middle unit, for dry fine particles
    spread: float  # standard deviation of ln(gain) between units
    offset: float  # standard deviation of the offset between units, ug/m3
    middle: float  # share of the mass from 1 to 2.5 um that it sees
    coarse25: float  # share of the mass from 2.5 to 10 um that it takes for PM2.5
    coarse10: float  # and that it counts in PM10
    noise: float  # standard deviation of one frame in clean air, ug/m3
    noise_share: float  # and what each ug/m3 adds to it
    frame_s: float
    step: float  # resolution, ug/m3
    top25: float  # the highest that it shows; a Plantower's atmospheric channel where CF=1 stands at 1000
    top10: float
    loss: float  # of its gain in a year, by the laser's ageing
    dust: float  # of its gain in a year, by dust in inlet and fan; each unit 0 to 2 times that
    counts: bool = False
    climate: str | None = None  # its own sensor of temperature and humidity


_SDS = Particle(
    "sds", gain=0.86, spread=0.10, offset=0.8, middle=0.85, coarse25=0.03, coarse10=0.35, noise=0.35,
    noise_share=0.045, frame_s=1.0, step=0.1, top25=999.9, top10=1999.9, loss=0.06, dust=0.03,
)  # fmt: skip
_PMS = Particle(
    "plantower", gain=1.25, spread=0.08, offset=0.7, middle=0.70, coarse25=0.01, coarse10=0.15, noise=0.6,
    noise_share=0.05, frame_s=2.3, step=1.0, top25=670.0, top10=670.0, loss=0.01, dust=0.02, counts=True,
)  # fmt: skip
_SPS = Particle(
    "sensirion", gain=0.95, spread=0.05, offset=0.4, middle=0.90, coarse25=0.01, coarse10=0.25, noise=0.25,
    noise_share=0.03, frame_s=1.0, step=0.01, top25=1000.0, top10=1000.0, loss=0.0125, dust=0.01,
)  # fmt: skip
_SEN = replace(_SPS, step=0.1)
_SEN_T = replace(_SEN, climate="sen5x")

PARTICLES: dict[str, Particle] = {
    "sds011": _SDS,
    "pms5003": _PMS,
    "pms7003": _PMS,
    "pmsa003": _PMS,
    "pmsa003i": _PMS,
    "sps30": _SPS,
    "sen50": _SEN,
    "sen54": _SEN_T,
    "sen55": _SEN_T,
}


# Where a Plantower's two channels bend: CF=1, CF=1, atmospheric. As sensors/chamber.py has them.
CHANNELS = (30.0, 46.0, 34.0)


def atmospheric(cf1: Floats) -> Floats:
    """The atmospheric channel's value for one of CF=1, ug/m3."""
    low, high, middle = CHANNELS
    above = np.where(cf1 <= high, low + (cf1 - low) / 4.0, middle + (cf1 - high) / 1.5)
    return np.where(cf1 <= low, cf1, above)


def standard(air: Floats) -> Floats:
    """The other way round."""
    low, high, middle = CHANNELS
    above = np.where(air <= middle, low + (air - low) * 4.0, high + (air - middle) * 1.5)
    return np.where(air <= low, air, above)


@dataclass(frozen=True)
class Climate:
    """A sensor of the climate; its limits are taken as two and a half standard deviations."""

    temp: float  # degC
    rh: float | None  # %
    press: float | None  # hPa
    step_temp: float
    step_rh: float


CLIMATE: dict[str, Climate] = {
    "bme280": Climate(1.0, 3.0, 1.0, 0.01, 0.01),
    "bmp280": Climate(1.0, None, 1.0, 0.01, 0.01),
    "sht3x": Climate(0.3, 2.0, None, 0.01, 0.01),
    "sht4x": Climate(0.2, 1.8, None, 0.01, 0.01),
    "dht22": Climate(0.5, 2.0, None, 0.1, 0.1),
}
# Inside a SEN54 or SEN55, and what a node has that has none.
BUILT_IN: dict[str, Climate] = {"sen5x": Climate(0.7, 6.0, None, 0.005, 0.01)}
