"""What a scenario's events do to the air. The size of each is the scenario's `strength`.

Saharan dust: coarse; PM2.5 hardly rises while PM10 does (uni.wroc.pl, dust of 6 to 7 February 2021 over
Lower Silesia). A quarter of it below 2.5 um is assumed. Fireworks: hourly PM10 after midnight of 200 to
850 ug/m3 at the most exposed German stations and back to normal within three hours in wind (UBA, New Year
2019); that four fifths are PM2.5 is assumed. Bonfire: a Gaussian plume near the ground with the spread of
neutral air over a town.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from simulator.city.scenario import Event
from simulator.city.stable import Floats, Ints, cosine, exp, ramp, sine
from simulator.city.warsaw import plane

if TYPE_CHECKING:
    from simulator.city.field import Spots

DUST_FINE, DUST_FINEST = 0.25, 0.05  # of dust's PM10: below 2.5 um, below 1 um
SHARES = {"fireworks": (0.65, 0.80, 1.0, 0.15), "bonfire": (0.88, 1.0, 1.12, 0.08)}  # PM1 PM2.5 PM10 kappa
AFTER_H = 14.0  # so long after its end fireworks may still be in the air
REACH_KM = 6.0  # of a bonfire


def inversion(events: Iterable[Event], hours: Ints) -> Floats:
    return _hourly(events, hours, "inversion", 4.0)


def fog(events: Iterable[Event], hours: Ints) -> Floats:
    return _hourly(events, hours, "fog", 1.5)


def dust(events: Iterable[Event], hours: Ints) -> Floats:
    """ug/m3 of PM10."""
    return _hourly(events, hours, "dust", 6.0)


def _hourly(events: Iterable[Event], hours: Ints, kind: str, edge_h: float) -> Floats:
    """The strongest of this kind at each hour; it comes and goes in `edge_h`, or a third of its length."""
    out = np.zeros(hours.shape)
    for event in events:
        if event.kind == kind:
            edge = min(edge_h, event.length_s / 3600.0 / 3.0)
            since = hours.astype(np.float64) - event.begin / 3600.0
            left = event.length_s / 3600.0 - since
            out = np.maximum(out, event.size * ramp(since, 0.0, edge) * ramp(left, 0.0, edge))
    return out


def add(
    event: Event, spots: Spots, times: Floats, parts: list[Floats], kappa: Floats
) -> tuple[list[Floats], Floats]:
    """Add a short event to [PM1, PM2.5, PM10] (T, N), and its share to the kappa of the fine part."""
    if event.kind not in SHARES:
        return parts, kappa
    last = event.begin + event.length_s + (AFTER_H * 3600.0 if event.kind == "fireworks" else 0.0)
    if float(times.max()) < event.begin or float(times.min()) > last:
        return parts, kappa
    amount = (_fireworks if event.kind == "fireworks" else _bonfire)(event, spots, times)
    *shares, own = SHARES[event.kind]
    before = parts[1]
    parts = [part + share * amount for part, share in zip(parts, shares, strict=True)]
    # Where nothing comes, not even the last bit may move.
    both = (kappa * before + own * shares[1] * amount) / np.maximum(parts[1], 1e-9)
    kappa = np.where(amount > 0.0, both, kappa)
    return parts, kappa


def _fireworks(event: Event, spots: Spots, times: Floats) -> Floats:
    """PM10: up while they are shot, then away with a time constant of wind and mixing height."""
    hour = np.array([int(event.begin // 3600)])
    w = spots.city.weather(hour)
    lasts = 1.1 * 2200.0 / float(((w.wind + 0.6) * (w.mixing + 60.0))[0])
    lasts = 3600.0 * min(4.0, max(0.5, lasts))
    since = times - event.begin
    rise = np.minimum(np.maximum(since / event.length_s, 0.0), 1.0)
    course = 1.5 * rise * exp(-np.maximum(since - event.length_s, 0.0) / lasts)
    place = np.minimum(1.4, spots.town * spots.town * 1.1 + 0.08)
    return event.size * course * place[None, :]


def _bonfire(event: Event, spots: Spots, times: Floats) -> Floats:
    """PM2.5 of a plume near the ground, its wind the hour's own; it burns up and down within 20 minutes."""
    assert event.lat is not None
    assert event.lon is not None
    hours = np.floor(times / 3600.0).astype(np.int64)
    first = int(hours.min())
    w = spots.city.weather(np.arange(first, int(hours.max()) + 1))
    wind, turn = w.wind[hours - first], w.wind_from[hours - first]
    px, py = plane(np.array([event.lat]), np.array([event.lon]))
    dx, dy = (spots.x - px)[None, :], (spots.y - py)[None, :]
    to_x, to_y = -sine(turn), -cosine(turn)
    along, across = dx * to_x + dy * to_y, dy * to_x - dx * to_y
    meander = 0.10 * np.minimum(2.0, 2.0 / np.maximum(wind, 0.3))
    near = np.maximum(along, 0.0)
    # Spread in km; the strength is what the axis has at 0.2 km in 2 m/s.
    broad = 0.015 + (0.08 + meander) * near
    deep = 0.010 + 0.07 * near
    scale = (0.015 + 0.18 * 0.2) * (0.010 + 0.07 * 0.2)
    axis = scale / (broad * deep) * np.minimum(3.0, 2.0 / wind)
    shape = exp(-0.5 * (across / broad) * (across / broad)) * (along > -0.02) * (along < REACH_KM)
    since = times - event.begin
    burns = ramp(since, 0.0, 1200.0) * ramp(event.length_s - since, 0.0, 1200.0)
    return event.size * burns * np.minimum(4.0, axis) * shape
