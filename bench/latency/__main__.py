"""From a node to the journal and to the database: python -m bench.latency [--rates N ...] [--seconds S]

Real Mosquitto, the gateway as a process of its own (journal.synchronous FULL), InfluxDB 1, all on this
machine, and 1,000 light nodes in one process; QoS 1, one reading a message.
  journal   from a node's publish to the gateway's ack at the node: the commit, and the way of the ack
  InfluxDB  from a node's publish until a query shows the reading. One node of the 1,000 is asked for, which
            sends up to 50 readings a second; `asked every` is the time between two answers (p50), and so
            what a figure can be too high by
A rate that cannot be held is told: `reached` is what was published in a second.
"""

from __future__ import annotations

import argparse
import json
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.ingest import ours
from bench.ingest.load import leave_sessions
from bench.latency.nodes import BEGAN, MARKED, SEQS
from tests.gateway.destinations.servers import Influx1
from tests.support import REPO, Mosquitto, choose_port

_ASK_S = 0.01
_PATIENCE_S = 20.0
_DATABASE = "bench"
_CLIENT = "latency"


@dataclass
class Seen:
    """When each seq of the marked node was first in an answer, and how far the answers are apart, s."""

    at: dict[int, float] = field(default_factory=dict[int, float])
    apart: list[float] = field(default_factory=list[float])


@dataclass
class Found:
    """`journal`, `influx`: ms of each reading that arrived; the others are counted."""

    reached: float
    journal: list[float]
    influx: list[float]
    unacked: int
    unseen: int
    apart_ms: float


def measure(port: int, influx: Influx1, rate: float, seconds: float, run: int) -> Found:
    """Publish at `rate` for `seconds`; the gateway runs already. `run` sets this one's seqs apart."""
    words = [sys.executable, "-m", "bench.latency.nodes", str(port), str(rate), str(seconds), str(run)]
    with subprocess.Popen(words, cwd=REPO, stdout=subprocess.PIPE, text=True) as nodes:
        assert nodes.stdout is not None
        # Its one line comes at its end, when there is nothing left to publish.
        seen = _watch(influx, nodes, seconds + _PATIENCE_S, run)
        told = json.loads(nodes.stdout.read())
    published = {run * SEQS + number: at for number, at in enumerate(told["marked"], 1)}
    _ask(influx, run, seen, len(published))
    influx_ms = [(seen.at[seq] - at) * 1000 for seq, at in published.items() if seq in seen.at]
    return Found(
        told["sent"] / told["seconds"],
        told["acks"],
        influx_ms,
        told["unacked"],
        len(published) - len(influx_ms),
        part(seen.apart, 0.5) * 1000,
    )


def _watch(influx: Influx1, nodes: subprocess.Popen[str], seconds: float, run: int) -> Seen:
    """Ask until the nodes' process has ended, or is about to: its output may fill the pipe."""
    seen, deadline = Seen(), time.monotonic() + seconds
    while nodes.poll() is None and time.monotonic() < deadline and not _told(nodes):
        _look(influx, run, seen)
    return seen


def _told(nodes: subprocess.Popen[str]) -> bool:
    assert nodes.stdout is not None
    return bool(select.select([nodes.stdout], [], [], _ASK_S)[0])


def _ask(influx: Influx1, run: int, seen: Seen, wanted: int) -> None:
    """Go on asking for what is still on its way."""
    deadline = time.monotonic() + _PATIENCE_S
    while len(seen.at) < wanted and time.monotonic() < deadline:
        _look(influx, run, seen)
        time.sleep(_ASK_S)


def _look(influx: Influx1, run: int, seen: Seen) -> None:
    newest = max(seen.at, default=run * SEQS)
    began = time.monotonic()
    rows = influx.query(
        f"SELECT seq FROM reading WHERE node = '{MARKED}' AND time > {BEGAN + newest}s"
        f" AND time <= {BEGAN + (run + 1) * SEQS}s",
        _DATABASE,
    )
    now = time.monotonic()
    seen.apart.append(now - began + _ASK_S)
    for row in rows:
        seen.at.setdefault(int(row["seq"]), now)


def part(values: Sequence[float], share: float) -> float:
    """The smallest value that so large a share does not exceed; nan without values."""
    ordered = sorted(values)
    return ordered[max(0, -int(-len(ordered) * share // 1) - 1)] if ordered else float("nan")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rates", type=float, nargs="+", default=[10, 500, 2000], help="messages a second")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each rate")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dustline-latency-") as name:
        folder = Path(name)
        broker = Mosquitto(folder, choose_port(), ["max_queued_bytes 0"]).start()
        influx = Influx1(folder / "influx", [])
        try:
            influx.start()
            influx.query(f"CREATE DATABASE {_DATABASE}")
            leave_sessions(broker.port, [_CLIENT])  # what is sent before the gateway is there waits for it
            destination = f'[influx]\nenabled = true\napi = "v1"\nurl = "{influx.url}"\n'
            with ours.gateway(folder, broker.port, _CLIENT, f'{destination}database = "{_DATABASE}"\n'):
                measure(broker.port, influx, 20, 2, 0)  # until all are there and know each other
                _head()
                for run, rate in enumerate(chosen.rates, 1):
                    _row(rate, measure(broker.port, influx, rate, chosen.seconds, run))
        finally:
            influx.stop()
            broker.stop()
    return 0


def _head() -> None:
    print("ms from publish             to the gateway's ack            visible in InfluxDB")
    print(f"{'messages/s':>10}{'reached':>9}", end="")
    print(f"{'p50':>12}{'p99':>9}{'max':>9}{'p50':>14}{'p99':>9}{'max':>9}{'asked every':>13}")


def _row(rate: float, it: Found) -> None:
    print(f"{rate:10.0f}{it.reached:9.0f}", end="")
    for values, width in ((it.journal, 12), (it.influx, 14)):
        print(f"{part(values, 0.5):{width}.1f}{part(values, 0.99):9.1f}{max(values, default=0):9.1f}", end="")
    print(f"{it.apart_ms:10.1f} ms")
    if it.unacked or it.unseen:
        print(f"           {it.unacked} readings got no ack in time, {it.unseen} were not seen in InfluxDB")


if __name__ == "__main__":
    sys.exit(main())
