"""What a whole node refuses to run: docs/node/update.md."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.node import SimNode
from tests.firmware import update_bench as bench
from tests.firmware.node_bench import ScriptedGateway
from tests.firmware.update_bench import QUICK, up

pytestmark = [pytest.mark.needs_micropython, pytest.mark.timeout(300)]


def test_the_floor_is_kept_and_no_canary_runs(node: Callable[..., SimNode], gateway: ScriptedGateway) -> None:
    """A version that proved good says what may be installed after it. test_stage.py has all kinds."""
    one = node(board=bench.board(), **QUICK)
    up(gateway)
    server = bench.Server(gateway, bench.release(floor="9.0.0").whole)
    server.command()
    server.told("good")
    older = bench.Server(gateway, bench.release("8.9.9").whole, "8.9.9")
    reply = older.command()
    assert reply["ok"] is False
    assert reply["text"] == "8.9.9 is older than 9.0.0, the oldest that may be installed"
    gateway.health.clear()
    forged = bench.Server(gateway, bench.release("9.8.9", changes=bench.canary(), by=1).whole, "9.8.9")
    assert forged.command()["ok"] is True
    why = "it is not signed with a key that this board knows"
    assert forged.told("refused") == {"version": "9.8.9", "state": "refused", "why": why}
    assert server.running() == bench.NEW
    assert not (one.flash / "canary").exists()
    assert one.crashes == 0
