"""An owner that was only paused steps down and stays down."""

from __future__ import annotations

import random
import signal
from typing import Any

import pytest

from tests.gateway.operate.processes import figures
from tests.gateway.standby.site import (
    PROMISED_S,
    Pair,
    foreign_fleet,
    ledger,
    role,
    settle,
    start_pairs,
    takeover,
    turns,
    wait_for_role,
    wrongs,
)
from tests.support import wait_for

pytestmark = [pytest.mark.needs_mosquitto, pytest.mark.needs_influxd]


def test_paused_owners_step_down_once(make_site: Any) -> None:
    """Shard 1/2 over MQTT 5, shard 2/2 over 3.1.1."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    site = make_site(keepalive_s=5)
    pairs = start_pairs(site)
    fleet = foreign_fleet(site, 40, 200, seed)
    try:
        pairs[1].owner.process.send_signal(signal.SIGSTOP)
        first = pairs[0]
        seconds = takeover(fleet, first.owner, first.standby, signal.SIGSTOP, first.half.digits)
        assert seconds <= PROMISED_S
        wait_for_role(pairs[1].standby, "owner")
        # Until the broker has given up all their connections: they wake without having heard of it.
        gone = "exceeded timeout"
        wait_for(lambda: site.broker.log.read_text().count(gone) >= 2, 30, "the broker to miss them")
        for pair in pairs:
            pair.owner.process.send_signal(signal.SIGCONT)
        for pair in pairs:
            wait_for_role(pair.owner, "standby")
        born = fleet.born
        wait_for(lambda: fleet.born > born + 500, what="readings after it")  # there was time to take it back
        settle(site, fleet)
        assert wrongs(site, fleet) == []
        _check(pairs)
        fleet.claim()
        exact = {"born": fleet.born, "stored": fleet.born, "quarantined": 0, "missing": 0}
        wait_for(lambda: ledger(site.journals()) == exact, what=f"the ledger to say {exact}")
    finally:
        fleet.close()
    # It has not been put aside for good.
    pairs[0].standby.process.kill()
    wait_for_role(pairs[0].owner, "owner")


def _check(pairs: list[Pair]) -> None:
    for pair in pairs:
        assert (role(pair.owner), role(pair.standby)) == ("standby", "owner")
        assert (turns(pair.owner), turns(pair.standby)) == ((1, 1), (1, 0))
        # Neither has connected under the shard's client id more than once.
        both = [
            figures(each.url)["dustline_session_connections_total"] for each in (pair.owner, pair.standby)
        ]
        assert both == [1, 1]
