"""A roll-out survives `kill -9` of its gateways at any instant: two shards of a machine, killed at random."""

from __future__ import annotations

import random
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.releases.conduct import conduct
from gateway.releases.rollouts import Seen, Told, begin, save_seen
from gateway.releases.settings import STORE_NAME
from gateway.releases.store import Store
from gateway.releases.tell import tell
from gateway.service import Gateway
from tests.gateway.operate.processes import GatewayProcess, write_config
from tests.gateway.releases.fleet import NEW, OLD, QUICK, Fleet, add, public_pem, state, status
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
    call(config, "rollout", "start", NEW, "--stages", "10,50,100", "--settle-s", "0.5")
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
    call(config, "rollout", "start", NEW, "--stages", "100", "--silent-s", "2", "--settle-s", "60")
    wait_for(lambda: state(config) == "done", SECONDS, "the roll-out")
    gateways[0].end()
    begun = time.monotonic()
    # Its nodes are not heard for longer than they may be silent.
    wait_for(lambda: time.monotonic() - begun > 4, SECONDS, "time to pass")
    assert status(config)["nodes"] == {"good": 16}
    lights.join("node-77")
    assert zlib.crc32(b"node-77") & 1, "of the other shard"
    wait_for(lambda: "node-77" in lights.with_version(), SECONDS, "the other one to go on with its own nodes")


def test_a_command_that_was_written_down_and_never_sent_goes_out_at_the_next_start(
    config: Path, updating: Callable[..., Gateway], fleet: Any
) -> None:
    """As after a kill between the two; and not after the five minutes of a node that does not answer."""
    add(config)
    lights: Fleet = fleet(1)
    with Store(config.with_name(STORE_NAME)) as store:
        with store.change() as db:
            save_seen(db, [Seen("node-0", OLD, True, False, 1, Told())])
        begin(store, NEW, time.time(), settle_s=0.0)
        conduct(store, time.time(), per_min=60, look_s=5)
        assert len(tell(store, lambda _: True, {NEW}, time.time())) == 1
    updating()
    wait_for(lambda: state(config) == "done", SECONDS, "the roll-out")
    assert lights.with_version() == {"node-0"}
    assert len(lights.nodes["node-0"].commands) == 1
