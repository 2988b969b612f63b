"""Taking the water off the particles: kappa-Koehler growth.

A particle of hygroscopicity kappa holds kappa * aw / (1 - aw) times its own dry volume of water (Petters and
Kreidenweis 2007, without the Kelvin term, which does not matter above 0.1 um); aw is RH/100. So its mass is 1
+ (kappa / density) * aw / (1 - aw) times the dry one, with water's density 1 g/cm3 (Crilley et al. 2018). The
dry mass is the measured one over that growth.

Towards 100 % the growth runs off to infinity while a humidity sensor is 2 to 3 % wrong there, so the humidity
is held at `rh_cap`. It is for sensors that take air as it comes. It is not for a value that a correction with
humidity in it has been through (epa-2021), nor for one that is dried before it is measured.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.quality.corrections.base import MASS_FIELDS, Corrected, Correction, Measured, rounded
from gateway.quality.registry import Source

WATER = 1.0  # g/cm3
# Particle sensors that the firmware knows, all of which look at the air as it comes.
UNDRIED = (
    "sds011",
    "pms5003",
    "pms7003",
    "pmsa003",
    "pmsa003i",
    "pms3003",
    "pms5003t",
    "pms5003st",
    "sps30",
    "sen50",
    "sen54",
    "sen55",
)


def growth(rh: float, kappa: float, density: float) -> float:
    """Wet mass over dry mass, 1 or more. `rh` in % and below 100, `density` of the dry particle in g/cm3."""
    aw = rh / 100
    return 1 + kappa * (WATER / density) * aw / (1 - aw)


@dataclass(frozen=True, slots=True)
class Kappa(Correction):
    kappa: float
    density: float  # g/cm3
    rh_cap: float  # %

    def _correct(self, measured: Measured) -> Corrected:
        assert measured.rh is not None  # refusal() saw to it
        factor = growth(min(measured.rh, self.rh_cap), self.kappa, self.density)
        note = f"humidity held at {self.rh_cap:g} %" if measured.rh > self.rh_cap else None
        extra = {
            "growth": rounded(factor),
            "kappa": self.kappa,
            "density": self.density,
            "rh_cap": self.rh_cap,
        }
        return Corrected(rounded(measured.value / factor), note=note, extra=extra)


ENTRY = Kappa(
    "kappa-koehler",
    "1",
    None,
    Source(
        "Petters and Kreidenweis 2007, doi 10.5194/acp-7-1961-2007; "
        "Crilley et al. 2018, doi 10.5194/amt-11-709-2018",
        "growth by a single kappa; correction of mass with density 1.65 g/cm3",
        "neither text; formula, density and kappa 0.3 (common for air over land) from memory. 0.15 to 0.29 "
        "for PM2.5 was seen in Huang et al. 2024, doi 10.5194/amt-17-6073-2024. rh_cap: our choice",
    ),
    False,
    UNDRIED,
    MASS_FIELDS,
    True,
    kappa=0.3,
    density=1.65,
    rh_cap=95.0,
)
