"""The US Air Quality Index of 2024 for PM2.5 and PM10.

Rounding, as EPA has it (40 CFR Part 58 Appendix G, section 12; AirNow's page on the AQI equation): the mean
is cut down to 0.1 ug/m3 for PM2.5 and to 1 ug/m3 for PM10, then goes through the straight line of its row,
and the index is rounded to the nearest whole number; a half goes up. The rows leave no gap after the cut:
9.099 is 9.0.

Above the highest breakpoint the last row's line goes on (Appendix G, section 12.ii: "the last two
breakpoints"), so the index passes 500. It is then marked `beyond`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.quality.amount import PG_PER_UG, Number, micrograms, picograms, truncated
from gateway.quality.indices.base import Index, Result, pick_table
from gateway.quality.registry import Source

Row = tuple[int, int, int, int, str]  # concentration low and high in steps, index low and high, category

STEP = {"pm25": PG_PER_UG // 10, "pm10": PG_PER_UG}

GOOD, MODERATE, SENSITIVE = "Good", "Moderate", "Unhealthy for Sensitive Groups"
UNHEALTHY, VERY, HAZARDOUS = "Unhealthy", "Very Unhealthy", "Hazardous"

# In steps of 0.1 ug/m3. No two sources disagree up to 225.4.
_PM25: tuple[Row, ...] = (
    (0, 90, 0, 50, GOOD),
    (91, 354, 51, 100, MODERATE),
    (355, 554, 101, 150, SENSITIVE),
    (555, 1254, 151, 200, UNHEALTHY),
    (1255, 2254, 201, 300, VERY),
)
# In steps of 1 ug/m3.
_PM10: tuple[Row, ...] = (
    (0, 54, 0, 50, GOOD),
    (55, 154, 51, 100, MODERATE),
    (155, 254, 101, 150, SENSITIVE),
    (255, 354, 151, 200, UNHEALTHY),
    (355, 424, 201, 300, VERY),
)
_PM10_TOP: Row = (425, 604, 301, 500, HAZARDOUS)


@dataclass(frozen=True, slots=True)
class UsAqi(Index):
    """Value: the index, 0 to 500 and on. Input: the 24-hour mean, or the NowCast, in ug/m3."""

    tables: dict[str, tuple[Row, ...]]

    def compute(self, value: Number, pollutant: str = "pm25") -> Result:
        rows = pick_table(self.name, self.tables, pollutant)
        step = STEP[pollutant]
        steps = truncated(picograms(value), step) // step
        row = next((row for row in rows if steps <= row[1]), rows[-1])
        low, high, index_low, index_high, category = row
        index = index_low + _divided_half_up((index_high - index_low) * (steps - low), high - low)
        extra: dict[str, Any] = {"used": micrograms(steps * step)}
        if steps > high:
            extra["beyond"] = True
            extra["note"] = f"above the table, which ends at {index_high}: its last line goes on"
        return Result(index, category, (micrograms(low * step), micrograms(high * step)), extra=extra)


def _divided_half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


_CFR = "40 CFR Part 58 Appendix G as revised by 89 FR 16202 (6 March 2024); EPA-454/B-24-002 (May 2024)"

ENTRIES = (
    UsAqi(
        "us-aqi-2024",
        "2024-05-06",
        "2024-05-06",
        Source(
            _CFR,
            "Table 2; Table 6",
            "EPA's documents by title and contents only; the rows in copies, which agree up to 225.4; the "
            "last row (225.5-325.4 is 301-500) in most copies, one of which cites EPA's AQS code table",
        ),
        False,
        "24-hour mean or NowCast, ug/m3",
        {"pm25": (*_PM25, (2255, 3254, 301, 500, HAZARDOUS)), "pm10": (*_PM10, _PM10_TOP)},
    ),
    UsAqi(
        "us-aqi-2024",
        "two-hazardous-rows",
        "2024-05-06",
        Source(
            "Copies that keep two hazardous rows as the table before 2024 had",
            "225.5-325.4 is 301-400, 325.5-500.4 is 401-500",
            "in public code; not in a document of EPA",
        ),
        True,
        "24-hour mean or NowCast, ug/m3",
        {
            "pm25": (*_PM25, (2255, 3254, 301, 400, HAZARDOUS), (3255, 5004, 401, 500, HAZARDOUS)),
            "pm10": (*_PM10, (425, 504, 301, 400, HAZARDOUS), (505, 604, 401, 500, HAZARDOUS)),
        },
    ),
    UsAqi(
        "us-aqi-2024",
        "hazardous-to-500.4",
        "2024-05-06",
        Source(
            "Copies that keep 500.4 as the end, as the table before 2024 had",
            "225.5-500.4 is 301-500",
            "in public code; not in a document of EPA",
        ),
        True,
        "24-hour mean or NowCast, ug/m3",
        {"pm25": (*_PM25, (2255, 5004, 301, 500, HAZARDOUS)), "pm10": (*_PM10, _PM10_TOP)},
    ),
)
