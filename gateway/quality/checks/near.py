"""Who stands near whom: the nearest places within a radius, found on a grid."""

from __future__ import annotations

from collections.abc import Mapping
from math import cos, hypot, radians
from typing import Protocol

_KM = 111.2  # of a degree of latitude
_CELL_KM = 2.0


class Spot(Protocol):
    """Where a node stands, degrees north and east."""

    @property
    def lat(self) -> float: ...
    @property
    def lon(self) -> float: ...


class Near:
    """Places as they are now, on a plane: right within 1 % for the size of a city or a region."""

    def __init__(self, places: Mapping[str, Spot]) -> None:
        spots = list(places.items())
        middle = sum(spot.lat for _, spot in spots) / len(spots) if spots else 0.0
        east = _KM * cos(radians(middle))
        self._at = {name: (spot.lat * _KM, spot.lon * east) for name, spot in spots}
        self._cells: dict[tuple[int, int], list[str]] = {}
        for name, (y, x) in self._at.items():
            self._cells.setdefault((int(y // _CELL_KM), int(x // _CELL_KM)), []).append(name)

    def to(self, name: str, km: float, enough: int) -> list[str]:
        """Others within `km`, nearest first: all of them, or at least the nearest `enough`."""
        here = self._at.get(name)
        if here is None:
            return []
        found: list[tuple[float, str]] = []
        row, column = int(here[0] // _CELL_KM), int(here[1] // _CELL_KM)
        ring = 0
        # What lies beyond the rings that were searched is further away than that.
        while (ring - 1) * _CELL_KM < km and _within(found, (ring - 1) * _CELL_KM) < enough:
            for cell in _ring(row, column, ring):
                for other in self._cells.get(cell, ()):
                    there = self._at[other]
                    distance = hypot(there[0] - here[0], there[1] - here[1])
                    if other != name and distance <= km:
                        found.append((distance, other))
            ring += 1
        return [other for _, other in sorted(found)]


def _within(found: list[tuple[float, str]], km: float) -> int:
    return sum(distance <= km for distance, _ in found)


def _ring(row: int, column: int, ring: int) -> list[tuple[int, int]]:
    """The cells that are so many steps away."""
    if ring == 0:
        return [(row, column)]
    steps = range(-ring, ring + 1)
    sides = [(row + step, column + side) for step in steps for side in (-ring, ring)]
    return sides + [(row + side, column + step) for step in steps[1:-1] for side in (-ring, ring)]
