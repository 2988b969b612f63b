"""Readings, and their means as they ought to be: worked out here, not by the gateway's code."""

from __future__ import annotations

import random
from collections import defaultdict
from statistics import fmean

import pytest

from gateway.reading import StoredReading
from tests.gateway.destinations.samples import reading

DAY = 1_760_054_400  # 2025-10-10 00:00 UTC
PM, CLIMATE = ("pm1", "pm25", "pm4", "pm10", "pm25_cf1"), ("temp", "rh", "press")
CORRECTED = ("pm25_cor", "pm10_cor")
PM_FLAGS = [
    *("no_frame", "bad_checksum", "warming_up", "stuck", "saturated"),
    *("device_error", "out_of_range", "disagree", "flag_of_the_future"),
]
CLIMATE_FLAGS = ["climate_error", "climate_stuck", "out_of_range", "flag_of_the_future"]
ANY_FLAG = sorted({*PM_FLAGS, *CLIMATE_FLAGS})
Key = tuple[str, str, int]  # node, slot, time
Values = dict[int, dict[str, float]]  # by seq


def a_lot(draw: random.Random, start: int, seconds: int, first_id: int = 1) -> list[StoredReading]:
    """Readings of two nodes, one with two slots, each 10 minutes; some flagged, some without a value."""
    lot: list[StoredReading] = []
    for t in range(start, start + seconds + 1, 600):
        for node, slot in (("a", "pm"), ("a", "pmb"), ("b-2", "pm")):
            if draw.random() < 0.1:
                continue
            values = {name: round(draw.uniform(0, 200), 1) for name in PM[:4] if draw.random() < 0.9}
            if slot == "pmb":
                values |= {"temp": round(draw.uniform(-20, 30), 1), "rh": 0.0}
            flags = draw.sample(ANY_FLAG, draw.choice((1, 1, 2))) if draw.random() < 0.3 else ()
            each = len(lot) + first_id
            lot.append(reading(each, node=node, slot=slot, t=t, flags=tuple(flags), values=values))
    return lot


# Sums of the bits that docs/quality-checks.md calls bad for PM, and of the climate's.
BAD_PM, BAD_CLIMATE = 50415, 512


def judged(draw: random.Random, readings: list[StoredReading]) -> dict[int, int]:
    """Bits by seq: good, humid (suspect, to be kept), bad, climate; one in ten is not judged."""
    some = (0, 0, 0, 256, 64, 32, 512, 512 + 128, 1 << 28)
    return {each.seq: draw.choice(some) for each in readings if draw.random() < 0.9}


def corrected(draw: random.Random, readings: list[StoredReading], qc: dict[int, int]) -> Values:
    """By seq: of eight in ten of what is judged both values, the one or the other, good and bad alike."""
    some = ((), CORRECTED[:1], CORRECTED[1:], *[CORRECTED] * 3)
    return {
        each.seq: {name: round(draw.uniform(0, 99), 3) for name in draw.choice(some)}
        for each in readings
        if each.seq in qc
    }


def judgement_lines(
    readings: list[StoredReading], qc: dict[int, int], made: Values | None = None
) -> list[str]:
    return [
        f"reading,network={each.network},node={each.node},slot={each.slot} qc={qc[each.seq]}i"
        + "".join(f",{name}={value!r}" for name, value in (made or {}).get(each.seq, {}).items())
        + f" {each.t}"
        for each in readings
        if each.seq in qc
    ]


def hourly_means(
    readings: list[StoredReading], qc: dict[int, int] | None = None, made: Values | None = None
) -> dict[Key, dict[str, float]]:
    """A reading at the full hour speaks of the hour before it. With `qc` only what is judged and not bad.
    `made`: corrected values."""
    values: dict[tuple[Key, str], list[float]] = defaultdict(list)
    means: dict[Key, dict[str, float]] = defaultdict(dict)
    for each in readings:
        assert each.t is not None
        key = (each.node, each.slot, (each.t - 1) // 3600 * 3600 + 1)
        means[key]["readings"] = means[key].get("readings", 0) + 1
        for name, value in (each.values | (made or {}).get(each.seq, {})).items():
            of_pm = name in PM or name in CORRECTED
            bad = PM_FLAGS if of_pm else CLIMATE_FLAGS
            mask = BAD_PM if of_pm else BAD_CLIMATE
            rejected = qc is not None and (each.seq not in qc or qc[each.seq] & mask)
            if not (rejected or set(each.flags) & set(bad)):
                values[key, name].append(value)
    for (key, name), found in values.items():
        means[key] |= {name: fmean(found), f"{name}_n": len(found)}
    return dict(means)


def daily_means(hourly: dict[Key, dict[str, float]], shift: int = 0) -> dict[Key, dict[str, float]]:
    """The mean of the hours' means."""
    days: dict[Key, list[dict[str, float]]] = defaultdict(list)
    for (node, slot, t), means in hourly.items():
        days[node, slot, (t - 1 - shift) // 86400 * 86400 + shift + 1].append(means)
    found: dict[Key, dict[str, float]] = {}
    for key, hours in days.items():
        found[key] = {"readings": sum(each["readings"] for each in hours)}
        for name in (*PM, *CORRECTED, *CLIMATE):
            of_hours = [each[name] for each in hours if name in each]
            if of_hours:
                found[key] |= {
                    name: fmean(of_hours),
                    f"{name}_n": sum(each[f"{name}_n"] for each in hours if name in each),
                    f"{name}_hours": len(of_hours),
                }
    return found


def same(found: dict[Key, dict[str, float]], expected: dict[Key, dict[str, float]]) -> None:
    assert found.keys() == expected.keys()
    for key, means in expected.items():
        assert found[key] == pytest.approx(means, rel=1e-12), key
