"""How fast the outbox wears a board's flash: .venv/bin/python -m bench.wear

The node's own outbox runs on MicroPython's Unix port, on littlefs over a RAM disk of 2 MiB with the geometry
of a 4 MB ESP32 (blocks of 4096 bytes, read and program 32), which counts what is programmed and erased. A day
of each kind: every reading acked soon, none acked, a backlog that drains beside new readings, and a full
outbox that is thinned. A reading is a PMS5003's with a BME280's values, the longest there is.
Years: until each block was erased 100,000 times, with even wear, which littlefs aims at.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import click

from simulator.bytecode import compiled
from simulator.runtime import find_firmware, find_micropython

NODE_SIDE = Path(__file__).with_name("wear_node.py")
DAY = 1440
MIB = 1 << 20
ALLOWED_MIB = 8.0
BLOCKS = 512
ERASURES = 100_000  # what a block of such a flash stands
KINDS = ("online", "offline", "drain", "full")


@dataclass(frozen=True)
class Wear:
    """What one day of a kind did: bytes programmed, blocks erased, bytes that the outbox gave, files left."""

    day: str
    programmed: int
    erased: int
    given: int
    depth: int
    files: int

    @property
    def mib(self) -> float:
        return self.programmed / MIB

    @property
    def years(self) -> float:
        return BLOCKS * ERASURES / max(1, self.erased) / 365


def measure(minutes: int, readings: int, kinds: tuple[str, ...]) -> list[Wear]:
    """Run days of `minutes` minutes, one after the other on one flash."""
    words = [str(NODE_SIDE), str(minutes), str(readings), ",".join(kinds)]
    done = subprocess.run(
        [str(find_micropython().path), "-X", "heapsize=8m", *words],
        env={**os.environ, "MICROPYPATH": f"{compiled(find_firmware())}:.frozen"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return [Wear(**json.loads(line)) for line in done.stdout.splitlines() if line.startswith("{")]


@click.command()
@click.option("--readings", default=0, help="a minute; default: one, then two")
def main(readings: int) -> None:
    """Bytes programmed and blocks erased on days of each kind."""
    worst = 0.0
    for each in (readings,) if readings else (1, 2):
        for wear in measure(DAY, each, KINDS):
            if each == 1:
                worst = max(worst, wear.mib)
            print(
                f"{each} a minute, {wear.day:8} {wear.mib:5.2f} MiB a day programmed "
                f"({wear.given / MIB:.2f} given), {wear.erased:5} erasures, {wear.years:4.0f} years",
                flush=True,
            )
    if worst:
        verdict = "within" if worst <= ALLOWED_MIB else "ABOVE"
        print(f"wear: {worst:.2f} MiB on the worst day at one reading a minute, {verdict} {ALLOWED_MIB:.0f}")
        if worst > ALLOWED_MIB:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
