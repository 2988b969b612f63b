"""Where nodes stand: exactly, for the gateway's own sums, and as the public may see it.

The exact place never leaves the gateway: what answers the public is given `CurrentPlaces.public` only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import cos, floor, radians
from typing import Generic, Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field

from gateway.districts import Spot, nearest
from gateway.numbers import Float

T = TypeVar("T")
Precision = Literal["exact", "grid", "district"]
# 100 m of latitude: a degree has 111.2 km.
_ROW = 0.0009


class PlaceError(ValueError):
    """A place cannot be used; the message says why and what to do, and never where it is."""


class Place(BaseModel):
    """Where a node stands, exactly, and how exact the public sees it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    label: str = Field("", max_length=80, description="Name for people; it is public.")
    lat: Float = Field(ge=-90, le=90, description="Latitude, degrees north.")
    lon: Float = Field(ge=-180, le=180, description="Longitude, degrees east.")
    precision: Precision = Field("exact", description="What the public sees: exact, grid or district.")
    district: str = Field("", max_length=80, description="Of precision district; else the nearest.")


class DistrictPlace(BaseModel):
    """Of a node whose exact place nobody told."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    label: str = Field("", max_length=80)
    precision: Literal["district"]
    district: str = Field(min_length=1, max_length=80)


AnyPlace = Place | DistrictPlace


def place_of(entry: object) -> AnyPlace:
    """A place by what a file or a request has: without lat and lon it can be a district. ValidationError."""
    if isinstance(entry, dict):
        keys = cast("dict[str, object]", entry)
        if keys.get("precision") == "district" and "lat" not in keys and "lon" not in keys:
            return DistrictPlace.model_validate(keys)
    return Place.model_validate(entry)


class PublicPlace(BaseModel):
    """A place as anybody may see it."""

    model_config = ConfigDict(frozen=True)

    label: str
    lat: float
    lon: float
    precision: Precision


def grid_cell(lat: float, lon: float) -> Spot:
    """The centre of the cell of 100 m around a place, to five decimals (1 m).

    Rows are 0.0009 degrees high. A row is cut into a whole number of cells, as wide as high in its middle. So
    a place is always in the same cell, however often it is asked: there is nothing to average away.
    """
    row = min(floor(lat / _ROW), floor(90 / _ROW) - 1)
    middle = (row + 0.5) * _ROW
    cells = max(1, round(360 * cos(radians(middle)) / _ROW))
    width = 360 / cells
    column = floor((lon + 180) / width) % cells
    return Spot(round(middle, 5), round((column + 0.5) * width - 180, 5))


def public_place(place: AnyPlace, districts: Mapping[str, Spot]) -> PublicPlace:
    """What the public may see of it. Raises PlaceError; never falls back to the exact place."""
    if isinstance(place, DistrictPlace) or place.precision == "district":
        name = place.district
        if not name and isinstance(place, Place):
            found = nearest(districts, place.lat, place.lon)
            if found is None:
                raise PlaceError('no district is near: name one, or choose precision "grid"')
            name = found
        if name not in districts:
            raise PlaceError(f"there is no district {name!r}; there are: {', '.join(districts)}")
        return PublicPlace(label=place.label, precision="district", **districts[name]._asdict())
    spot = Spot(place.lat, place.lon) if place.precision == "exact" else grid_cell(place.lat, place.lon)
    return PublicPlace(label=place.label, precision=place.precision, **spot._asdict())


class Current(Mapping[str, T], Generic[T]):
    """Reads like a dict. Who is going through it goes on with what it began with."""

    def __init__(self, items: Mapping[str, T]) -> None:
        self._items = dict(items)

    def replace(self, items: Mapping[str, T]) -> None:
        self._items = dict(items)

    def __getitem__(self, node: str) -> T:
        return self._items[node]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)


class CurrentPlaces:
    """The places as they are now; a reload or an enrolment exchanges them. `exact` is the gateway's own."""

    def __init__(self, exact: Mapping[str, Place], public: Mapping[str, PublicPlace]) -> None:
        self.exact = Current(exact)
        self.public = Current(public)

    def replace(self, exact: Mapping[str, Place], public: Mapping[str, PublicPlace]) -> None:
        self.exact.replace(exact)
        self.public.replace(public)
