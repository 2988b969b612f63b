"""A network with machines for its gateways: a real Mosquitto, a real InfluxDB 1, `dustline gateway run`."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.destinations.servers import Influx1
from tests.gateway.operate.processes import GatewayProcess, ask, figures, write_config
from tests.support import REPO, Mosquitto, choose_port, wait_for
from tests.torture.fleet import NETWORK, Fleet

DATABASE = "air"
SHARDS = "0123456789abcdef"
# What a takeover may take, by the promise; the patience of the tests is shorter than the default.
PROMISED_S = 30.0


class Site:
    """Machines are folders below `folder`, each with a configuration and journals of its own."""

    def __init__(self, folder: Path, patience_s: float, keepalive_s: int = 30) -> None:
        self.folder = folder
        self.broker = Mosquitto(folder, choose_port(), ["max_queued_bytes 0"]).start()
        self.influx = Influx1(folder / "influx", [])
        self.influx.start()
        self.influx.query(f"CREATE DATABASE {DATABASE}")
        self._keepalive_s = keepalive_s
        self._patience_s = patience_s
        self._started: list[GatewayProcess] = []

    def start(self, machine: str, shard: str = "1/1", protocol: int = 5) -> GatewayProcess:
        """A gateway for that shard, on that machine."""
        home = self.folder / machine
        home.mkdir(exist_ok=True)
        influx = f'enabled = true\napi = "v1"\nurl = "{self.influx.url}"\ndatabase = "{DATABASE}"\n'
        config = write_config(
            home,
            self.broker.port,
            broker=f"keepalive_s = {self._keepalive_s}",
            influx=influx,
            standby=f"enabled = true\npatience_s = {self._patience_s}",
        )
        config.write_text(f'network = "{NETWORK}"\n' + config.read_text())
        options = () if shard == "1/1" else ("--shard", shard)
        environment = {"DUSTLINE_BROKER__PROTOCOL": str(protocol)}
        self._started.append(GatewayProcess(config, *options, **environment))
        return self._started[-1]

    def journals(self) -> list[Path]:
        return sorted(self.folder.glob("*/journal*.sqlite"))

    def rows(self) -> dict[tuple[str, int], list[tuple[int, float]]]:
        """(time, PM2.5) of each row in the database, by node and seq."""
        found: dict[tuple[str, int], list[tuple[int, float]]] = {}
        for row in self.influx.query("SELECT node, seq, pm25 FROM reading", DATABASE):
            found.setdefault((row["node"], row["seq"]), []).append((row["time"], row["pm25"]))
        return found

    def close(self) -> None:
        for gateway in self._started:
            if gateway.process.poll() is None:
                gateway.process.send_signal(signal.SIGCONT)
            gateway.end()
        self.influx.stop()
        self.broker.stop()


def role(gateway: GatewayProcess) -> str:
    """By its /readyz, "" while that is not 200."""
    status, body = ask(gateway.url, "readyz")
    return str(json.loads(body)["role"]) if status == 200 else ""


def wait_for_role(gateway: GatewayProcess, wanted: str, seconds: float = PROMISED_S) -> None:
    deadline = time.monotonic() + seconds
    while role(gateway) != wanted:
        if time.monotonic() > deadline:
            said, log = ask(gateway.url, "readyz")[1], gateway.log.read_text()
            pytest.fail(f"waited {seconds} s in vain for it to be {wanted}: {said}\n{log}")
        time.sleep(0.02)


def turns(gateway: GatewayProcess) -> tuple[int, int]:
    """How often it has taken the shard, and how often that was taken from it."""
    found = figures(gateway.url)
    return int(found["dustline_lease_taken_total"]), int(found["dustline_lease_given_up_total"])


def takeover(
    fleet: Fleet,
    owner: GatewayProcess,
    standby: GatewayProcess,
    number: signal.Signals,
    digits: Sequence[str] = SHARDS,
) -> float:
    """Hit the owner of these digits with that signal; seconds until their nodes get acks of the standby."""

    def last_ack() -> float:
        return max(fleet.last_acks.get(digit, 0.0) for digit in digits)

    wait_for(lambda: time.monotonic() - last_ack() < 1, 20, "acks before the blow")
    hit = time.monotonic()
    os.kill(owner.process.pid, number)
    wait_for_role(standby, "owner", PROMISED_S + 15)
    taken = time.monotonic()  # what the owner had sent is with the nodes since long
    wait_for(lambda: last_ack() > taken, 20, "acks after the blow")
    return last_ack() - hit


def foreign_fleet(site: Site, nodes: int, rate: float, seed: int) -> Fleet:
    """Nodes that send each reading once, QoS 1: nothing that gets lost is sent again."""
    return Fleet(site.broker.port, nodes, rate, seed, math.inf)


def wrongs(site: Site, fleet: Fleet) -> list[str]:
    """What differs between born and stored, row by row; [] when each reading is there exactly once."""
    rows, found = site.rows(), []
    lost = doubled = 0
    for node in fleet.nodes:
        for seq in range(1, node.born + 1):
            right = (fleet.time_of(node, seq), fleet.value(node, seq))
            there = rows.pop((node.name, seq), [])
            lost += not there
            doubled += max(0, len(there) - 1)
            if there and any(row != right for row in there):
                found.append(f"{node.name} seq {seq}: {there} is not {right}")
    found += [f"{lost} lost"] * bool(lost) + [f"{doubled} doubled"] * bool(doubled)
    return found + ([f"never born: {sorted(rows)[:5]}"] if rows else [])


def settle(site: Site, fleet: Fleet, seconds: float = 60.0) -> None:
    """Let no more be born, and wait until as many rows as were born are in the database."""
    fleet.be_quiet()

    def count() -> int:
        rows = site.influx.query("SELECT count(seq) FROM reading", DATABASE)
        return int(rows[0]["count"]) if rows else 0

    deadline = time.monotonic() + seconds
    while count() < fleet.born and time.monotonic() < deadline:
        time.sleep(0.2)


def ledger(journals: Sequence[Path]) -> dict[str, int]:
    """Sums of `dustline ledger` over these journals."""
    command = [sys.executable, "-m", "dustline.cli", "ledger", "--json", *map(str, journals)]
    done = subprocess.run(command, cwd=REPO, check=True, capture_output=True, text=True)
    rows: list[dict[str, Any]] = json.loads(done.stdout)["rows"]
    return {name: sum(row[name] for row in rows) for name in ("born", "stored", "quarantined", "missing")}


@dataclass(frozen=True)
class Half:
    """A shard, the digits it takes, and the protocol its gateways speak."""

    shard: str
    digits: str
    protocol: int


HALVES = (Half("1/2", "02468ace", 5), Half("2/2", "13579bdf", 311))


@dataclass(frozen=True)
class Pair:
    """Machine a has the shard, machine b stands by, as they are at first."""

    half: Half
    owner: GatewayProcess
    standby: GatewayProcess


def start_pairs(site: Site) -> list[Pair]:
    """One for each half."""
    owners = [site.start("a", half.shard, half.protocol) for half in HALVES]
    for each in owners:
        wait_for_role(each, "owner")
    standbys = [site.start("b", half.shard, half.protocol) for half in HALVES]
    for each in standbys:
        wait_for_role(each, "standby")
    return [Pair(*each) for each in zip(HALVES, owners, standbys, strict=True)]
