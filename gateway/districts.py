"""Districts: names and a centre each, for places that are shown no more exactly than that.

A city names its own in `districts_file`. Without one these are Warsaw's 18. Their centres were set by hand,
from knowledge of the city's map, some hundred metres exact; they are signs on a map and bound nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import cos, hypot, radians
from typing import NamedTuple

_KM = 111.2  # of a degree of latitude
# Further from every centre than that, the nearest one says nothing.
_MOST_KM = 15.0


class Spot(NamedTuple):
    """Degrees north and east."""

    lat: float
    lon: float


WARSAW: Mapping[str, Spot] = {
    "Bemowo": Spot(52.239, 20.913),
    "Białołęka": Spot(52.320, 20.979),
    "Bielany": Spot(52.292, 20.935),
    "Mokotów": Spot(52.194, 21.035),
    "Ochota": Spot(52.212, 20.972),
    "Praga-Południe": Spot(52.240, 21.087),
    "Praga-Północ": Spot(52.259, 21.035),
    "Rembertów": Spot(52.258, 21.163),
    "Śródmieście": Spot(52.231, 21.018),
    "Targówek": Spot(52.280, 21.064),
    "Ursus": Spot(52.195, 20.883),
    "Ursynów": Spot(52.141, 21.032),
    "Wawer": Spot(52.200, 21.177),
    "Wesoła": Spot(52.247, 21.224),
    "Wilanów": Spot(52.153, 21.089),
    "Włochy": Spot(52.185, 20.943),
    "Wola": Spot(52.236, 20.960),
    "Żoliborz": Spot(52.268, 20.980),
}


def nearest(districts: Mapping[str, Spot], lat: float, lon: float) -> str | None:
    """The district with the nearest centre; None when all are more than 15 km away.

    Near a border it may be the neighbour: name the district where that matters.
    """
    east = cos(radians(lat))

    def away(name: str) -> float:
        centre = districts[name]
        return _KM * hypot(centre.lat - lat, (centre.lon - lon) * east)

    best = min(districts, key=away, default=None)
    return best if best is not None and away(best) <= _MOST_KM else None
