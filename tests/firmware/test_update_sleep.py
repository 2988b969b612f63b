"""A node in deep sleep is updated: it stays awake while it loads, and a wake is no start of a trial."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.node import SimNode
from tests.firmware import update_bench as bench
from tests.firmware.node_bench import ScriptedGateway
from tests.firmware.sleepy import SLEEPY, WAKE_S, sleeps
from tests.support import wait_for

pytestmark = [pytest.mark.needs_micropython, pytest.mark.timeout(300)]


def test_a_node_in_deep_sleep(node: Callable[..., SimNode], gateway: ScriptedGateway) -> None:
    one = node(board=bench.board(), **SLEEPY)
    wait_for(lambda: gateway.readings and sleeps(one) >= 1, WAKE_S, "a sleep")
    server = bench.Server(gateway, bench.second().whole)
    assert server.command()["ok"] is True
    starts = one.starts
    server.told("good", WAKE_S)
    assert one.starts == starts + 1, "it did not sleep before it was done"
    assert server.running() == bench.NEW
    before = sleeps(one)
    wait_for(lambda: sleeps(one) >= before + 2, WAKE_S, "two more sleeps")
    assert one.crashes == 0
