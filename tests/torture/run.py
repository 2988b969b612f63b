"""One torture: kills at random instants while nodes send, then the verdict."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from gateway.journal.integrity import check_fully
from gateway.journal.schema import open_reader
from tests.support import REPO
from tests.torture.fleet import Fleet, Node
from tests.torture.plant import DATABASE, Plant

NODES = 200
RATE = 500.0  # messages a second
DRAIN_S = 300.0


@dataclass(frozen=True)
class Plan:
    """How often each is hit."""

    gateway: int = 100
    broker: int = 30
    influx: int = 30
    disk: int = 10


FULL, FAST = Plan(), Plan(gateway=6, broker=2, influx=2, disk=1)


@dataclass
class Verdict:
    kills: int
    born: int = 0
    stored: int = 0
    lost: int = 0
    doubled: int = 0
    wrong: list[str] = field(default_factory=list[str])

    def line(self) -> str:
        return (
            f"torture: kills={self.kills} born={self.born} stored={self.stored} "
            f"lost={self.lost} doubled={self.doubled}"
        )

    @property
    def good(self) -> bool:
        return not (self.lost or self.doubled or self.wrong) and self.stored == self.born > 0


def torture(
    plan: Plan,
    seed: int,
    say: Callable[[str], None] = print,
    tamper: Callable[[Plant], None] = lambda _plant: None,
) -> Verdict:
    """Raises AssertionError when a part ends by itself. `say` gets a line for each step of the way; `tamper`
    may change what is stored before the verdict, to see that it is seen."""
    chance = random.Random(seed)
    blows = ["gateway"] * plan.gateway + ["broker"] * plan.broker + ["influx"] * plan.influx
    blows += ["disk"] * plan.disk
    chance.shuffle(blows)
    with tempfile.TemporaryDirectory(prefix="dustline-torture-") as name:
        plant = Plant(Path(name))
        try:
            if plan.disk and not plant.mounted:
                say("the disk is NOT filled: mounting a small one needs root")
                blows = [blow for blow in blows if blow != "disk"]
            fleet = Fleet(plant.broker.port, NODES, RATE, seed)
            try:
                verdict = _run(plant, fleet, blows, chance, say)
                tamper(plant)
                judge(plant, fleet, verdict)
                plant.stop()
                return verdict
            finally:
                fleet.close()
        finally:
            plant.close()


def _run(
    plant: Plant, fleet: Fleet, blows: list[str], chance: random.Random, say: Callable[[str], None]
) -> Verdict:
    began = time.monotonic()
    for number, blow in enumerate(blows, 1):
        time.sleep(chance.uniform(0.1, 2.5))  # the random instant
        _strike(plant, blow, chance)
        if number % 10 == 0 or number == len(blows):
            say(
                f"{time.monotonic() - began:4.0f} s: {number} of {len(blows)} kills, {fleet.born} born, "
                f"{fleet.waiting} not acked yet"
            )
    verdict = Verdict(len(blows))
    settle(plant, fleet, verdict)
    say(f"{time.monotonic() - began:4.0f} s: all quiet; comparing row by row")
    return verdict


def _strike(plant: Plant, blow: str, chance: random.Random) -> None:
    if blow == "gateway":
        plant.kill_gateway()
        plant.start_gateway()
    elif blow == "broker":
        plant.kill_broker(chance.uniform(0.0, 2.0))
    elif blow == "influx":
        plant.kill_influx()
        time.sleep(chance.uniform(0.0, 3.0))  # the outage itself
        plant.influx.start()
    else:
        plant.fill_disk(chance.uniform(1.0, 4.0))


def settle(plant: Plant, fleet: Fleet, verdict: Verdict) -> None:
    """Let no more be born, and wait until all is acked and delivered."""
    fleet.be_quiet()
    verdict.born = fleet.born
    if not _soon(lambda: fleet.waiting == 0):
        verdict.wrong.append(f"{fleet.waiting} readings were not acked within {DRAIN_S:.0f} s")
    fleet.claim()
    if fleet.refusals:
        verdict.wrong.append(f"{len(fleet.refusals)} refusals, the first: {fleet.refusals[0]}")
    if not _soon(lambda: _ledger(plant)[1] == fleet.born and delivered(plant) >= fleet.born):
        verdict.wrong.append(f"not everything was delivered within {DRAIN_S:.0f} s")


def judge(plant: Plant, fleet: Fleet, verdict: Verdict) -> None:
    """The journal by its ledger and by its own check of every row, the database row by row."""
    born, stored, quarantined, missing = _ledger(plant)
    if (born, quarantined, missing) != (fleet.born, 0, 0):
        verdict.wrong.append(
            f"the ledger says born={born} quarantined={quarantined} missing={missing}, born were {fleet.born}"
        )
    verdict.stored = stored
    # A reading that is stored twice would show as one in the database.
    with closing(open_reader(plant.disk / "journal.sqlite")) as db:
        verdict.wrong += check_fully(db)
    for node in fleet.nodes:
        rows = _rows(plant, node)
        for seq in range(1, node.born + 1):
            found = rows.pop(seq, [])
            verdict.lost += not found
            verdict.doubled += max(0, len(found) - 1)
            right = (fleet.time_of(node, seq), fleet.value(node, seq))
            if found and any(row != right for row in found):
                verdict.wrong.append(f"{node.name} seq {seq}: {found} is not {right}")
        if rows:
            verdict.wrong.append(f"{node.name}: seqs that were never born: {sorted(rows)[:5]}")


def _rows(plant: Plant, node: Node) -> dict[int, list[tuple[int, float]]]:
    """(time, PM2.5) of each row in the database, by seq."""
    found: dict[int, list[tuple[int, float]]] = {}
    query = f"SELECT seq, pm25 FROM reading WHERE node = '{node.name}'"
    for row in plant.influx.query(query, DATABASE):
        found.setdefault(row["seq"], []).append((row["time"], row["pm25"]))
    return found


def delivered(plant: Plant) -> int:
    """Rows in the database."""
    rows = plant.influx.query("SELECT count(seq) FROM reading", DATABASE)
    return int(rows[0]["count"]) if rows else 0


def _ledger(plant: Plant) -> tuple[int, int, int, int]:
    """(born, stored, quarantined, missing) of all nodes, by `dustline ledger`."""
    command = [sys.executable, "-m", "dustline.cli", "ledger", "--json", "--config", str(plant.config)]
    done = subprocess.run(command, cwd=REPO, check=True, capture_output=True, text=True)
    rows = json.loads(done.stdout)["rows"]
    born, stored, quarantined, missing = (
        sum(row[name] for row in rows) for name in ("born", "stored", "quarantined", "missing")
    )
    return born, stored, quarantined, missing


def _soon(done: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + DRAIN_S
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True
