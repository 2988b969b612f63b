"""Real places in Warsaw where simulated nodes hang, WGS 84."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """`name` can be a node's name; `load` is how much more or less particles than in the city on average."""

    name: str
    label: str
    lat: float
    lon: float
    load: float


PLACES = (
    Place("centrum", "Śródmieście, Pałac Kultury i Nauki", 52.2319, 21.0067, 1.15),
    Place("zoliborz", "Żoliborz, plac Wilsona", 52.2692, 20.9842, 0.95),
    Place("stadion", "Praga-Południe, Stadion Narodowy", 52.2395, 21.0455, 1.10),
    Place("wilanow", "Wilanów, pałac", 52.1651, 21.0905, 0.85),
    Place("mlociny", "Bielany, metro Młociny", 52.2908, 20.9294, 1.00),
    Place("ochota", "Ochota, plac Narutowicza", 52.2190, 20.9843, 1.20),
    Place("wola", "Wola, rondo Daszyńskiego", 52.2300, 20.9828, 1.25),
    Place("kabaty", "Ursynów, metro Kabaty", 52.1314, 21.0658, 0.80),
    Place("lazienki", "Śródmieście, Łazienki Królewskie", 52.2148, 21.0356, 0.75),
    Place("stare-miasto", "Śródmieście, Rynek Starego Miasta", 52.2497, 21.0122, 1.05),
)


def find_place(name: str) -> Place:
    """Raises ValueError that lists the names."""
    for place in PLACES:
        if place.name == name:
            return place
    raise ValueError(f"no place {name!r}; there are: {', '.join(place.name for place in PLACES)}")
