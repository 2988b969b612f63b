"""Owners are killed under load: the standbys take over in time, and nothing is lost or doubled, row by row.

The times are shorter than the defaults; `python -m bench.standby` has those.
"""

from __future__ import annotations

import random
import signal
from typing import Any

import pytest

from tests.gateway.operate.processes import figures
from tests.gateway.standby.site import (
    PROMISED_S,
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


def test_killed_owners_lose_nothing(make_site: Any) -> None:
    """Shard 1/2 over MQTT 5, shard 2/2 over 3.1.1."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    site = make_site()
    pairs = start_pairs(site)
    fleet = foreign_fleet(site, 40, 150, seed)
    try:
        wait_for(lambda: fleet.born > 100, what="some readings")
        # So that the dead owners' journals hold what nobody else has.
        site.influx.stop()
        before = fleet.born
        wait_for(lambda: fleet.born > before + 100, what="more readings")
        for pair in pairs:
            seconds = takeover(fleet, pair.owner, pair.standby, signal.SIGKILL, pair.half.digits)
            print(f"shard {pair.half.shard}, MQTT {pair.half.protocol}: {seconds:.2f} s")
            assert seconds <= PROMISED_S
        site.influx.start()
        after = fleet.born
        wait_for(lambda: fleet.born > after + 100, what="readings after it")
        fleet.be_quiet()
        wait_for(lambda: all(_lag(pair.standby) == 0 for pair in pairs), 30, "what is delivered so far")
        held_back = wrongs(site, fleet)
        assert len(held_back) == 1, held_back
        assert held_back[0].endswith(" lost"), "the dead owners' journals held nothing: this shows nothing"

        back = [site.start("a", pair.half.shard, pair.half.protocol) for pair in pairs]
        for each in back:
            wait_for_role(each, "standby")
        settle(site, fleet)
        assert wrongs(site, fleet) == []
        fleet.claim()
        exact = {"born": fleet.born, "stored": fleet.born, "quarantined": 0, "missing": 0}
        wait_for(lambda: ledger(site.journals()) == exact, what=f"the ledger to say {exact}")
        on_b = [path for path in site.journals() if path.parent.name == "b"]
        assert len(on_b) == 2
        assert ledger(on_b)["missing"] > 0, "machine b has it all: the ledger had nothing to join"
    finally:
        fleet.close()
    assert [turns(pair.standby) for pair in pairs] == [(1, 0), (1, 0)]
    assert [turns(each) for each in back] == [(0, 0), (0, 0)]


def test_orderly_end_hands_over_at_once(make_site: Any) -> None:
    """With a patience that the test would not wait for."""
    site = make_site(patience_s=20.0)
    first = site.start("a")
    wait_for_role(first, "owner")
    second = site.start("b")
    wait_for_role(second, "standby")
    fleet = foreign_fleet(site, 20, 50, 1)
    try:
        assert takeover(fleet, first, second, signal.SIGTERM) < 12
        assert first.process.wait(10) == 0
        wait_for_role(site.start("a"), "standby")  # with what it may not have delivered at its end
        settle(site, fleet)
        assert wrongs(site, fleet) == []
    finally:
        fleet.close()
    assert role(second) == "owner"


def _lag(gateway: Any) -> float:
    return sum(
        value
        for name, value in figures(gateway.url).items()
        if name.startswith("dustline_delivery_lag_readings")
    )
