"""Which sensors the bench knows."""

from __future__ import annotations

import random

from bench.corruption import polled, stream
from bench.corruption.bme280 import Bme280
from bench.corruption.rig import POOL, Rig, Tally
from dustline import firmware_path

firmware_path.importable()

import node  # noqa: E402

RIGS: dict[str, type[Rig]] = {
    "sds011": stream.Sds011,
    "pms5003": stream.Plantower,
    "pms3003": stream.Pms3003,
    "pms5003t": stream.Pms5003t,
    "pms5003st": stream.Pms5003st,
    "pmsa003i": polled.Pmsa003i,
    "sps30-uart": stream.Sps30Uart,
    "sps30-i2c": polled.Sps30I2c,
    "sen5x": polled.Sen5x,
    "sht3x": polled.Sht3x,
    "sht4x": polled.Sht4x,
    "dht22": polled.Dht22,
    "bme280": Bme280,
}


def run(name: str, kind: str, part: int, damaged: int, seed: int, pool: int = POOL) -> Tally:
    """One series of a sensor: so many damaged frames, all damaged alike. The same for the same arguments."""
    chance = random.Random(f"{seed} {name} {kind} {part}")
    # What a node loads for a moment stays loaded here: CPython takes a thousand times as long to import it.
    forget, node.forget = node.forget, lambda _name: None
    try:
        return RIGS[name](chance, pool).stretches(kind, damaged)
    finally:
        node.forget = forget
