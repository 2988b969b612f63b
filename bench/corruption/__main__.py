"""The command; what it measures is told in __init__.py."""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import sys
import time
from collections.abc import Iterator

from bench.corruption.rig import Tally
from bench.corruption.sensors import RIGS, run

PART = 25_000  # damaged frames of one series: bounds the memory, and how long a process works on one
Job = tuple[str, str, int, int, int]


def jobs(name: str, frames: int, seed: int) -> Iterator[Job]:
    """The frames shared out equally over the kinds of damage, in parts."""
    kinds = list(RIGS[name].KINDS)
    for number, kind in enumerate(kinds):
        left = frames // len(kinds) + (number < frames % len(kinds))
        for part in range((left + PART - 1) // PART):
            yield name, kind, part, min(PART, left - part * PART), seed


def work(job: Job) -> tuple[str, Tally]:
    return job[1], run(*job)


def bound(count: int) -> float:
    """The Poisson mean under which so few are seen in 5 % of cases: Wilson and Hilferty's approximation of
    the chi-square quantile, 3 for none."""
    if not count:
        return 3.0
    n = count + 1
    return n * (1 - 1 / (9 * n) + 1.645 / (3 * n**0.5)) ** 3


def rate(count: int, frames: int) -> str:
    """'12  1.2e-06 < 1.9e-06'"""
    if not frames:
        return f"{count:>9}"
    if not count:
        return f"{0:>9}          < {3 / frames:.1e}"
    return f"{count:>9}  {count / frames:.1e} < {bound(count) / frames:.1e}"


def row(name: str, tally: Tally) -> str:
    ratio = "-"
    if tally.naive_wrong:
        ratio = f"{'' if tally.wrong else '> '}{tally.naive_wrong / bound(0):.0f}"
        if tally.wrong:
            ratio = f"{tally.naive_wrong / tally.wrong:.1f}"
    lost = f"{tally.naive_lost}/{tally.lost}"
    return (
        f"  {name:38} {tally.damaged:>9}  {rate(tally.naive_wrong, tally.damaged):30}"
        f"  {rate(tally.wrong, tally.damaged):30} {ratio:>9} {tally.refused:>9}  {lost:>17} of {tally.intact}"
    )


def report(name: str, tallies: dict[str, Tally]) -> None:
    print(
        f"{name}\n  {'damage':38} {'frames':>9}"
        f"  {'checksum only: wrong, rate':30}  {'driver: wrong, rate':30}"
        f" {'ratio':>9} {'refused':>9}  {'lost: checksum only/driver'}"
    )
    total, line = Tally(), Tally()
    for kind, tally in tallies.items():
        print(row(kind, tally))
        total.add(tally)
        if "repeated" not in kind:
            line.add(tally)
    if line != total:
        print(row("all but what is repeated", line))
    print(row("all", total))
    print(f"  outside the datasheet's range and given as good: {total.outside}\n", flush=True)


def main() -> int:
    parse = argparse.ArgumentParser(prog="bench.corruption", description=(__doc__ or "").split("\n")[0])
    parse.add_argument("--frames", type=int, default=10_000_000, help="damaged frames per sensor")
    parse.add_argument("--sensor", choices=RIGS, action="append", help="only this one; may be given again")
    parse.add_argument("--seed", type=int, default=1)
    parse.add_argument("--jobs", type=int, default=2, help="processes")
    options = parse.parse_args()
    print(f"seed {options.seed}, {options.frames} damaged frames per sensor", flush=True)
    outside = 0
    gc.freeze()
    with multiprocessing.Pool(options.jobs) as pool:
        for name in options.sensor or RIGS:
            started = time.monotonic()
            tallies = {kind: Tally() for kind in RIGS[name].KINDS}
            done = 0
            for kind, tally in pool.imap_unordered(work, jobs(name, options.frames, options.seed)):
                tallies[kind].add(tally)
                done += tally.damaged
                print(f"\r{name} {done / options.frames:6.1%}", end="", file=sys.stderr, flush=True)
            print(f"\r{name} {time.monotonic() - started:.0f} s ", file=sys.stderr)
            report(name, tallies)
            outside += sum(tally.outside for tally in tallies.values())
    return 1 if outside else 0


if __name__ == "__main__":
    sys.exit(main())
