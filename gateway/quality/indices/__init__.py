"""Indices of air quality, as dated entries of one registry.

INDICES.pick("us-aqi-2024").compute(35.4)     # Result(value=100, category="Moderate", ...)
nowcast([21, None, 35])                       # the newest entry's, hours newest first
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.quality.amount import Number
from gateway.quality.indices import bands, us_aqi
from gateway.quality.indices.bands import Bands
from gateway.quality.indices.base import Index, Result
from gateway.quality.indices.nowcast import ENTRY as NOWCAST
from gateway.quality.indices.nowcast import NowCast
from gateway.quality.indices.us_aqi import UsAqi
from gateway.quality.indices.who import ENTRY as WHO
from gateway.quality.indices.who import PERIODS, Who
from gateway.quality.registry import Registry

INDICES: Registry[UsAqi | Bands | NowCast | Who] = Registry([*us_aqi.ENTRIES, NOWCAST, *bands.ENTRIES, WHO])
POLLUTANTS = ("pm25", "pm10")


def nowcast(hours: Sequence[Number | None], pollutant: str = "pm25") -> float | None:
    """The NowCast in ug/m3, or None. `hours`: up to 12 hourly means in ug/m3, newest first, None for a
    missing one.
    """
    return NOWCAST.compute_hours(hours, pollutant).value


__all__ = [
    "INDICES",
    "PERIODS",
    "POLLUTANTS",
    "Bands",
    "Index",
    "NowCast",
    "Result",
    "UsAqi",
    "Who",
    "nowcast",
]
