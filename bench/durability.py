"""What `journal.synchronous` costs on this disk: the same readings committed with FULL and with NORMAL.

    python -m bench.durability [--directory DIR] [--readings N] [--batch N]

FULL waits at each commit until the disk has it, and survives a power cut. NORMAL leaves that to the next
checkpoint: a crash of the gateway loses nothing, a power cut what was acknowledged last. The rounds of both
take turns, so that what else the machine does meets them alike; the ratio is of the medians.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from pathlib import Path

from gateway.journal import Batch, Journal, NewReading

ROUNDS = 5
NODES = 200


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--directory", type=Path, help="Where to write; give the journal's directory.")
    parser.add_argument("--readings", type=int, default=5000, help="Per round and setting.")
    parser.add_argument("--batch", type=int, nargs="+", default=[500, 25, 1], help="Readings per commit.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        print(f"{options.readings} readings a round, {ROUNDS} rounds, in {directory}")
        for batch in options.batch:
            compare(
                Path(directory), max(batch, options.readings if batch > 1 else options.readings // 10), batch
            )


def compare(directory: Path, readings: int, batch: int) -> None:
    numbers = itertools.count(1)
    took: dict[str, list[float]] = {"FULL": [], "NORMAL": []}
    with (
        Journal(directory / f"full-{batch}.sqlite", synchronous="FULL") as full,
        Journal(directory / f"normal-{batch}.sqlite", synchronous="NORMAL") as normal,
    ):
        for _ in range(ROUNDS):
            made = [fresh(next(numbers)) for _ in range(readings)]
            took["FULL"].append(commit_all(full, made, batch))
            took["NORMAL"].append(commit_all(normal, made, batch))
    seconds: dict[str, float] = {name: statistics.median(values) for name, values in took.items()}
    rates = ", ".join(f"{name} {readings / s:,.0f}" for name, s in seconds.items())
    ratio = seconds["FULL"] / seconds["NORMAL"]
    print(f"{batch:>4} a commit: {rates} readings/s; FULL takes {ratio:.2f} times as long")


def commit_all(journal: Journal, readings: list[NewReading], batch: int) -> float:
    began = time.perf_counter()
    for at in range(0, len(readings), batch):
        journal.commit(Batch("bench", readings=readings[at : at + batch]))
    return time.perf_counter() - began


def fresh(number: int) -> NewReading:
    """Distinct readings of many nodes: repeating the same ones would be cheap, and lie."""
    node, seq = number % NODES, 1 + number // NODES
    values = {
        "pm25": number % 997 / 10,
        "pm10": number % 499 / 10,
        "temp": 21.5,
        "rh": 40.25,
        "press": 1013.0,
    }
    t = 1_790_000_000 + 60 * seq
    return NewReading(t * 1000, f"node-{node}", 1, seq, t, "ntp", 60 * seq, 60, 50, "a", "sds011", (), values)


if __name__ == "__main__":
    main()
