"""Hours of made-up units beside a made-up station, of which the right answer is known."""

from __future__ import annotations

import numpy as np

from gateway.quality.calibration.fit import Floats, Pairs
from gateway.quality.corrections.kappa import growth

T0 = 1_767_571_200  # 2026-01-05 00:00 UTC


def air(days: int, seed: int = 1) -> tuple[Floats, Floats, Floats]:
    """(true PM2.5, RH, T) by the hour: smog of some days, a daily swing of weather."""
    rng = np.random.default_rng(seed)
    hours = np.arange(24 * days)
    slow = np.zeros(len(hours))
    for at in range(1, len(hours)):
        slow[at] = 0.97 * slow[at - 1] + 0.24 * rng.normal()
    true = 16.0 * np.exp(0.5 * slow)
    day = np.sin(2 * np.pi * (hours - 9) / 24)
    rh = np.clip(68 - 16 * day + 6 * rng.normal(size=len(hours)), 25, 96)
    return true, rh, 4 + 5 * day + rng.normal(size=len(hours))


def pairs(
    days: int = 28,
    gain: float = 1.3,
    kappa: float = 0.3,
    offset: float = 1.0,
    noise: float = 0.05,
    seed: int = 1,
    unit: str = "n1/a",
    broken: float = 0.0,
) -> tuple[Pairs, Floats]:
    """A unit's hours beside a station, and the truth. `broken`: share of hours in which it reads five times
    too much."""
    true, rh, temp = air(days, seed)
    rng = np.random.default_rng([seed, *unit.encode()])
    grown = growth(rh, kappa, 1.65)  # type: ignore[arg-type]
    raw = np.maximum(0.0, gain * true * grown * (1 + noise * rng.normal(size=len(true))) + offset)
    raw = np.where(rng.random(len(true)) < broken, 5 * raw, raw)
    reference = np.maximum(0.0, true + rng.normal(size=len(true)))
    starts = T0 + 3600 * np.arange(len(true), dtype=np.int64)
    return Pairs(unit, "station", starts, raw, rh, temp, reference), true
