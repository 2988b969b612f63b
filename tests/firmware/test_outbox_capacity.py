"""Two weeks at one reading a minute fit into an outbox of 1 MiB, and what is longer costs resolution only."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from outbox_bench import each, fill_fast

from node.outbox import Outbox

MIB = 1 << 20
FORTNIGHT = 14 * 24 * 60

Air = dict[str, Any]


def weather(rng: random.Random, i: int) -> Air:
    """What a BME280 says of a Warsaw winter's weeks."""
    day = abs(i % 1440 - 720) / 720
    return {
        "temp": round(4 - 9 * day + rng.gauss(0, 2), 2),
        "rh": round(min(99.5, 70 + 25 * day + rng.gauss(0, 3)), 2),
        "press": round(1005 + 15 * rng.random(), 2),
    }


def smog(rng: random.Random, i: int) -> float:
    """PM2.5: quiet days, evenings of smoke."""
    evening = max(0.0, 1 - abs(i % 1440 - 1200) / 240)
    return max(0.3, rng.lognormvariate(2.9, 0.7) + 40 * evening * rng.random())


def sds011(rng: random.Random, i: int) -> Air:
    pm25 = smog(rng, i)
    values = {"pm25": round(pm25, 2), "pm10": round(pm25 * 1.5, 2), "pm25_sd": round(pm25 * 0.05, 2)}
    return {"model": "sds011", "n": 58, **values, "pm10_sd": round(pm25 * 0.1, 2)}


def pms5003(rng: random.Random, i: int) -> Air:
    pm25 = smog(rng, i)
    values = {"pm1": round(pm25 * 0.66, 2), "pm25": round(pm25, 2), "pm10": round(pm25 * 1.2, 2)}
    above = 1 if pm25 < 30 else 1.25  # CF=1 leaves the atmospheric channel at some 30 ug/m3
    values |= {name + "_cf1": round(value * above, 2) for name, value in values.items()}
    values |= {"pm25_sd": round(pm25 * 0.05, 2), "pm10_sd": round(pm25 * 0.08, 2)}
    share = {"n03": 180, "n05": 52, "n1": 9, "n25": 0.9, "n5": 0.2, "n10": 0.08}
    values |= {name: round(pm25 * per * rng.uniform(0.9, 1.1)) for name, per in share.items()}
    return {"model": "pms5003", "n": 58, **values}


def fill(folder: Path, sensor: Callable[[random.Random, int], Air], count: int, size: int = MIB) -> Outbox:
    rng = random.Random(4)
    outbox = Outbox(str(folder), size)
    outbox.open()

    def reading(i: int) -> Air:
        shared = {"slot": "a", "up": 60 * i + 90, "dt": 60, "flags": []}
        return shared | sensor(rng, i) | weather(rng, i)

    fill_fast(outbox, count, reading)
    return outbox


@pytest.mark.parametrize("sensor", [sds011, pms5003])
def test_a_fortnight_fits_into_a_mebibyte(
    tmp_path: Path, sensor: Callable[[random.Random, int], Air]
) -> None:
    outbox = fill(tmp_path / "outbox", sensor, FORTNIGHT)
    each_takes = outbox.bytes / FORTNIGHT
    print(
        f"{sensor.__name__} and bme280: {each_takes:.1f} bytes a reading, {MIB / each_takes / 1440:.1f} days"
    )
    assert outbox.thinned == 0
    assert outbox.depth == FORTNIGHT
    assert outbox.bytes <= MIB
    assert sum(path.stat().st_size for path in (tmp_path / "outbox").glob("*.seg")) == outbox.bytes
    assert len(outbox.index) // 6 <= 17


def test_a_long_outage_is_thinned_evenly_and_the_older_the_coarser(tmp_path: Path) -> None:
    """As 40 days in a MiB: ten in a quarter of it."""
    count = 10 * 1440
    outbox = fill(tmp_path / "outbox", pms5003, count, MIB // 4)
    assert outbox.thinned
    assert outbox.depth == count - outbox.thinned
    seqs = [seq for _, seq in each(outbox)]
    assert len(seqs) == count - outbox.thinned
    steps = [late - early for early, late in zip([0, *seqs[:-1]], seqs, strict=True)]
    # A step between two segments may be a little longer or shorter than those within.
    within = [step for step, after in pairwise(steps) if step == after]
    assert within == sorted(within, reverse=True)
    assert max(within) == 8
    assert max(steps) < 16  # at the seams
    assert seqs[0] <= 8
    assert steps[-720:] == [1] * 720
    per_day = [sum(1 for seq in seqs if day * 1440 < seq <= day * 1440 + 1440) for day in range(10)]
    print("readings kept of each day, the oldest first:", per_day)
    assert per_day[0] < per_day[4] < per_day[9]
    assert per_day[0] >= 1440 // 8 - 1
