"""Updates of a whole node, from its slots, over a real Mosquitto: docs/node/update.md."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

import pytest

from simulator.node import SimNode
from tests.firmware import update_bench as bench
from tests.firmware.node_bench import ScriptedGateway
from tests.firmware.update_bench import QUICK, START_S, up
from tests.support import wait_for

pytestmark = [pytest.mark.needs_micropython, pytest.mark.timeout(300)]


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


def test_refused_at_once(node: Callable[..., SimNode], gateway: ScriptedGateway) -> None:
    """What the command alone tells is not loaded at all; nor what is not what was announced."""
    one = node(board=bench.board(), **QUICK)
    up(gateway)
    data = bench.second().whole
    server = bench.Server(gateway, data)
    for changes in ({"version": "1.2"}, {"sha256": "x" * 64}, {"size": 0}, {"size": None}):
        reply = server.command(**changes)
        assert (reply["ok"], reply["text"]) == (False, "an update needs version, size and sha256")
    assert server.asked == []
    server.command(sha256=hashlib.sha256(b"another").hexdigest())
    why = "what came is not what was announced (SHA-256)"
    assert server.told("refused") == {"version": bench.NEW, "state": "refused", "why": why}
    server.before = lambda _fetch: b"\xff\xff\xff\xff"
    gateway.health.clear()
    server.command()
    assert server.told("refused")["why"] == "the gateway does not offer it"
    assert one.starts == 1
