"""The reduced form of `make torture`, and that its verdict sees what is lost, doubled and changed."""

from __future__ import annotations

import random

import pytest

from tests.torture.plant import DATABASE, Plant
from tests.torture.run import FAST, Plan, torture

pytestmark = [pytest.mark.needs_mosquitto, pytest.mark.needs_influxd, pytest.mark.timeout(300)]


def test_kills_lose_nothing_and_double_nothing() -> None:
    seed = random.randrange(1 << 32)
    print("seed", seed)
    verdict = torture(FAST, seed)
    assert verdict.good, (verdict.line(), verdict.wrong[:5])
    assert verdict.born > 2000


def test_the_verdict_sees_a_row_that_is_lost_doubled_or_changed() -> None:
    def tamper(plant: Plant) -> None:
        rows = plant.influx.query("SELECT node, seq, pm25 FROM reading LIMIT 3", DATABASE)
        lost, doubled, changed = rows
        plant.influx.query(
            f"DELETE FROM reading WHERE time = {lost['time']}s AND node = '{lost['node']}'", DATABASE
        )
        tags = "reading,network=torture,slot=a,node="
        plant.influx.write(
            DATABASE,
            f"{tags}{doubled['node']} seq={doubled['seq']}i,pm25={doubled['pm25']} 1500000000\n"
            f"{tags}{changed['node']} seq={changed['seq']}i,pm25=12345.0 {changed['time']}",
        )

    verdict = torture(Plan(gateway=1, broker=0, influx=0, disk=0), 1, tamper=tamper)
    assert (verdict.lost, verdict.doubled) == (1, 1), verdict.wrong
    assert len(verdict.wrong) == 2, verdict.wrong  # of the second row's time, and the changed value
    assert not verdict.good
