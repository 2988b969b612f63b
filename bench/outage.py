"""Days without a network, then back, in simulated time: make outage, or .venv/bin/python -m bench.outage

The whole firmware on MicroPython's Unix port with an emulated PMS5003 and BME280 and a real Mosquitto: more
than an hour with a network, 14 days without (--days), power failing when two thirds of these are over, then
back. Every reading must arrive once, in order per boot, at its right time. See tests/firmware/days/outage.py.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from simulator.days.world import NodeError, World
from tests.firmware.days.outage import DAY, Outage, live_through


def _report(outage: Outage) -> None:
    for boot, last in sorted(outage.born.items()):
        held = sum(one.boot == boot for one in outage.arrivals)
        print(f"boot {boot}: {last} born, {held} arrived", end="")
        for (of, quality), count in outage.qualities.items():
            if of == boot:
                error = outage.errors_s.get((boot, quality))
                print(
                    f"; {count} {quality}"
                    + (f", wrong by {error:+.2f} s at most" if error is not None else ""),
                    end="",
                )
        print()
    print(
        f"outbox: {outage.most_bytes} bytes at most, {outage.thinned} readings thinned; "
        f"{outage.repeated} came again"
    )
    drained, live = outage.drained(), outage.live()
    if len(drained) > 1:
        first, last = drained[0], drained[-1]
        simulated, real = max(last.at - first.at, 1e-3), max(last.real - first.real, 1e-3)
        batches = len({one.batch for one in drained})
        a_minute, a_second = 60 * len(drained) / simulated, len(drained) / real
        print(
            f"drain: {len(drained)} readings in {simulated:.0f} simulated s ({a_minute:.0f} a minute) and in "
            f"{real:.1f} real s ({a_second:.0f} a second), {batches} batches; the first "
            f"{first.at - outage.back:.0f} s after the network was back"
        )
    if live:
        ages = sorted(one.at - outage.births[one.boot, one.reading["seq"]] for one in live)
        print(
            f"born meanwhile: {len(live)}, delivered {ages[len(ages) // 2]:.1f} s (median), {ages[-1]:.1f} s "
            "(most) after birth"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description="Days without a network, then back.")
    parser.add_argument("--days", type=float, default=14.0)
    parser.add_argument("--heap", default="1m")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--ppm", type=float, default=0.0, help="how much the node's crystal is slow")
    parser.add_argument("--firmware", type=Path, help="another folder than this checkout's")
    parser.add_argument("--log", type=Path, help="keep the node's console here")
    chosen = parser.parse_args()
    began = time.monotonic()

    def watch(world: World) -> None:
        print(f"{time.monotonic() - began:5.0f} s: day {world.now() / DAY:.2f}", file=sys.stderr)

    try:
        outage = live_through(
            chosen.days,
            heap=chosen.heap,
            tls=chosen.tls,
            ppm=chosen.ppm,
            firmware=chosen.firmware,
            watch=watch,
        )
    except NodeError as error:
        print(f"{error}\noutage: FAIL, the node did not live through it")
        return 1
    if chosen.log:
        chosen.log.write_text(outage.log)
    _report(outage)
    wrong = outage.verdict()
    print(f"{chosen.days:g} days, {time.monotonic() - began:.0f} s in all")
    print("outage: FAIL, " + "; ".join(wrong) if wrong else "outage: PASS")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
