"""How fast the simulated city is: .venv/bin/python -m bench.city

Prints, by the processor's time of one core: the true field, the field with what sensors see, and light nodes'
messages. With --whole also what 200 nodes see in 60 days, a reading a minute.
"""

from __future__ import annotations

import time

import click

from simulator.city.light import LightFleet
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


@click.command()
@click.option("--whole", is_flag=True, help="200 nodes for 60 days as well.")
@click.option("--seed", default=1, show_default=True)
def main(whole: bool, seed: int) -> None:
    """How fast the simulated city is."""
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
