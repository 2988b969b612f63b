"""A node in safe mode takes the version that mends it: docs/node/self-healing.md."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.node import SimNode
from tests.firmware import update_bench as bench
from tests.firmware.node_bench import ScriptedGateway
from tests.firmware.update_bench import QUICK, START_S
from tests.support import wait_for

pytestmark = [pytest.mark.needs_micropython, pytest.mark.timeout(300)]


def test_safe_mode_ends_with_an_update(
    node: Callable[..., SimNode], gateway: ScriptedGateway, tmp_path: Path
) -> None:
    flash = tmp_path / "node" / "flash"
    flash.mkdir(parents=True)
    (flash / "crash.json").write_text(json.dumps({"row": 3, "notes": []}))
    one = node(board=bench.board(), **QUICK)
    wait_for(lambda: gateway.health, START_S, "health")
    assert gateway.health[-1]["mode"] == "safe"
    server = bench.Server(gateway, bench.second().whole)
    assert server.command()["ok"] is True
    server.told("good")
    assert server.running() == bench.NEW
    assert gateway.health[-1]["mode"] == "normal"
    assert gateway.health[-1]["counters"]["crashes"] == 0
    wait_for(lambda: gateway.readings, START_S, "readings: it measures again")
    assert one.crashes == 0
