"""EPA's NowCast for particles: what the 24-hour mean would be if the air stayed as it is becoming.

The last 12 hourly means, newest first, weighted with w^0, w^1, ...; w = lowest / highest, but at least 1/2.
Missing hours are left out above and below the fraction line. At least 2 of the 3 newest hours must be there,
or there is no NowCast. Hours go in as they are; the result is cut down to 0.1 ug/m3 (PM10: 1 ug/m3), as it
goes into the AQI.

All of it is arithmetic of integers: w is a fraction p/q, and sum(v p^i q^(n-i)) / sum(p^i q^(n-i)) is cut
exactly. Twelve hours of 0.3 in floats give 0.29999999999999993, which would be cut to 0.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

from gateway.quality.amount import InputError, Number, micrograms, picograms
from gateway.quality.indices.base import Index, Result
from gateway.quality.indices.us_aqi import STEP
from gateway.quality.registry import Source

HOURS = 12


@dataclass(frozen=True, slots=True)
class NowCast(Index):
    """Value: ug/m3. Input: up to 12 hourly means in ug/m3, newest first, None where there is none."""

    def compute_hours(self, hours: Sequence[Number | None], pollutant: str = "pm25") -> Result:
        if pollutant not in STEP:
            raise InputError(f"{self.name} is not defined for {pollutant!r}, only for {', '.join(STEP)}")
        if len(hours) > HOURS:
            raise InputError(f"{len(hours)} hours; the NowCast takes the {HOURS} newest, newest first")
        there = [(ago, picograms(value)) for ago, value in enumerate(hours) if value is not None]
        if sum(ago < 3 for ago, _ in there) < 2:
            return Result(None, reason="fewer than 2 of the 3 newest hours are there")
        weight, mean = _weighted(there)
        step = STEP[pollutant]
        value = micrograms(mean[0] // (mean[1] * step) * step)
        return Result(value, extra={"weight": weight[0] / weight[1], "hours": len(there)})


def _weighted(there: list[tuple[int, int]]) -> tuple[tuple[int, int], tuple[int, int]]:
    """The weight factor and the weighted mean in pg/m3, each as numerator and denominator."""
    lowest = min(pg for _, pg in there)
    highest = max(pg for _, pg in there)
    if highest == 0:  # 0/0: all hours are clean, and alike
        return (1, 1), (0, 1)
    p, q = (lowest, highest) if 2 * lowest > highest else (1, 2)
    common = gcd(p, q)
    p, q = p // common, q // common
    oldest = there[-1][0]
    shares = [(p**ago * q ** (oldest - ago), pg) for ago, pg in there]
    return (p, q), (sum(share * pg for share, pg in shares), sum(share for share, _ in shares))


ENTRY = NowCast(
    "nowcast",
    "2013",
    "2013",
    Source(
        "EPA, PM NowCast (nepis P100X0J6); AirNow Tech forum, The NowCast for PM2.5 and PM10",
        "Calculating the NowCast, steps 1 to 8; completeness and truncation",
        "both texts; the year of the method as it is commonly told, not in a document",
    ),
    False,
    "12 hourly means, newest first, ug/m3",
)
