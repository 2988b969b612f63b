"""How near to the truth values come, raw and corrected, and which faults are found.

    python -m bench.accuracy                                   # 200 nodes, 28 + 60 days, three seeds
    python -m bench.accuracy --nodes 40 --days 7 --seeds 1     # a pressed run

Exit code 1 when a goal is missed.
"""

from __future__ import annotations

import sys
import time

import click
import numpy as np

from bench.accuracy import tables, ways
from bench.accuracy.detect import Detection, detect
from bench.accuracy.judged import judge
from bench.accuracy.product import correct
from bench.accuracy.town import HOUR, NEEDED, Floats, Hourly, Means, Size, Town
from gateway.quality.calibration.fit import Rules
from gateway.quality.checks.bits import CLIMATE, UNFIT

RENEW_DAYS = 7


def hourly_of(town: Town, qc: np.ndarray) -> Hourly:
    """All hours of all units, without what the checks found."""
    means = [Means(town.hours, len(town.units)) for _ in range(3)]
    for first in town.blocks():
        values = town.values(town.block(first))
        bits = qc[first : first + len(values.born)]
        bad = (bits & UNFIT) != 0
        dry = (bits & CLIMATE) != 0
        for mean, value, out in zip(
            means, (values.pm, values.rh, values.temp), (bad, bad | dry, bad | dry), strict=True
        ):
            mean.add(values.hour, np.where(out, np.nan, value))
    least = NEEDED * town.expected
    return Hourly(ways.starts(town), *(mean.take(least) for mean in means))


def score(town: Town, qc: np.ndarray, made: list[ways.Made]) -> tables.Scored:
    """The scored days by every way, as hourly means; made[1:] are those renewed every RENEW_DAYS."""
    first_hour = (town.split - town.begin) // HOUR
    hours, units = town.hours - first_hour, len(town.units)
    means = {name: Means(hours, units) for name in (*tables.WAYS, "truth") if name != tables.BOUND}
    product = correct(town, qc, made[0])
    for first in town.blocks():
        if first < town.size.collocation * town.per_day - 1:
            continue
        values = town.values(town.block(first))
        bits = qc[first : first + len(values.born)]
        good = (bits & UNFIT) == 0
        rh = np.where((bits & CLIMATE) == 0, values.rh, np.nan)
        hour = values.hour - first_hour
        day = first // town.per_day - town.size.collocation
        renewed = made[min(1 + max(0, day) // RENEW_DAYS, len(made) - 1)]
        pm = np.where(good, values.pm, np.nan)

        def by(of: dict, pm: Floats = pm, rh: Floats = rh, temp: Floats = values.temp) -> Floats:
            return ways.apply(of, pm, rh, temp)

        everything = dict.fromkeys(range(units), ways.KAPPA)
        found = {
            "raw, all of it": values.shown,
            "raw": np.where(good, values.shown, np.nan),
            "kappa": by(everything),
            "model": by(made[0].model),
            "calibrated": by(made[0].best),
            tables.SHARED: np.where(good, product[first : first + len(values.born)], np.nan),
            "renewed": by(renewed.best),
            "calibrated, all of it": by(made[0].best, values.pm, values.rh),
        }
        for name, value in found.items():
            means[name].add(hour, value)
        means["truth"].add(values.true_hour - first_hour, values.true)
    least = NEEDED * town.expected
    taken = {name: mean.take(least) for name, mean in means.items()}
    truth = taken.pop("truth")
    taken[tables.BOUND] = _bound(taken[tables.HEADED], truth)
    held = np.array([station is None for station in town.station_of])
    return tables.Scored(truth, taken, town.models, held)


def _bound(value: Floats, truth: Floats) -> Floats:
    """Each unit times the gain that fits the truth best: a diagnosis, as no calibration can know it."""
    both = np.isfinite(value) & np.isfinite(truth)
    x, y = np.where(both, value, 0.0), np.where(both, truth, 0.0)
    square = (x * x).sum(axis=0)
    return value * np.where(square > 0, (x * y).sum(axis=0) / np.where(square > 0, square, 1.0), 1.0)


@click.command()
@click.option("--nodes", default=200, show_default=True)
@click.option("--days", default=60, show_default=True, help="That are scored.")
@click.option("--collocation", default=28, show_default=True, help="Days before, to calibrate in.")
@click.option("--seeds", default="11,12,13", show_default=True)
@click.option("--period", default=300, show_default=True, help="Seconds from one reading to the next.")
def main(nodes: int, days: int, collocation: int, seeds: str, period: int) -> None:
    """How near to the truth values come, and which faults are found."""
    size = Size(nodes=nodes, days=days, collocation=collocation, period_s=period)
    rules = Rules() if collocation >= 14 else Rules(hours=24, days=1, pm_span=1.0)
    scored: list[tables.Scored] = []
    found = Detection()
    for seed in map(int, seeds.split(",")):
        began = time.process_time()
        town = Town(size, seed)
        qc = judge(town)
        judged = time.process_time()
        detect(town, qc, found)
        hourly = hourly_of(town, qc)
        split = collocation * 24
        made = [ways.calibrate(town, hourly, 0, split, rules)]
        for day in range(0, days, RENEW_DAYS):
            made.append(ways.calibrate(town, hourly, day * 24, split + day * 24, rules, made[-1]))
        scored.append(score(town, qc, made))
        tables.tell_seed(seed, scored[-1], made[0].told)
        click.echo(
            f"  {time.process_time() - began:.0f} s of one core, {judged - began:.0f} s of it checks\n",
            err=True,
        )
    met = tables.tell(scored, found, size)
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
