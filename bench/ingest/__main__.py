"""Readings a second from the broker to the journal and to a database: .venv/bin/python -m bench.ingest

Real Mosquitto, QoS 1, MQTT 5; database VictoriaMetrics through /api/v2/write, the one real server here that
takes influxdb-client's writes. Each way drains the same messages, which the broker held before it connected:
  discard  paho receives and throws away
  plain    paho's callback, pydantic, influxdb-client's batching writer; nothing is durable before its ack
  journal  `dustline gateway run` to its journal's commit (FULL), acks and answers included
  influx   the same with the readings carried on to the database, to the cursor's last move
Ratios are of one run; the seconds vary by a third from run to run on a shared machine.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

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


def measure(folder: Path, port: int, url: str, count: int, per_message: int, nodes: int) -> dict[str, Any]:
    """Readings a second of each way, and what a reading costs ours."""
    leave_sessions(port, WAYS)
    publish(port, messages(count, per_message, nodes))
    readings = count * per_message
    found: dict[str, Any] = {}
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
        home = folder / f"{name}-{per_message}-{nodes}"
        home.mkdir()
        run = ours.drain(home, port, name, readings, extra)
        found[name] = run.delivered_rate or run.rate
        found[name + "_cpu_us"] = run.cpu_s / readings * 1e6
        found["bytes"] = run.journal_bytes / readings
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Readings a second, beside two plain ways.")
    parser.add_argument("--readings", type=int, default=60000, help="of each way and case")
    parser.add_argument("--nodes", type=int, default=1000)
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
                found = measure(folder, broker.port, database.url, count, per_message, chosen.nodes)
                _report(found, count, per_message, chosen.nodes)
        finally:
            database.stop()
            broker.stop()
    return 0


def _report(found: dict[str, Any], count: int, per_message: int, nodes: int) -> None:
    print(f"\n{count} messages with {per_message} readings of {nodes} nodes")
    print(f"{'way':10}{'readings/s':>12}{'CPU us each':>13}")
    for way in WAYS:
        print(f"{way:10}{found[way]:12.0f}{found[way + '_cpu_us']:13.1f}")
    print(f"journal / discard {found['journal'] / found['discard']:.2f} (goal 0.8)")
    print(f"influx / plain    {found['influx'] / found['plain']:.2f} (goal 1)")
    print(f"journal: {found['bytes']:.0f} bytes a reading")


if __name__ == "__main__":
    sys.exit(main())
