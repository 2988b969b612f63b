"""EPA's US-wide correction for PurpleAir of 2021, in the five pieces of the AirNow Fire and Smoke Map.

For the PMS5003's atmospheric channel (`pm25`) and for no other. The study behind it (Barkjohn et al. 2021)
fitted the CF=1 channel: 0.524 x - 0.0862 RH + 5.75. The five pieces are the same correction carried over to
the atmospheric channel, which equals CF=1 in clean air and is 2/3 of it in dirty air: 0.786 = 1.5 * 0.524,
and for smoke 0.69 = 1.5 * 0.46, 8.84e-4 = 1.5^2 * 3.93e-4. On CF=1 values they would read up to half too
high. Below 30 and above 50 the two forms are one; 30 to 50 is where the channels part, 210 to 260 where the
smoke curve takes over.

Fitted to means of 24 hours, used by AirNow on means of an hour, with the humidity that the PurpleAir itself
measures, which is drier than the air outside. Below zero it gives 0, as the published vectors do.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.quality.corrections.base import Corrected, Correction, Measured, rounded
from gateway.quality.registry import Source

LOW, HIGH = 0.524, 0.786  # slope where both channels are alike, and where they are apart
RH_SLOPE, OFFSET = 0.0862, 5.75
SMOKE_OFFSET, SMOKE_SLOPE, SMOKE_SQUARE = 2.966, 0.69, 8.84e-4


def epa_2021(x: float, rh: float) -> float:
    """PM2.5 in ug/m3 from a PMS5003's atmospheric PM2.5 `x` in ug/m3 and RH in %; may be below zero."""
    moist = OFFSET - RH_SLOPE * rh
    if x < 30:
        return LOW * x + moist
    if x < 50:
        share = x / 20 - 3 / 2
        return (HIGH * share + LOW * (1 - share)) * x + moist
    if x < 210:
        return HIGH * x + moist
    if x < 260:
        share = x / 50 - 21 / 5
        return (1 - share) * (HIGH * x + moist) + share * _smoke(x)
    return _smoke(x)


def _smoke(x: float) -> float:
    return SMOKE_OFFSET + SMOKE_SLOPE * x + SMOKE_SQUARE * x * x


@dataclass(frozen=True, slots=True)
class Epa2021(Correction):
    def _correct(self, measured: Measured) -> Corrected:
        assert measured.rh is not None  # refusal() saw to it
        value = rounded(epa_2021(measured.value, measured.rh))
        if value < 0:
            return Corrected(0.0, note=f"the formula gives {value}, which is below zero")
        return Corrected(value)


ENTRY = Epa2021(
    "epa-2021",
    "2021",
    "2021",
    Source(
        "EPA, Sensor data cleaning and correction: Application on the AirNow Fire and Smoke Map (Science "
        "Inventory 353088); Barkjohn et al. 2021, doi 10.5194/amt-14-4617-2021",
        "the equation in five pieces, page 26",
        "the paper's abstract, and the five pieces as public code and the project's vectors hold them; that "
        "they are for the atmospheric channel follows from the coefficients; EPA's slides were not seen",
    ),
    False,
    ("pms5003",),
    ("pm25",),
    True,
)
