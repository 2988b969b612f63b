"""A broker that is away for longer than anybody's patience, and comes back, changes no owner."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.gateway.operate.processes import ask
from tests.gateway.standby.site import settle, start_pairs, turns, wait_for_role, wrongs
from tests.support import wait_for
from tests.torture.fleet import Fleet

pytestmark = [pytest.mark.needs_mosquitto, pytest.mark.needs_influxd]


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_restart_of_the_broker_is_no_takeover(make_site: Any, end: str) -> None:
    """Shard 1/2 over MQTT 5, shard 2/2 over 3.1.1."""
    site = make_site()
    pairs = start_pairs(site)
    fleet = Fleet(site.broker.port, 20, 50, 1)  # nodes that send again: a broker may lose what it took
    try:
        wait_for(lambda: len(fleet.last_acks) > 8, what="acks of both shards")
        (site.broker.kill if end == "kill" else site.broker.stop)()
        lost = time.monotonic()
        for pair in pairs:
            wait_for(lambda pair=pair: ask(pair.owner.url, "readyz")[0] == 503, what="the owner to notice")
        wait_for(lambda: time.monotonic() > lost + 4, 10, "the outage to be over")
        site.broker.start()
        back = time.monotonic()
        for pair in pairs:
            wait_for_role(pair.owner, "owner")
            wait_for_role(pair.standby, "standby")
        wait_for(lambda: min(fleet.last_acks.values()) > back, 30, "acks after it")
        fleet.be_quiet()
        wait_for(lambda: fleet.waiting == 0, 30, "all to be acked")
        settle(site, fleet)
        assert wrongs(site, fleet) == []
    finally:
        fleet.close()
    for pair in pairs:
        assert (turns(pair.owner), turns(pair.standby)) == ((1, 0), (0, 0))
