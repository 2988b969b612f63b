"""WHO's guideline levels of 2021 and its interim targets, for means of 24 hours and of a year.

Value: how many times the guideline, to two decimals, a half up. The category goes by the mean itself and not
by the rounded number: 15.001 is above. A level is kept when the mean is at most the level.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.quality.amount import PG_PER_UG, InputError, Number, picograms
from gateway.quality.indices.base import Index, Result
from gateway.quality.registry import Source

PERIODS = ("24h", "annual")
# From the guideline up: guideline, interim targets 4, 3, 2, 1. In tenths of a ug/m3 (37.5 is one of them).
_LEVELS: dict[tuple[str, str], tuple[int, ...]] = {
    ("pm25", "24h"): (150, 250, 375, 500, 750),
    ("pm25", "annual"): (50, 100, 150, 250, 350),
    ("pm10", "24h"): (450, 500, 750, 1000, 1500),
    ("pm10", "annual"): (150, 200, 300, 500, 700),
}
_CATEGORIES = (
    "guideline met",
    "interim target 4 met",
    "interim target 3 met",
    "interim target 2 met",
    "interim target 1 met",
    "above all targets",
)


@dataclass(frozen=True, slots=True)
class Who(Index):
    """Value: the mean over the guideline level. Input: a mean over `period` in ug/m3."""

    @property
    def categories(self) -> tuple[str, ...]:
        """From the best on."""
        return _CATEGORIES

    def compute(self, value: Number, pollutant: str = "pm25", period: str = "24h") -> Result:
        levels = _LEVELS.get((pollutant, period))
        if levels is None:
            raise InputError(f"{self.name} has no level for {pollutant!r} over {period!r}")
        pg = picograms(value)
        ends = [level * PG_PER_UG // 10 for level in levels]
        at = next((at for at, end in enumerate(ends) if pg <= end), len(ends))
        times = (200 * pg + ends[0]) // (2 * ends[0]) / 100
        low = 0.0 if at == 0 else levels[at - 1] / 10
        high = levels[at] / 10 if at < len(levels) else None
        extra: dict[str, object] = {"period": period, "guideline": levels[0] / 10}
        if period == "24h":
            extra["note"] = "the 24-hour level may be passed on 3 to 4 days a year (99th percentile)"
        return Result(times, _CATEGORIES[at], (low, high), extra=extra)


ENTRY = Who(
    "who-2021",
    "2021",
    "2021-09-22",
    Source(
        "WHO global air quality guidelines (2021), ISBN 978-92-4-003422-8",
        "recommended levels and interim targets",
        "the table as AirClim quotes it; WHO's own book was not seen, nor the day of its publication",
    ),
    False,
    "24-hour or annual mean, ug/m3",
)
