"""What a check must know of a sensor's model: resolution and end of range, from the makers' data sheets.

SDS011 (Nova, V1.3): 0.1 ug/m3, PM2.5 to 999.9, PM10 to 1999.9. Plantower PMSx003: 1 ug/m3, at least 1000,
specified to 500. SPS30: 1000, steps of a float; SEN5x: 1000, steps of 0.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache


@dataclass(slots=True, frozen=True)
class Model:
    """`step`: resolution of one frame; `low`: up to here equal values are usual; all in ug/m3.

    `family` groups models with the same optics, whose raw values may be compared.
    """

    family: str
    step: float
    top25: float
    top10: float
    low: float


_BY_START = {
    "sds": Model("sds", 0.1, 999.9, 1999.9, 1.0),
    "pms": Model("plantower", 1.0, 1000.0, 1000.0, 10.0),
    "sps30": Model("sensirion", 0.01, 1000.0, 1000.0, 1.0),
    "sen5": Model("sensirion", 0.1, 1000.0, 1000.0, 1.0),
}
UNKNOWN = Model("unknown", 1.0, 10000.0, 10000.0, 10.0)


@lru_cache(1024)  # a stranger may make names up
def model_of(name: str) -> Model:
    """The traits of a model by its name in a reading; an unknown one is judged leniently."""
    return next((found for start, found in _BY_START.items() if name.startswith(start)), UNKNOWN)
