"""InfluxDB away for half an hour while nodes go on: .venv/bin/python -m bench.influx_outage [--minutes 30]

Real Mosquitto, InfluxDB 1 and `dustline gateway run`, 500 messages a second of 200 nodes. Before that, three
times as many until there are --warm readings: a gateway in service has its page cache full and an hour under
way, and that is not to be taken for the outage's. Prints its memory before, during and after; how soon after
InfluxDB's return a reading that was just born can be read there; how fast the backlog is carried meanwhile.
Ends with PASS when nothing is lost or doubled, fresh readings are there within 5 s and memory did not grow
with the backlog.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.torture.fleet import Fleet
from tests.torture.plant import DATABASE, Plant
from tests.torture.run import NODES, RATE, Verdict, delivered, judge, settle

FRESH_S = 5.0
# Above what it had before the outage: buffers of a full batch, and the allocator's pieces.
ROOM_MIB = 60.0
WARM_RATE = 3 * RATE


def _newest(plant: Plant) -> int:
    """The newest time in the database, UTC seconds."""
    rows = plant.influx.query("SELECT last(seq) FROM reading", DATABASE)
    return int(rows[0]["time"]) if rows else 0


def _watch(plant: Plant, fleet: Fleet, seconds: float, what: str) -> float:
    """Print the memory now and then; the most that was seen, MiB."""
    begun, most, told = time.monotonic(), 0.0, -1
    while time.monotonic() - begun < seconds:
        most = max(most, plant.rss_mib())
        minute = int(time.monotonic() - begun) // 60
        if minute % 5 == 0 and minute != told:
            told = minute
            print(
                f"{what}, minute {minute}: {fleet.born} born, gateway {plant.rss_mib():.1f} MiB", flush=True
            )
        time.sleep(1)
    return most


def _warm_up(plant: Plant, fleet: Fleet, readings: int) -> None:
    fleet.rate = WARM_RATE
    while fleet.born < readings:
        time.sleep(0.1)
    fleet.rate = RATE
    print(f"warm: {fleet.born} born, gateway {plant.rss_mib():.1f} MiB", flush=True)


def run(plant: Plant, fleet: Fleet, minutes: float, warm: int) -> list[str]:
    """What is wrong; empty when all is well."""
    _warm_up(plant, fleet, warm)
    before = _watch(plant, fleet, 30, "before")
    plant.kill_influx()
    during = _watch(plant, fleet, minutes * 60, "InfluxDB away")
    plant.influx.start()
    back = time.monotonic()
    born = max(fleet.time_of(node, node.born) for node in fleet.nodes)
    while _newest(plant) < born and time.monotonic() - back < 120:
        time.sleep(0.05)
    fresh = time.monotonic() - back
    print(f"InfluxDB is back; what was born after that is there {fresh:.1f} s later", flush=True)
    after = 0.0
    while delivered(plant) < fleet.born - RATE * 5 and time.monotonic() - back < 1800:
        after = max(after, plant.rss_mib())
        time.sleep(0.5)
    took = time.monotonic() - back
    carried = minutes * 60 * RATE
    print(f"the backlog of about {carried:.0f} is carried after {took:.0f} s, {carried / took:.0f} a second")
    print(f"memory: before {before:.1f}, during {during:.1f}, after {after:.1f} MiB")
    verdict = Verdict(0)
    settle(plant, fleet, verdict)
    judge(plant, fleet, verdict)
    print(f"born {verdict.born}, stored {verdict.stored}, lost {verdict.lost}, doubled {verdict.doubled}")
    wrong = [*verdict.wrong[:5]]
    if not verdict.good:
        wrong.append("not everything is there exactly once")
    if fresh > FRESH_S:
        wrong.append(f"fresh readings took {fresh:.1f} s")
    if max(during, after) > before + ROOM_MIB:
        wrong.append("memory grew")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description="InfluxDB away while nodes go on.")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--warm", type=int, default=500_000, help="readings before all else")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dustline-outage-") as name:
        plant = Plant(Path(name), disk_mib=2048)
        try:
            fleet = Fleet(plant.broker.port, NODES, RATE, 1)
            try:
                wrong = run(plant, fleet, chosen.minutes, chosen.warm)
            finally:
                fleet.close()
        finally:
            plant.close()
    print("influx_outage: FAIL, " + "; ".join(wrong) if wrong else "influx_outage: PASS")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
