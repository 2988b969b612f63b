"""An update goes on after what was lost: docs/node/update.md."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from simulator.node import SimNode
from tests.firmware import update_bench as bench
from tests.firmware.node_bench import ScriptedGateway
from tests.firmware.update_bench import QUICK, START_S, up
from tests.support import wait_for

pytestmark = [pytest.mark.needs_micropython, pytest.mark.timeout(300)]


def test_it_goes_on_after_losses(node: Callable[..., SimNode], gateway: ScriptedGateway) -> None:
    """A chunk that is lost, one that comes twice, a connection that breaks, a power cut: at random pieces."""
    seed = random.randrange(1 << 30)
    print("seed", seed)
    chance = random.Random(seed)
    one = node(board=bench.board(), **QUICK)
    up(gateway)
    data = bench.second().whole
    server = bench.Server(gateway, data)
    pieces = list(range(0, len(data), 2048))
    twice, wifi, power = sorted(chance.sample(pieces[2:-2], 3))

    def before(fetch: dict[str, Any]) -> bytes | None:
        if fetch["from"] == twice:
            old = twice - 2048
            gateway.client.publish(bench.OFFER + "chunk", old.to_bytes(4, "big") + data[old:twice], 1)
        if fetch["from"] == wifi and server.asked.count(wifi) == 1:
            one.cut_wifi()
            return b""
        if fetch["from"] == power and server.asked.count(power) == 1:
            return b""
        return None

    server.before = before
    server.command()
    wait_for(lambda: wifi in server.asked, START_S, "the piece at which Wi-Fi breaks")
    one.restore_wifi()
    wait_for(lambda: power in server.asked, START_S, "the piece at which power is cut")
    one.restart()
    server.told("good", 180)
    assert server.running() == bench.NEW
    assert set(server.asked) == set(pieces)
    assert server.asked.count(0) == 1, "nothing was loaded from the start again"
