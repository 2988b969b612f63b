"""What is known and assumed of each sensor model, as the city's light sensors use it.

Spreads between units: the makers' limits (docs/sensors.md) are taken as two standard deviations or a little more; what
collocations find lies about there. Gains: PurpleAir (two PMS5003, CF=1) reads 40 % high over the United States
(Barkjohn et al. 2021, doi 10.5194/amt-14-4617-2021), of which moisture makes up some; SPS30 and SDS011 lie nearer
to one. Sizes: none of SDS011, PMS5003 and SPS30 sees much above 1 to 2 um, whatever they call PM10 (Kuula et al.
2020, doi 10.5194/amt-13-2413-2020); the figures for it here are assumed. Ageing: PMS5003 by deSouza et al. 2023
(doi 10.1039/d2ea00142j), Sensirion by the data sheet, SDS011 assumed.
"""

from __future__ import annotations

from dataclasses import dataclass


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
    top25: float  # the highest that it shows
    top10: float
    loss: float  # of its gain in a year, by the laser's ageing
    dust: float  # of its gain in a year, by dust in inlet and fan; each unit 0 to 2 times that
    counts: bool = False
    climate: str | None = None  # its own sensor of temperature and humidity


_SDS = Particle("sds", 0.86, 0.10, 0.8, 0.85, 0.03, 0.35, 0.35, 0.045, 1.0, 0.1, 999.9, 1999.9, 0.06, 0.03)
_PMS = Particle("plantower", 1.25, 0.08, 0.7, 0.70, 0.01, 0.15, 0.6, 0.05, 2.3, 1.0, 1000.0, 1000.0, 0.01, 0.02, True)  # fmt: skip
_SPS = Particle("sensirion", 0.95, 0.05, 0.4, 0.90, 0.01, 0.25, 0.25, 0.03, 1.0, 0.01, 1000.0, 1000.0, 0.0125, 0.01)  # fmt: skip
_SEN = Particle("sensirion", 0.95, 0.05, 0.4, 0.90, 0.01, 0.25, 0.25, 0.03, 1.0, 0.1, 1000.0, 1000.0, 0.0125, 0.01)  # fmt: skip
_SEN_T = Particle("sensirion", 0.95, 0.05, 0.4, 0.90, 0.01, 0.25, 0.25, 0.03, 1.0, 0.1, 1000.0, 1000.0, 0.0125, 0.01, climate="sen5x")  # fmt: skip

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


@dataclass(frozen=True)
class Climate:
    """A sensor of temperature, humidity and pressure; limits are taken as two and a half standard deviations."""

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
