"""Updates end to end: `dustline node` signs, the gateway's command line rolls out, the real gateway serves
over a real Mosquitto, and real firmware on the Unix port loads, tries, and stays with it or goes back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dustline.cli import main
from dustline.node import signing
from dustline.node.bundle import Bundle
from gateway.config import load
from gateway.journal import JournalReader
from gateway.service import Gateway
from simulator.node import SimNode
from tests.firmware import update_bench as bench
from tests.support import Mosquitto, wait_for

pytestmark = [pytest.mark.needs_micropython, pytest.mark.timeout(300)]
SECONDS = 120
SETTINGS = """
[journal]
path = "journal.sqlite"
[web]
enabled = false
[monitor]
enabled = false
[releases]
public_keys = "public.pem"
look_s = 0.2
node_kb_per_s = 200
"""


@pytest.fixture
def config(tmp_path: Path, broker: Mosquitto) -> Path:
    (tmp_path / "public.pem").write_text(signing.public_text(bench.key(0).public_key()))
    path = tmp_path / "gateway.toml"
    path.write_text(f"[broker]\nport = {broker.port}\n{SETTINGS}")
    return path


@pytest.fixture
def city(config: Path) -> Iterator[Gateway]:
    """The real gateway."""
    gateway = Gateway(load(config))
    gateway.start()
    yield gateway
    gateway.stop()


def dustline(config: Path, *words: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["gateway", *words, "--config", str(config)])
    assert result.exit_code == code, (result.output, result.exception)
    return result.output


def roll_out(config: Path, release: Bundle) -> None:
    file = config.with_name("new.fw")
    file.write_bytes(release.whole)
    dustline(config, "release", "add", str(file))
    dustline(config, "rollout", "start", release.version, "--settle-s", "1")


def now(config: Path) -> dict[str, Any]:
    """The roll-out as it stands, whatever the exit code."""
    result = CliRunner().invoke(main, ["gateway", "rollout", "status", "--json", "--config", str(config)])
    # The gateway's log goes to the same output meanwhile.
    line = next(each for each in result.output.splitlines() if each.startswith("{"))
    found: dict[str, Any] = json.loads(line)["rollouts"][0]
    return {**found, "code": result.exit_code}


def known(gateway: Gateway) -> dict[str, Any]:
    """What the gateway knows of the node."""
    with JournalReader(gateway.journal.path) as reader:
        return reader.statuses().get("praga-1", {})


def measures(gateway: Gateway) -> None:
    """Wait until a reading is stored that was not there before."""
    before = gateway.counters.stored
    wait_for(lambda: gateway.counters.stored > before, SECONDS, "a new reading")


def test_a_good_version_comes_to_stay(node: Callable[..., SimNode], city: Gateway, config: Path) -> None:
    one = node(board=bench.board(), **bench.QUICK)
    measures(city)
    old = known(city)["fw"]
    assert old != bench.NEW
    roll_out(config, bench.second())
    wait_for(lambda: now(config)["state"] == "done", SECONDS, "the roll-out's end")
    found = now(config)
    assert (found["nodes"], found["stage"], found["code"]) == ({"good": 1}, 3, 0)
    assert known(city)["fw"] == bench.NEW
    assert known(city)["health"]["update"] == {"version": bench.NEW, "state": "good"}
    assert json.loads((one.flash / "slots.json").read_text())["trial"] is None
    updates = city.updates
    assert updates is not None
    counts = updates.server.counts
    assert counts.bytes == len(bench.second().whole), "each piece once"
    assert (counts.bad, counts.not_offered, city.counters.quarantined) == (0, 0, {})
    measures(city)
    assert one.crashes == 0


def test_a_version_that_crashes_stops_the_roll_out(
    node: Callable[..., SimNode], city: Gateway, config: Path
) -> None:
    node(board=bench.board(), **bench.QUICK)
    measures(city)
    old = known(city)["fw"]
    crashing = {"run.mpy": bench.module("import machine\nmachine.reset()\n")}
    roll_out(config, bench.release(changes=crashing))
    wait_for(lambda: now(config)["state"] == "stopped", SECONDS, "the roll-out to stop")
    found = now(config)
    why = "it was started 3 times and did not prove good"
    assert (found["code"], found["by_itself"]) == (1, True)
    assert found["why"] == f"stage 1 (1 %): 1 of 1 nodes failed, 0 may: praga-1 fell back ({why})"
    assert f"praga-1: fell back: {why}" in dustline(config, "rollout", "status", code=1)
    assert known(city)["fw"] == old
    measures(city)
