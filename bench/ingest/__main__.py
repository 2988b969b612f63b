"""Readings a second from the broker to the journal and to a database: .venv/bin/python -m bench.ingest

Real Mosquitto, QoS 1, MQTT 5; database VictoriaMetrics through /api/v2/write, the one real server here that
takes influxdb-client's writes. Each way drains the same messages, which the broker held before it connected:
  discard  paho receives and throws away
  plain    paho's callback, pydantic, influxdb-client's batching writer; nothing is durable before its ack
  journal  `dustline gateway run` to its journal's commit (FULL), acks and answers included
  influx   the same with the readings carried on to the database, to the cursor's last move
Each is told as the median of the runs, with the least and the most. A ratio is of one run, and its median
is that of the runs' ratios: a shared machine is slower at times by a half. Discard counts the readings of
messages that it does not even look into: with 30 in a message its readings/s say little, its messages/s more.
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

WAYS = ("discard", "plain", "journal", "influx")


def _plain(way: str, port: int, client_id: str, count: int, url: str) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.ingest.plain", way, str(port), client_id, str(count), url]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(folder: Path, port: int, url: str, count: int, per_message: int, nodes: int) -> dict[str, float]:
    """Readings a second of each way, and what a reading costs ours."""
    leave_sessions(port, WAYS)
    publish(port, messages(count, per_message, nodes))
    readings = count * per_message
    found: dict[str, float] = {}
    for way, name in (("discard", "discard"), ("influx", "plain")):
        done = _plain(way, port, name, count, url)
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
    found["journal / discard"] = found["journal"] / found["discard"]
    found["influx / plain"] = found["influx"] / found["plain"]
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
    for way in WAYS:
        rate = statistics.median(run[way] for run in runs)
        cpu = _spread(runs, way + "_cpu_us", ".1f")
        print(f"{way:10}{_spread(runs, way, '.0f'):>26}{rate / per_message:12.0f}{cpu:>22}")
    for ratio, goal in (("journal / discard", 0.8), ("influx / plain", 1.0)):
        print(f"{ratio:18}{_spread(runs, ratio, '.2f')} (goal {goal})")
    print(f"journal: {statistics.median(run['bytes'] for run in runs):.0f} bytes a reading")


def _spread(runs: Sequence[dict[str, float]], name: str, form: str) -> str:
    """Median (least..most)."""
    values = [run[name] for run in runs]
    return f"{statistics.median(values):{form}} ({min(values):{form}}..{max(values):{form}})"


if __name__ == "__main__":
    sys.exit(main())
