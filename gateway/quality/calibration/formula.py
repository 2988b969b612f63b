"""The formula of all calibrations, on single numbers and on arrays alike: arithmetic only.

    corrected = (gain + gain_temp * T) * pm / growth(RH, kappa) + offset + rh * RH + temp * T

growth is that of the correction kappa-koehler. A form says which of the coefficients are fitted; the others
are 0 and change nothing. T in degC, RH in %, as the node itself measures them, in its enclosure.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

from gateway.quality.corrections.kappa import ENTRY, growth

DENSITY, RH_CAP = ENTRY.density, ENTRY.rh_cap
A = TypeVar("A")  # a float, or an array of them


class Form(NamedTuple):
    """Which terms are fitted, in the order of the columns; `grown`: kappa as well."""

    terms: tuple[str, ...]
    grown: bool

    @property
    def needs_rh(self) -> bool:
        return self.grown or "rh" in self.terms

    @property
    def needs_temp(self) -> bool:
        return "temp" in self.terms or "gain_temp" in self.terms


# From the simplest on: of forms that do equally well, the first is taken.
FORMS: dict[str, Form] = {
    "linear": Form(("gain", "offset"), False),
    "growth": Form(("gain", "offset"), True),
    "linear-rh": Form(("gain", "offset", "rh"), False),
    "growth-temp": Form(("gain", "offset", "temp"), True),
    # Follows the seasons' particles within the temperatures that it saw, and strays outside: only when
    # asked for.
    "growth-gain-temp": Form(("gain", "gain_temp", "offset"), True),
}

# What is tried unless told otherwise: water multiplies a reading, so a term that adds it is not among them.
USUAL = ("linear", "growth", "growth-temp")


def dried(pm: A, rh: A, kappa: float) -> A:
    """`pm` without its water. `rh` at most RH_CAP."""
    return pm / growth(rh, kappa, DENSITY) if kappa else pm  # type: ignore[arg-type, operator, return-value]
