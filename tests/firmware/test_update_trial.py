"""A version that does not stand its trial: the node goes back by itself and says why."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from simulator.node import SimNode
from tests.firmware import update_bench as bench
from tests.firmware.node_bench import ScriptedGateway, acknowledge
from tests.firmware.update_bench import QUICK, START_S, up
from tests.support import wait_for

pytestmark = [pytest.mark.needs_micropython, pytest.mark.timeout(300)]


@pytest.mark.parametrize("how", ["no reading is acked", "dies in the app"])
def test_a_trial_that_fails_goes_back(
    node: Callable[..., SimNode], gateway: ScriptedGateway, how: str
) -> None:
    one = node(board=bench.board(), **QUICK)
    up(gateway)
    changes: dict[str, bytes] = {}
    why = "it was started 3 times and did not prove good"
    if how == "dies in the app":
        changes = {"node/start.mpy": bench.module("def start(app):\n    raise ValueError('broken')\n")}
    else:
        why = "no reading of it was acked within 10 s"
        boots = {1}
        gateway.answer = lambda body: acknowledge(body) if body["boot"] in boots else None
    server = bench.Server(gateway, bench.release(changes=changes).whole)
    assert server.command()["ok"] is True
    if how == "no reading is acked":
        server.told("trial")
        boots.add(3)
    assert server.told("fell_back") == {"version": bench.NEW, "state": "fell_back", "why": why}
    assert server.running() == "0.1.0"
    assert gateway.health[-1]["mode"] == "normal", "the crashes were another version's"
    before = len(gateway.readings)
    wait_for(lambda: len(gateway.readings) > before, START_S, "more readings")
    assert json.loads((one.flash / "slots.json").read_text())["run"] == "a"
