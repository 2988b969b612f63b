"""A roll-out survives `kill -9` of its gateways at any instant: two shards of a machine, killed at random."""

from __future__ import annotations

import random
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.operate.processes import GatewayProcess, write_config
from tests.gateway.releases.fleet import QUICK, Fleet, add, public_pem, state, status
from tests.gateway.releases.fleet import dustline as call
from tests.support import Mosquitto, wait_for

SHARDS = ("1/2", "2/2")
KILLS = 7
SECONDS = 40


@pytest.fixture
def spawn(tmp_path: Path, broker: Mosquitto) -> Iterator[Callable[[str], GatewayProcess]]:
    keys = "".join(f"{name} = {value}\n" for name, value in QUICK.items())
    config = write_config(tmp_path, broker.port, releases=f"public_keys = 'public.pem'\n{keys}")
    (tmp_path / "public.pem").write_bytes(public_pem(0))
    running: list[GatewayProcess] = []

    def start(shard: str) -> GatewayProcess:
        running.append(GatewayProcess(config, "--shard", shard))
        return running[-1]

    yield start
    for each in running:
        each.end()


def test_it_goes_on_after_every_kill(spawn: Any, fleet: Any, tmp_path: Path) -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    chance = random.Random(seed)
    gateways = {shard: spawn(shard) for shard in SHARDS}
    config = tmp_path / "gateway.toml"
    add(config, size=20_000)
    for gateway in gateways.values():
        gateway.ready()
    lights: Fleet = fleet(40)
    call(config, "rollout", "start", "1.1.0", "--stages", "10,50,100", "--settle-s", "0.5")
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.0, 0.8))  # the instant of the kill, which may be any
        shard = chance.choice(SHARDS)
        gateways[shard].end()
        gateways[shard] = spawn(shard)
        lights.go_on()
    deadline = time.monotonic() + SECONDS
    while state(config) != "done" and time.monotonic() < deadline:
        lights.go_on()  # a node asks again when no answer comes
        time.sleep(0.3)
    found = status(config)
    assert (found["state"], found["nodes"]) == ("done", {"good": 40}), found
    assert len(lights.with_version()) == 40
    ids = {node.name: len(node.commands) for node in lights.nodes.values()}
    assert set(ids.values()) == {1}, "each was told by one command, however often that came"


def test_only_one_conducts_and_another_takes_over(spawn: Any, fleet: Any, tmp_path: Path) -> None:
    """Silence of a gateway that is gone is not its nodes'."""
    gateways = [spawn(shard).ready() for shard in SHARDS]
    config = tmp_path / "gateway.toml"
    add(config)
    lights: Fleet = fleet(16)
    call(config, "rollout", "start", "1.1.0", "--stages", "100", "--silent-s", "2", "--settle-s", "60")
    wait_for(lambda: state(config) == "done", SECONDS, "the roll-out")
    gateways[0].end()
    begun = time.monotonic()
    # Its nodes are not heard for longer than they may be silent.
    wait_for(lambda: time.monotonic() - begun > 4, SECONDS, "time to pass")
    assert status(config)["nodes"] == {"good": 16}
    lights.join("node-77")
    assert zlib.crc32(b"node-77") & 1, "of the other shard"
    wait_for(lambda: "node-77" in lights.with_version(), SECONDS, "the other one to go on with its own nodes")
