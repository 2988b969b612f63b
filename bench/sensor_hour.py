"""An hour of each sensor at its fastest, in simulated time: .venv/bin/python -m bench.sensor_hour

--minutes 20 gives each less. About 6 minutes on two cores.

The node's own measuring code and driver run as bytecode on MicroPython's Unix port in a heap of 128 KiB
(64 bit), against the emulated sensor. The node is blocked for a
second each minute, and for two every ten minutes. Columns:
  frames    events with values, of those that came or could be asked for in the time
  B/frame   bytes that the driver's feed() left to the collector, per event
  B all     bytes that everything left to it per event: 20 polls a second, the sampler, the port
  5 min, end, swing   bytes in use after a collection, and between the lowest and the highest look
  free      largest free piece at the end
  dropped   bytes that found the buffer of `rxbuf` bytes full; `most`: what it held; `at 256`: the same hour
            with the chip's default
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from simulator.bytecode import compiled
from simulator.runtime import find_firmware
from tests.firmware.hour.judge import expected, out_of_range
from tests.firmware.hour.run import NODE_SIDE, Case, Outcome, every_case, run


def _lines(good: list[Outcome], bad: list[Outcome], small: dict[Case, Outcome]) -> Iterator[str]:
    yield "On a good line:"
    yield (
        f"{'sensor':17} {'frames':>13} {'B/frame':>7} {'B all':>6} {'5 min':>6} {'end':>6} {'swing':>5} "
        f"{'free':>6} {'rxbuf':>5} {'most':>4} {'dropped':>7} {'at 256':>6}  rejects"
    )
    for outcome in good:
        (weighed,) = outcome.of("weighed")
        frames = max(weighed["events"], 1)
        uart = f"{'-':>5} {'-':>4} {'-':>7} {'-':>6}"
        if outcome.case in small:
            opened = outcome.of("open")[0]["rxbuf"]
            uart = f"{opened:5} {outcome.most:4} {outcome.dropped:7} {small[outcome.case].dropped:6}"
        yield (
            f"{outcome.case!s:17} {outcome.end['events']:5} of {expected(outcome.case):5.0f} "
            f"{weighed['feed'] / frames:7.0f} {weighed['weighed'] / frames:6.0f} {_heap(outcome)} {uart}  "
            f"{outcome.end['end']['errors'] or '-'}"
        )
    yield ""
    yield "On a bad line (faults: see BAD in tests/firmware/hour/run.py):"
    yield (
        f"{'sensor':17} {'frames':>6} {'5 min':>6} {'end':>6} {'swing':>5} {'free':>6} {'rejects':>7} "
        f"{'dips':>4} {'readings':>8} {'flagged':>7} {'out of range':>12}"
    )
    for outcome in bad:
        readings = [message["reading"] for message in outcome.of("reading")]
        flagged = sum(bool(reading["flags"]) for reading in readings)
        rejects = sum(outcome.end["end"]["errors"].values())
        yield (
            f"{outcome.case!s:17} {outcome.end['events']:6} {_heap(outcome)} {rejects:7} {outcome.dips:4} "
            f"{len(readings):8} {flagged:7} {len(out_of_range(outcome)):12}"
        )


def _heap(outcome: Outcome) -> str:
    looks = list(outcome.heap.values())
    return f"{looks[0]:6} {looks[-1]:6} {max(looks) - min(looks):5} {outcome.free[-1]:6}"


def main() -> None:
    parser = argparse.ArgumentParser(description="An hour of each sensor at its fastest.")
    parser.add_argument("--minutes", type=int, default=60, help="10 or more, a multiple of 10")
    minutes: int = parser.parse_args().minutes
    if minutes < 10 or minutes % 10:
        parser.error("--minutes: 10 or more, a multiple of 10")
    began = time.monotonic()
    compiled(NODE_SIDE)
    compiled(find_firmware())
    cases = every_case(minutes)
    uart = [case for case in cases if case.bus == "uart"]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        good = pool.map(run, cases)
        bad = pool.map(run, [replace(case, bad=True) for case in cases])
        small = dict(zip(uart, pool.map(run, [replace(case, rxbuf=256) for case in uart]), strict=True))
        print(*_lines(list(good), list(bad), small), sep="\n")
    print(f"\n{minutes} min each, {time.monotonic() - began:.0f} s in all")


if __name__ == "__main__":
    main()
