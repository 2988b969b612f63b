"""Updates of a whole node, from its slots, over a real Mosquitto: docs/node/update.md."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from simulator.node import SimNode
from tests.firmware import update_bench as bench
from tests.firmware.node_bench import ScriptedGateway
from tests.support import wait_for

pytestmark = pytest.mark.needs_micropython
START_S = 90
QUICK = {"extra": {"trial_s": 10}}


def up(gateway: ScriptedGateway) -> None:
    wait_for(lambda: any(each["online"] for each in gateway.status), START_S, "the node's status")
    wait_for(lambda: gateway.readings, START_S, "readings")


def test_a_good_version_stays(node: Callable[..., SimNode], gateway: ScriptedGateway) -> None:
    one = node(board=bench.board(), **QUICK)
    up(gateway)
    data = bench.second().whole
    server = bench.Server(gateway, data)
    reply = server.command()
    assert (reply["ok"], reply["text"]) == (True, f"loading {len(data)} bytes")
    assert server.command()["text"] == f"{bench.NEW} is being loaded"
    server.told("trial")
    assert server.running() == bench.NEW
    assert server.told("good") == {"version": bench.NEW, "state": "good"}
    assert server.asked == list(range(0, len(data), 2048)), "each piece once"
    assert one.crashes == 0
    assert gateway.health[-1]["counters"]["crashes"] == 0
    assert server.command()["text"] == f"{bench.NEW} runs already"
    one.restart()
    wait_for(lambda: gateway.status[-1]["online"] and gateway.status[-1]["boot"] == 3, START_S, "the start")
    assert server.running() == bench.NEW
    assert json.loads((one.flash / "slots.json").read_text())["trial"] is None
