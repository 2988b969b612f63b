"""Does a reading cost the same with many nodes, and with a large journal? python -m bench.scale

    python -m bench.scale [--readings N] [--nodes N ...] [--held N] [--rounds N] [--directory DIR]

Real Mosquitto, the gateway as a process of its own, InfluxDB 1. Messages of one reading, which the broker
holds before the gateway begins. Each case has a journal of its own, which knows the nodes already. The cases
take turns, so that what else the machine does meets them alike; figures are medians, the spread in brackets.
The large journals (10 million readings: 1.5 GB) are made by bulk SQL in DIR and deleted at the end.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import astuple
from pathlib import Path
from statistics import median
from typing import TypeVar

from bench.scale.costs import Cost, delivery_cost, journal_cost, questions, start_ms
from bench.scale.fill import fill
from tests.gateway.destinations.servers import Influx1
from tests.support import Mosquitto, choose_port

K = TypeVar("K")
T = TypeVar("T")

FLAT = 1.2  # a reading may cost so much more than the baseline's
SMALL_NODES = 1000
SMALLEST = 20  # readings that each node has before, at the least
HELD_BEFORE = 200  # the same in the first part
_ROOM_BYTES = 400  # of disk, for each reading that is held


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--readings", type=int, default=40000, help="of each case and round")
    parser.add_argument("--nodes", type=int, nargs="+", default=[1000, 10, 10000], help="the first: baseline")
    parser.add_argument("--held", type=int, nargs="+", default=[20_000, 1_000_000, 10_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--directory", type=Path, help="where to write; give the journal's disk")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dustline-scale-", dir=chosen.directory) as name:
        folder = Path(name)
        room = sum(chosen.held) * _ROOM_BYTES
        if shutil.disk_usage(folder).free < room:
            print(f"{folder}: {room / 1e9:.0f} GB of free disk are needed")
            return 2
        broker = Mosquitto(folder, choose_port(), ["max_queued_bytes 0"]).start()
        try:
            by_nodes(folder, broker.port, chosen.nodes, chosen.readings, chosen.rounds)
            by_journal(folder, broker.port, chosen.held, chosen.readings, chosen.rounds)
        finally:
            broker.stop()
    return 0


def by_nodes(folder: Path, port: int, nodes: list[int], readings: int, rounds: int) -> None:
    """The same number of readings of few nodes and of many."""
    homes = {count: _home(folder, f"nodes-{count}", count, HELD_BEFORE) for count in nodes}
    found = _in_turns(
        rounds, {count: lambda c=count: journal_cost(homes[c], port, c, readings) for count in nodes}
    )
    print(f"\n{readings} readings of so many nodes, each has {HELD_BEFORE} in the journal")
    _table({f"{count} nodes": costs for count, costs in found.items()})


def by_journal(folder: Path, port: int, held: list[int], readings: int, rounds: int) -> None:
    """The same readings into a small journal and into larger ones; then what else is done with each."""
    nodes = SMALL_NODES
    homes: dict[str, Path] = {}
    for count in held:
        began = time.monotonic()
        home = homes[f"{count:,}"] = _home(folder, f"held-{count}", nodes, max(SMALLEST, count // nodes))
        size = (home / "journal.sqlite").stat().st_size
        print(
            f"a journal of {count:,} readings: {size / 1e6:,.0f} MB, {time.monotonic() - began:.0f} s to make"
        )
    cases = homes.items()
    found = _in_turns(rounds, {n: lambda h=h: journal_cost(h, port, nodes, readings) for n, h in cases})
    print(f"\n{readings} readings of {nodes} nodes, the journal holds so many before")
    _table(found)
    print("".join(f"{name:>12}" for name in ["", *homes]).rjust(42 + 12 * len(homes)) + "   last/first")
    influx = Influx1(folder / "influx", [])
    influx.start()
    try:
        influx.query("CREATE DATABASE bench")
        deliver = {n: lambda h=h: delivery_cost(h, influx.url, "bench", readings) for n, h in cases}
        _row("to InfluxDB, CPU us a reading", _in_turns(rounds, deliver))
    finally:
        influx.stop()
    paths = {name: home / "journal.sqlite" for name, home in cases}
    orderly = {name: lambda p=path: start_ms(p, orderly=True) for name, path in paths.items()}
    _row("start in good order, ms", _in_turns(rounds, orderly))
    crashed = {name: lambda p=path: start_ms(p, orderly=False) for name, path in paths.items()}
    _row("start after a crash, ms", _in_turns(1, crashed))
    asked = _in_turns(
        rounds, {n: lambda h=h: questions(h / "journal.sqlite", "node-00007") for n, h in cases}
    )
    for question in next(iter(asked.values()))[0]:
        _row(f"{question}, CPU ms", {n: [each[question] for each in all_] for n, all_ in asked.items()})


def _home(folder: Path, name: str, nodes: int, each: int) -> Path:
    home = folder / name
    home.mkdir()
    fill(home / "journal.sqlite", nodes, each)
    return home


def _in_turns(rounds: int, cases: dict[K, Callable[[], T]]) -> dict[K, list[T]]:
    found: dict[K, list[T]] = {name: [] for name in cases}
    for number in range(rounds):
        # The other way round each time: who goes first has the machine in another state.
        for name in list(cases)[:: 1 if number % 2 == 0 else -1]:
            found[name].append(cases[name]())
    return found


def _table(found: dict[str, list[Cost]]) -> None:
    print(f"{'':18}{'CPU us':>8}{'(spread)':>16}{'ratio':>7}{'file B':>8}{'written B':>11}{'readings/s':>12}")
    base = 0.0
    for name, costs in found.items():
        cpu, file, written, rate = (median(values) for values in zip(*map(astuple, costs), strict=True))
        base = base or cpu
        spread = f"({min(it.cpu_us for it in costs):.1f}-{max(it.cpu_us for it in costs):.1f})"
        beyond = "  beyond" if cpu / base > FLAT else ""
        print(
            f"{name:18}{cpu:8.1f}{spread:>16}{cpu / base:7.2f}{file:8.0f}{written:11.0f}{rate:12.0f}{beyond}"
        )


def _row(what: str, found: Mapping[str, list[float]]) -> None:
    middle = [median(values) for values in found.values()]
    low, high = min(list(found.values())[-1]), max(list(found.values())[-1])
    figures = "".join(f"{value:12.2f}" for value in middle)
    print(f"{what:42}{figures}{middle[-1] / middle[0]:8.2f}   ({low:.2f}-{high:.2f})")


if __name__ == "__main__":
    sys.exit(main())
