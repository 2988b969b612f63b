"""How fast the simulated city is: .venv/bin/python -m bench.city

Prints, by the processor's time of one core: the true field, the field with what sensors see, and light nodes'
messages. With --whole also what 200 nodes see in 60 days, a reading a minute. With --command: 1,000 light
nodes through `dustline sim fleet` into files, twice with the same seed, by the clock and by the processor's
time, and whether the bytes are equal.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from simulator.city.light import LightFleet
from simulator.city.record import digest, truth_path
from simulator.city.scenario import parse

SCENARIO = """
name = "bench"
seed = {seed}
start = 2026-01-05T00:00:00Z
days = 60
[fleet]
nodes = {nodes}
[[fleet.kit]]
sensors = ["sds011", "bme280"]
[[fleet.kit]]
sensors = ["pms5003", "bme280"]
[[fleet.kit]]
sensors = ["sps30", "sht4x"]
[[fault]]
kind = "stuck"
share = 0.1
hours = 24
[[fault]]
kind = "clogging"
share = 0.1
hours = 240
"""
ROWS = 60


def lights(nodes: int, seed: int = 1) -> LightFleet:
    return LightFleet(parse(SCENARIO.format(nodes=nodes, seed=seed)))


def tell(what: str, count: int, seconds: float, period_s: int = 60, nodes: int = 1000) -> None:
    rate = count / seconds
    times = rate * period_s / nodes
    click.echo(f"{what:30} {rate:12,.0f} readings/s, {times:10,.0f} times real time at 1,000 nodes")


def processor_s() -> float:
    """Of all child processes so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def through_the_command(hours: float, seed: int) -> bool:
    """Whether two runs gave the same bytes, each at 1,000 times real time, the program's start included."""
    digests: list[tuple[str, str]] = []
    fast = True
    with tempfile.TemporaryDirectory(prefix="dustline-bench-") as folder:
        scenario = Path(folder) / "bench.toml"
        scenario.write_text(SCENARIO.format(nodes=1000, seed=seed))
        for number in range(2):
            path = Path(folder) / f"{number}.jsonl.gz"
            words = [
                "--depth",
                "light",
                "--scenario",
                str(scenario),
                "--hours",
                str(hours),
                "--record",
                str(path),
            ]
            started, used = time.monotonic(), processor_s()
            done = subprocess.run(
                [sys.executable, "-m", "dustline.cli", "sim", "fleet", *words],
                capture_output=True,
                text=True,
                check=True,
            )
            seconds = time.monotonic() - started
            digests.append((digest(path), digest(truth_path(path))))
            size = (path.stat().st_size + truth_path(path).stat().st_size) / 1e6
            click.echo(f"{done.stdout.splitlines()[0]}")
            used = processor_s() - used
            fast &= hours * 3600 / used >= 1000
            click.echo(
                f"{seconds:.1f} s with its start: {hours * 3600 / seconds:,.0f} times real time; "
                f"{used:.1f} s of a processor: "
                f"{hours * 3600 / used:,.0f} times; {size:.0f} MB"
            )
    same = digests[0] == digests[1]
    click.echo(f"SHA-256 of messages and truth: {digests[0][0][:16]}, {digests[0][1][:16]}")
    click.echo("the same bytes twice" if same else f"OTHER BYTES: {digests[1][0][:16]}, {digests[1][1][:16]}")
    return same and fast


@click.command()
@click.option("--whole", is_flag=True, help="200 nodes for 60 days as well.")
@click.option("--command", is_flag=True, help="1,000 nodes through the command, and nothing else.")
@click.option("--hours", default=6.0, show_default=True, help="Of --command.")
@click.option("--seed", default=1, show_default=True)
def main(whole: bool, command: bool, hours: float, seed: int) -> None:
    """How fast the simulated city is. Ends with 1 when --command finds other bytes, or less than 1,000 times
    real time by the processor's time; by the clock it hangs on what else the machine does."""
    if command:
        sys.exit(0 if through_the_command(hours, seed) else 1)
    fleet = lights(1000, seed)
    fleet.block(0, ROWS)  # what is made once
    started = time.process_time()
    for first in range(0, 6 * ROWS, ROWS):
        fleet.sensors.spots.truth(fleet.middles(fleet.ends(first, ROWS)))
    tell("truth", 6 * ROWS * 1000, time.process_time() - started)
    started = time.process_time()
    for first in range(0, 6 * ROWS, ROWS):
        fleet.block(first, ROWS)
    tell("truth and what sensors see", 6 * ROWS * 1000, time.process_time() - started)
    count = 0
    started = time.process_time()
    for _, behind in fleet.messages():
        count += len(behind)
        if count >= 3 * ROWS * 1000:
            break
    tell("light nodes' messages", count, time.process_time() - started)
    if whole:
        fleet = lights(200, seed)
        started, wall = time.process_time(), time.monotonic()
        total = 0.0
        for first in range(0, fleet.rows, 6 * ROWS):
            block = fleet.block(first, min(6 * ROWS, fleet.rows - first))
            total += float(block.seen.pm25.mean())
        count = fleet.rows * 200
        click.echo(
            f"200 nodes, 60 days: {count:,} readings in {time.process_time() - started:.1f} s of one core, "
            f"{time.monotonic() - wall:.1f} s by the clock"
        )


if __name__ == "__main__":
    main()
