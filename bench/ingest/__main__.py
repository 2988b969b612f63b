"""Readings a second from the broker to the journal and to a database: .venv/bin/python -m bench.ingest

Real Mosquitto, QoS 1, MQTT 5; database VictoriaMetrics through /api/v2/write, the one real server here that
takes influxdb-client's writes. Each way drains the same messages, which the broker held before it connected:
  discard  paho receives and throws away
  plain    paho's callback, pydantic, influxdb-client's batching writer; nothing is durable before its ack; it
           writes 9 fields of a reading
  all      the same with all 13 fields that the gateway writes
  journal  `dustline gateway run` to its journal's commit (FULL), acks and answers included
  influx   the same with the readings carried on to the database, to the cursor's last move
  floor    no way to take readings, but a bound for all: the messages in memory, JSON parsed, a row inserted
           for each reading without an index, durable commits of 500 messages, and nothing else
Each is told as the median of the runs, with the least and the most. A ratio is of one run, and its median
is that of the runs' ratios: a shared machine is slower at times by a half. Discard counts the readings of
messages that it does not even look into: with 30 in a message its readings/s say little, and floor says what
a gateway could reach at most.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.ingest import ours
from bench.ingest.load import leave_sessions, messages, publish
from tests.gateway.destinations.servers import Victoria
from tests.support import Mosquitto, choose_port

WAYS = ("discard", "plain", "all", "journal", "influx")
_FLOOR = "floor"


def _run(module: str, *words: object) -> dict[str, float]:
    """A process of its own; what it prints at its end."""
    command = [sys.executable, "-m", f"bench.ingest.{module}", *map(str, words)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(folder: Path, port: int, url: str, count: int, per_message: int, nodes: int) -> dict[str, float]:
    """Readings a second of each way, and what a reading costs ours."""
    leave_sessions(port, WAYS)
    publish(port, messages(count, per_message, nodes))
    readings = count * per_message
    found: dict[str, float] = {}
    for way, name in (("discard", "discard"), ("influx", "plain"), ("all", "all")):
        done = _run("plain", way, port, name, count, url)
        found[name] = readings / done["seconds"]
        found[name + "_cpu_us"] = done["cpu_s"] / readings * 1e6
    for name in ("journal", "influx"):
        extra = ""
        if name == "influx":
            extra = (
                f'[influx]\nenabled = true\nurl = "{url}"\norg = "bench"\nbucket = "bench"\ntoken = "bench"\n'
            )
        home = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=folder))
        run = ours.drain(home, port, name, readings, extra)
        found[name] = run.delivered_rate or run.rate
        found[name + "_cpu_us"] = run.cpu_s / readings * 1e6
        found["bytes"] = run.journal_bytes / readings
        shutil.rmtree(home)
    done = _run("floor", count, per_message, nodes)
    found[_FLOOR], found[_FLOOR + "_cpu_us"] = readings / done["seconds"], done["cpu_s"] / readings * 1e6
    found["journal / discard"] = found["journal"] / found["discard"]
    found["influx / plain"] = found["influx"] / found["plain"]
    found["influx / all"] = found["influx"] / found["all"]
    found["floor / discard"] = found[_FLOOR] / found["discard"]
    found["journal / floor, CPU"] = found["journal_cpu_us"] / found[_FLOOR + "_cpu_us"]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Readings a second, beside two plain ways.")
    parser.add_argument("--readings", type=int, default=200_000, help="of each way and case")
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--per", type=int, nargs="*", default=[1, 30], help="readings in a message")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dustline-ingest-") as name:
        folder = Path(name)
        broker = Mosquitto(folder, choose_port(), ["max_queued_bytes 0"]).start()
        database = Victoria(folder / "victoria")
        try:
            database.start()
            for per_message in chosen.per:
                count = max(1, chosen.readings // per_message)
                runs = [
                    measure(folder, broker.port, database.url, count, per_message, chosen.nodes)
                    for _ in range(chosen.runs)
                ]
                print(
                    f"\n{count} messages with {per_message} readings, {chosen.nodes} nodes, {len(runs)} runs"
                )
                _report(runs, per_message)
        finally:
            database.stop()
            broker.stop()
    return 0


def _report(runs: Sequence[dict[str, float]], per_message: int) -> None:
    print(f"{'way':10}{'readings/s':>26}{'messages/s':>12}{'CPU us a reading':>22}")
    for way in (*WAYS, _FLOOR):
        rate = statistics.median(run[way] for run in runs)
        cpu = _spread(runs, way + "_cpu_us", ".1f")
        print(f"{way:10}{_spread(runs, way, '.0f'):>26}{rate / per_message:12.0f}{cpu:>22}")
    ratios = {"journal / discard": " (goal 0.8)", "influx / plain": " (goal 1.0)"}
    for ratio in (*ratios, "influx / all", "floor / discard", "journal / floor, CPU"):
        print(f"{ratio:22}{_spread(runs, ratio, '.2f')}{ratios.get(ratio, '')}")
    print(f"journal: {statistics.median(run['bytes'] for run in runs):.0f} bytes a reading")


def _spread(runs: Sequence[dict[str, float]], name: str, form: str) -> str:
    """Median (least..most)."""
    values = [run[name] for run in runs]
    return f"{statistics.median(values):{form}} ({min(values):{form}}..{max(values):{form}})"


if __name__ == "__main__":
    sys.exit(main())
