"""Reference stations: where they stand and which file has their hours, from a TOML file. No numpy.

[niepodleglosci]
lat = 52.2193
lon = 21.0047
file = "niepodleglosci.csv"
"""

from __future__ import annotations

import tomllib
from math import cos, hypot, radians
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from gateway.quality.calibration.record import CalibrationError
from gateway.quality.checks.near import Spot

BESIDE_KM = 0.2  # a unit with a calibration of its own that is this near to a station is an anchor
KM_PER_LAT = 111.2


class Station(BaseModel):
    """`file` as it is written: relative to the TOML file's folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    file: Path


def read_stations(path: Path) -> dict[str, Station]:
    """By name. Raises CalibrationError."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        return TypeAdapter(dict[str, Station]).validate_python(raw)
    except OSError as error:
        raise CalibrationError(
            f"{path}: cannot be read ({error.strerror}); check its name and rights"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CalibrationError(f"{path}: is not valid TOML: {error}; correct it") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise CalibrationError(
            f"{path}: {place}: {first['msg']}; each station is a table with lat, lon, file"
        ) from error


def km_between(place: Spot, station: Spot) -> float:
    """On a plane: for distances within a city."""
    north = (place.lat - station.lat) * KM_PER_LAT
    return hypot(north, (place.lon - station.lon) * KM_PER_LAT * cos(radians(station.lat)))
