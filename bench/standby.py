"""How long a standby takes to take over, and that nothing is lost by it: .venv/bin/python -m bench.standby

Two gateways for shard 1/2, and one of shard 2/2 that is to notice nothing; real Mosquitto and InfluxDB.
Nodes send each reading once (QoS 1): nothing that gets lost comes again. The owner of 1/2 is hit so often:
  kill    kill -9; the broker sees its connections close. It starts again and stands by
  silence SIGSTOP; the broker sees nothing, as when a machine loses power. SIGCONT after the takeover
A time is from the blow to the first ack that nodes of that shard get. At the end each reading must be in
InfluxDB exactly once, row by row, and in the ledger of the three journals.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.gateway.operate.processes import GatewayProcess, figures
from tests.gateway.standby.site import (
    PROMISED_S,
    Site,
    foreign_fleet,
    ledger,
    settle,
    takeover,
    wait_for_role,
    wrongs,
)
from tests.support import wait_for
from tests.torture.fleet import Fleet

BLOWS = {"kill": signal.SIGKILL, "silence": signal.SIGSTOP}


DIGITS = "02468ace"  # of shard 1/2


def _hit(site: Site, fleet: Fleet, pair: Gateways, blow: str, protocol: int) -> float:
    """Seconds of the takeover; the former owner stands by then."""
    owner = pair.at[pair.owner]
    seconds = takeover(fleet, owner, pair.at[pair.spare], BLOWS[blow], DIGITS)
    if blow == "kill":
        owner.process.wait(10)
        owner = pair.at[pair.owner] = site.start(pair.owner, "1/2", protocol)
    else:
        owner.process.send_signal(signal.SIGCONT)
    wait_for_role(owner, "standby")
    pair.owner, pair.spare = pair.spare, pair.owner
    return seconds


@dataclass
class Gateways:
    """Those of shard 1/2, by their machines."""

    at: dict[str, GatewayProcess]
    owner: str = "a"
    spare: str = "b"


def trial(folder: Path, hits: int, rate: float, protocol: int, patience_s: float, seed: int) -> bool:
    """Print how it went; True when every promise was kept."""
    chance = random.Random(seed)
    site = Site(folder, patience_s)
    times: dict[str, list[float]] = {blow: [] for blow in BLOWS}
    try:
        pair = Gateways({"a": site.start("a", "1/2", protocol)})
        other = site.start("a", "2/2", protocol)
        wait_for_role(pair.at["a"], "owner")
        wait_for_role(other, "owner")
        pair.at["b"] = site.start("b", "1/2", protocol)
        wait_for_role(pair.at["b"], "standby")
        fleet = foreign_fleet(site, 200, rate, seed)
        try:
            for number in range(hits):
                time.sleep(chance.uniform(1.0, 3.0))  # the random instant
                blow = "silence" if number % 2 else "kill"
                seconds = _hit(site, fleet, pair, blow, protocol)
                times[blow].append(seconds)
                print(f"{number + 1:3} {blow:8}{seconds:6.2f} s; the shard is at {pair.owner}", flush=True)
            settle(site, fleet)
            fleet.claim()
            wait_for(lambda: ledger(site.journals())["born"] == fleet.born, what="what the nodes claim")
        finally:
            fleet.close()
        return _verdict(site, fleet, times, int(figures(other.url)["dustline_session_connections_total"]))
    finally:
        site.close()


def _verdict(site: Site, fleet: Fleet, times: dict[str, list[float]], connections: int) -> bool:
    counted, wrong = ledger(site.journals()), wrongs(site, fleet)
    slowest = max(max(each, default=0.0) for each in times.values())
    for blow, each in times.items():
        if each:
            print(f"{blow:8} n={len(each)} p50={median(each):.1f} s max={max(each):.1f} s")
    print(f"born {fleet.born}; {len(site.journals())} journals together: {counted}")
    print(f"InfluxDB, row by row: {', '.join(wrong) or 'each reading exactly once'}")
    print(f"the other shard's gateway connected {connections} time(s)")
    exact = counted == {"born": fleet.born, "stored": fleet.born, "quarantined": 0, "missing": 0}
    good = exact and not wrong and slowest <= PROMISED_S and connections == 1
    print(f"standby: {'every promise kept' if good else 'FAILED'}")
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description="Takeovers: how long, and nothing lost.")
    parser.add_argument("--hits", type=int, default=20, help="every other one a kill, the others silence")
    parser.add_argument("--rate", type=float, default=200, help="readings a second, one in a message")
    parser.add_argument("--protocol", type=int, choices=(5, 311), default=5)
    parser.add_argument("--patience", type=float, default=15.0, help="standby.patience_s")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    chosen = parser.parse_args()
    print("seed", chosen.seed)
    with tempfile.TemporaryDirectory(prefix="dustline-standby-") as name:
        arguments = (chosen.hits, chosen.rate, chosen.protocol, chosen.patience, chosen.seed)
        return 0 if trial(Path(name), *arguments) else 1


if __name__ == "__main__":
    sys.exit(main())
