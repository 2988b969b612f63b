"""Concentrations as whole picograms, so that a breakpoint is a breakpoint.

The tables have steps of 0.1 ug/m3 and truncate. In binary floating point 0.1 does not exist: a mean that is
9.1 on paper may arrive as 9.099999999999998, and truncation would then take off a whole step. So every value
is first read to 1e-6 ug/m3 (1 pg/m3): a thousand times finer than a sensor's step, and far coarser than what
floats get wrong. From there on all is arithmetic of integers, and exact. Text, Decimal and float thereby give
the same result.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, Decimal

PG_PER_UG = 1_000_000
HIGHEST = 100_000  # ug/m3; what the wire contract takes at most

Number = float | Decimal


class InputError(ValueError):
    """A value that no index and no correction is defined for; the message says why."""


def picograms(value: Number) -> int:
    """A concentration in ug/m3 as whole pg/m3. InputError for NaN, infinity, negative and huge values."""
    if not (value.is_finite() if isinstance(value, Decimal) else math.isfinite(value)):
        raise InputError(f"{value} is not a number that can be measured")
    if value < 0:
        raise InputError(f"{float(value):g} ug/m3 is negative: a concentration is 0 or more")
    if value > HIGHEST:
        raise InputError(f"{float(value):g} ug/m3 is beyond what can be measured (at most {HIGHEST})")
    if isinstance(value, Decimal):
        return int((value * PG_PER_UG).to_integral_value(ROUND_HALF_EVEN))
    return round(value * PG_PER_UG)


def micrograms(pg: int) -> float:
    """Back to ug/m3: the float nearest to the decimal number."""
    return pg / PG_PER_UG


def round_half_up(pg: int, step: int) -> int:
    """Rounded to a multiple of `step` (pg/m3); a half goes up, as people round. `pg` is 0 or more."""
    return (2 * pg + step) // (2 * step) * step


def truncated(pg: int, step: int) -> int:
    """Cut down to a multiple of `step` (pg/m3)."""
    return pg // step * step
