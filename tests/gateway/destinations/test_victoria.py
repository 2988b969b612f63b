"""The v2 write API of a real server: VictoriaMetrics takes /api/v2/write (it turns strings into 0)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.destinations.delivery import Delivery
from gateway.destinations.influx_v2 import InfluxV2Sink
from gateway.destinations.lines import flag_bits
from gateway.destinations.settings import InfluxSettings
from gateway.journal import Journal
from tests.gateway.destinations.samples import a_mixed_lot, commit, stored
from tests.gateway.destinations.servers import Victoria
from tests.support import wait_for

pytestmark = pytest.mark.needs_victoria


@pytest.mark.parametrize("compress", [True, False])
def test_what_is_delivered_is_what_the_journal_holds(
    victoria: Victoria, journal: Journal, deliver: Callable[..., Delivery], compress: bool
) -> None:
    settings = InfluxSettings(
        enabled=True, url=victoria.url, org="any", bucket="any", token="any", gzip=compress, timeout_s=5
    )
    lot = a_mixed_lot(200)
    commit(journal, lot)
    sink = InfluxV2Sink(settings)
    assert all(finding.ok for finding in sink.check())
    delivery = deliver(sink, batch=64)
    wait_for(lambda: delivery.counters.delivered == 200, what=f"delivery, {delivery.counters}")

    for name in ("pm25", "pm10", "temp", "seq", "flags"):
        expected = {
            (each.network, each.node, each.slot, each.t, value)
            for each in stored(journal)
            for value in [{**each.values, "seq": each.seq, "flags": flag_bits(each.flags)}.get(name)]
            if value is not None
        }
        found = {
            (labels["network"], labels["node"], labels["slot"], at, value)
            for labels, at, value in victoria.export(f"reading_{name}")
        }
        assert found == expected, name
