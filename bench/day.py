"""A day of a node in a small heap, in simulated time: make day, or .venv/bin/python -m bench.day

The whole firmware runs as bytecode on MicroPython's Unix port (64 bit) against emulated SDS011, PMS5003 and
BME280, over TLS to Debian's Mosquitto, with an outbox that an earlier boot of the same node filled. In the
day: the gateway away in hours 4 and 5 and for an hour later, Wi-Fi off seven times for 90 s to 20 min,
connections reset, settings and commands from the gateway, bad lines in hours 2, 9 and 21. See
tests/firmware/days/day.py.

Each line is an hour; the heap is looked at twelve times in it:
  calm      the least that a collection left while the gateway was heard, bytes
  unheard   the same while it was away and the node connected: a batch waits in the heap
  offline   the same without a connection
  peak      the most that was seen in use, garbage included: it is looked at 4 times a simulated second and
            before each collection that the firmware asks for
  largest   the smallest "largest free piece"
  frag      1 - largest / free, the worst
  names     in the runtime's pool, which never gives any back
  depth     readings that wait in the outbox, as health said last
PASS: the node lived through the day without dying, no reading is missing, and after hour 2 the heap has not
grown by more than a breath: in each of the three states, no hour's least is above that of the first hour in
that state.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from simulator.days.world import Heap, NodeError
from tests.firmware.days.day import BREATH, LOOKS, STATES, Day, live_a_day


def _line(day: Day, hour: int) -> str:
    looks = day.hour(hour)
    depth = [depth for at, depth in day.depths.items() if at <= looks[-1].at]
    frag = max(1 - look.largest / look.free for look in looks)
    alive = [[look.alive for look in looks if look.state == state] for state in STATES]
    least = " ".join(f"{min(each) if each else '-':>7}" for each in alive)
    return (
        f"{hour:4} {least} {max(look.peak for look in looks):7} "
        f"{min(look.largest for look in looks):7} {frag:6.2f} {looks[-1].names:5} {(depth or [0])[-1]:6}"
    )


def verdict(day: Day) -> list[str]:
    """What is wrong; empty for a good day."""
    wrong: list[str] = []
    growth = day.growth()
    if "calm" not in growth:
        wrong.append("the gateway was not heard after hour 2")
    for state, grown in growth.items():
        if grown > BREATH:
            wrong.append(f"the heap grew by {grown} bytes after hour 2 ({state})")
    if day.arrivals < 1.9 * day.seconds / 60:
        wrong.append(f"only {day.arrivals} readings arrived, two sensors give two a minute")
    if day.missing:
        wrong.append(f"{day.missing} readings are missing")
    if len(day.starts) != 2:
        wrong.append(f"the node started anew: {day.starts[2:]}")
    if day.counters.get("task_restarts"):
        wrong.append(f"{day.counters['task_restarts']} tasks died")
    if "MemoryError" in day.log:
        wrong.append("memory ran out in between: MemoryError in the node's console")
    wrong.extend(day.broken[:3])
    return wrong


def _report(day: Day, heap: str) -> None:
    head = " ".join(f"{name:>7}" for name in (*STATES, "peak", "largest"))
    print(f"{'hour':>4} {head} {'frag':>6} {'names':>5} {'depth':>6}")
    for hour in range(1, 25):
        print(_line(day, hour))
    peak = max(look.peak for look in day.looks[1:])  # the first has the start in it
    frag = max(1 - look.largest / look.free for look in day.looks)
    names = day.looks[-1].names - day.hour(2)[-1].names
    counters = day.counters
    growth = ", ".join(f"{grown} bytes {state}" for state, grown in day.growth().items())
    print(
        f"\nheap {heap}: peak {peak} bytes, fragmentation at most {frag:.2f}, growth between hour 2 and 24 "
        f"at most {growth}; names +{names}"
    )
    print(
        f"outbox at the begin {day.prefilled} bytes; {day.arrivals} readings arrived, {day.missing} missing, "
        f"{day.repeated} came again; thinned {counters.get('thinned')}; MQTT connected "
        f"{counters.get('mqtt_connects')} times, Wi-Fi joined {counters.get('wifi_joins')} times; "
        f"{len(day.replies)} replies to commands"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="A day of a node in a small heap.")
    parser.add_argument("--hours", type=float, default=24.0, help="press the day into fewer hours")
    parser.add_argument("--heap", default="128k")
    parser.add_argument("--plain", action="store_true", help="no TLS")
    parser.add_argument("--outbox", type=int, default=1024, help="KiB")
    parser.add_argument("--stride", type=int, default=0, help="the node wakes at most every so many ms")
    parser.add_argument("--firmware", type=Path, help="another folder than this checkout's")
    parser.add_argument("--log", type=Path, help="keep the node's console here")
    chosen = parser.parse_args()
    began = time.monotonic()
    seen: list[Heap] = []

    def watch(look: Heap) -> None:
        seen.append(look)
        if len(seen) % LOOKS == 1:
            hour = len(seen) // LOOKS + 1
            print(
                f"{time.monotonic() - began:5.0f} s: hour {hour}, {look.alive} bytes alive", file=sys.stderr
            )

    try:
        day = live_a_day(
            chosen.hours,
            heap=chosen.heap,
            tls=not chosen.plain,
            outbox_kb=chosen.outbox,
            stride_ms=chosen.stride,
            firmware=chosen.firmware,
            watch=watch,
        )
    except NodeError as error:
        print(f"{error}\nday: FAIL, the node did not live through it in {chosen.heap}")
        return 1
    if chosen.log:
        chosen.log.write_text(day.log)
    _report(day, chosen.heap)
    wrong = verdict(day)
    print(f"{time.monotonic() - began:.0f} s in all")
    print("day: FAIL, " + "; ".join(wrong) if wrong else "day: PASS")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
