"""Warsaw as the city's model knows it: 18 districts and the main roads, WGS 84, by hand.

District centres and road points are read off a map to some 200 m. The two columns of weights are assumed,
not measured: `stoves` says how densely homes burn solid fuel against the city's mean, `people` how dense
the town is. That old houses without district heating stand mostly in the outer districts (Wawer,
Rembertow, Wesola, Bialoleka, Ursus, Wlochy) is common knowledge there; no open count by district was
found. Of the whole city: over 15,000 old boilers and stoves in April 2021 (tvn24.pl, Polski Alarm
Smogowy), 10,811 in February 2022 (the same), fewer than 3,000 later (mieszkaniec.pl).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.city.stable import Floats

CENTRE = (52.2300, 21.0100)
KM_PER_LAT = 111.24
KM_PER_LON = 68.26  # at 52.23 degrees north
# Where a scenario's places lie; beyond, the model knows of no sources.
BOUNDS = (52.05, 52.42, 20.75, 21.35)  # south, north, west, east


class District(NamedTuple):
    name: str
    lat: float
    lon: float
    stoves: float
    people: float


DISTRICTS = (
    District("Bemowo", 52.2386, 20.9131, 0.5, 0.9),
    District("Białołęka", 52.3200, 20.9790, 1.7, 0.5),
    District("Bielany", 52.2920, 20.9350, 0.6, 0.8),
    District("Mokotów", 52.1935, 21.0346, 0.5, 1.2),
    District("Ochota", 52.2120, 20.9720, 0.5, 1.3),
    District("Praga-Południe", 52.2395, 21.0870, 1.0, 1.3),
    District("Praga-Północ", 52.2590, 21.0350, 1.2, 1.1),
    District("Rembertów", 52.2580, 21.1630, 2.1, 0.3),
    District("Śródmieście", 52.2310, 21.0180, 0.3, 1.5),
    District("Targówek", 52.2800, 21.0640, 1.1, 0.9),
    District("Ursus", 52.1950, 20.8830, 1.3, 0.8),
    District("Ursynów", 52.1410, 21.0320, 0.6, 0.7),
    District("Wawer", 52.2000, 21.1770, 2.4, 0.3),
    District("Wesoła", 52.2470, 21.2240, 1.9, 0.2),
    District("Wilanów", 52.1530, 21.0890, 1.1, 0.3),
    District("Włochy", 52.1850, 20.9430, 1.4, 0.5),
    District("Wola", 52.2360, 20.9600, 0.5, 1.4),
    District("Żoliborz", 52.2680, 20.9800, 0.5, 1.2),
)

# (name, traffic against a usual main street, points)
ROADS: tuple[tuple[str, float, tuple[tuple[float, float], ...]], ...] = (
    ("S8, Trasa AK, Trasa Toruńska", 2.6, ((52.2400, 20.9000), (52.2600, 20.9260), (52.2745, 20.9520),
     (52.2790, 20.9880), (52.2920, 21.0230), (52.2960, 21.0600), (52.2890, 21.0990))),
    ("S2, Południowa Obwodnica", 2.0, ((52.1840, 20.8900), (52.1640, 20.9420), (52.1520, 20.9960),
     (52.1460, 21.0560), (52.1500, 21.1180), (52.1650, 21.1800), (52.1950, 21.2380))),
    ("Aleje Jerozolimskie", 1.4, ((52.1960, 20.8900), (52.2030, 20.9330), (52.2200, 20.9690),
     (52.2265, 20.9980), (52.2310, 21.0170), (52.2350, 21.0330))),
    ("Trasa Łazienkowska", 1.8, ((52.2170, 20.9790), (52.2180, 21.0030), (52.2210, 21.0240),
     (52.2270, 21.0480), (52.2330, 21.0720), (52.2350, 21.1150))),
    ("Wisłostrada", 1.5, ((52.2880, 20.9620), (52.2700, 20.9950), (52.2560, 21.0080), (52.2440, 21.0250),
     (52.2280, 21.0440), (52.2050, 21.0600), (52.1760, 21.0790))),
    ("Wał Miedzeszyński", 1.1, ((52.2430, 21.0440), (52.2280, 21.0690), (52.2000, 21.0960),
     (52.1650, 21.1350), (52.1350, 21.1850))),
    ("Aleja Niepodległości", 1.2, ((52.2230, 21.0070), (52.2100, 21.0110), (52.1900, 21.0170),
     (52.1780, 21.0200))),
    ("Puławska", 1.3, ((52.2120, 21.0210), (52.1900, 21.0230), (52.1650, 21.0190), (52.1350, 21.0130),
     (52.1070, 21.0130))),
    ("Marszałkowska, Andersa, Mickiewicza", 1.0, ((52.2140, 21.0210), (52.2300, 21.0120),
     (52.2450, 21.0020), (52.2580, 20.9940), (52.2700, 20.9840))),
    ("Jana Pawła II, Chałubińskiego", 1.1, ((52.2220, 21.0050), (52.2330, 20.9970), (52.2450, 20.9880),
     (52.2570, 20.9790))),
    ("Solidarności, Radzymińska", 1.2, ((52.2390, 20.9690), (52.2430, 20.9950), (52.2490, 21.0180),
     (52.2540, 21.0360), (52.2690, 21.0630), (52.2890, 21.1060))),
    ("Górczewska", 0.8, ((52.2400, 20.8820), (52.2390, 20.9200), (52.2380, 20.9600))),
    ("Grójecka, Krakowska", 1.1, ((52.2240, 20.9890), (52.2090, 20.9740), (52.1900, 20.9540),
     (52.1650, 20.9230))),
    ("Żwirki i Wigury", 0.8, ((52.2180, 20.9850), (52.1990, 20.9860), (52.1740, 20.9800))),
    ("Grochowska, Płowiecka", 1.1, ((52.2460, 21.0530), (52.2450, 21.0800), (52.2390, 21.1110),
     (52.2290, 21.1500), (52.2260, 21.1900))),
    ("Modlińska", 1.1, ((52.2930, 20.9960), (52.3150, 20.9650), (52.3450, 20.9350), (52.3700, 20.9100))),
    ("Dolina Służewiecka, Sikorskiego", 1.0, ((52.1640, 21.0190), (52.1660, 21.0430), (52.1730, 21.0700))),
)  # fmt: skip


def plane(lats: Floats, lons: Floats) -> tuple[Floats, Floats]:
    """Kilometres east and north of the centre."""
    return (lons - CENTRE[1]) * KM_PER_LON, (lats - CENTRE[0]) * KM_PER_LAT


def road_load(x: Floats, y: Floats) -> Floats:
    """How much of a road a place has: 1 at the kerb of a usual main street, falling off within 100 m.

    1 / (1 + (d / 60 m)^2) of the distance d to each road's nearest point; roads add up.
    """
    total = np.zeros_like(x)
    for _, weight, points in ROADS:
        nearest = np.full_like(x, 1e9)
        px, py = plane(np.array([at[0] for at in points]), np.array([at[1] for at in points]))
        for here in range(len(points) - 1):
            ax, ay, dx, dy = px[here], py[here], px[here + 1] - px[here], py[here + 1] - py[here]
            along = ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)
            along = np.minimum(np.maximum(along, 0.0), 1.0)
            ex, ey = x - (ax + along * dx), y - (ay + along * dy)
            nearest = np.minimum(nearest, ex * ex + ey * ey)
        total = total + weight / (1.0 + nearest / 0.0036)
    return total
