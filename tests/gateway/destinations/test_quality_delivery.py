"""Judgements to a real InfluxDB 1: fields of the readings' own points, whichever comes first."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.destinations.delivery import Delivery
from gateway.destinations.influx_v1 import InfluxV1Sink
from gateway.destinations.lines import MEASUREMENT
from gateway.destinations.settings import InfluxSettings
from gateway.journal import Journal
from gateway.quality.checks import QC_BITS, QualitySettings
from gateway.quality.follow import deliver as carry
from gateway.quality.follow import store
from gateway.quality.follow.deliver import QualityDelivery
from gateway.quality.follow.follower import QualityFollower
from tests.gateway.destinations.servers import Influx1
from tests.gateway.quality.test_follower import commit, new
from tests.support import choose_port, wait_for

pytestmark = pytest.mark.needs_influxd


@pytest.fixture
def influx(influx1: Callable[..., Influx1]) -> Influx1:
    server = influx1()
    server.query('CREATE DATABASE "smog"')
    return server


def sink_to(influx: Influx1) -> InfluxV1Sink:
    return InfluxV1Sink(InfluxSettings(enabled=True, api="v1", url=influx.url, database="smog", timeout_s=5))


@pytest.fixture
def follower(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> Iterator[QualityFollower]:
    made = QualityFollower(journal, QualitySettings(settle_s=1), {})
    yield made
    assert made.stop(10)


@pytest.fixture
def carrying(journal: Journal, follower: QualityFollower) -> Iterator[Callable[..., QualityDelivery]]:
    running: list[QualityDelivery] = []

    def start(influx: Influx1, batch: int = 50) -> QualityDelivery:
        running.append(QualityDelivery(journal, sink_to(influx), follower.bell, batch=batch))
        running[-1].start()
        return running[-1]

    yield start
    for each in running:
        assert each.stop(15)


def rows_in(influx: Influx1) -> dict[int, dict[str, Any]]:
    """By seq where the reading is there, else by the time."""
    return {row["time"]: row for row in influx.query('SELECT * FROM "reading"', "smog")}


def carried(journal: Journal, delivery: QualityDelivery) -> Callable[[], bool]:
    def is_done() -> bool:
        with journal.writing() as db:
            newest = db.execute("SELECT max(change) FROM quality").fetchone()[0]
            return newest is not None and store.cursor(db, delivery.destination) == newest

    return is_done


def test_bits_are_fields_of_the_readings_points_and_what_is_judged_anew_comes_again(
    influx: Influx1,
    journal: Journal,
    follower: QualityFollower,
    carrying: Callable[..., QualityDelivery],
    deliver: Callable[..., Delivery],
) -> None:
    commit(journal, *(new(seq, 300.0 if seq == 20 else None) for seq in range(1, 120) if seq != 60))
    commit(journal, new(200, t=None, tq="none"))
    follower.start()
    delivery = carrying(influx)
    wait_for(carried(journal, delivery), 15, f"delivery: {delivery.figures}")
    rows = rows_in(influx)
    assert len(rows) == 118  # without the one that has no time
    assert sum(row["qc"] for row in rows.values()) == QC_BITS["spike"] | QC_BITS["rate"]
    # The reading itself comes later, and again: both stay.
    raw = deliver(sink_to(influx))
    wait_for(lambda: journal.cursor(raw.destination) == 119, 15, "the readings")
    rows = rows_in(influx)
    assert len(rows) == 118
    assert all(row["pm25"] is not None and row["qc"] is not None for row in rows.values())
    # A late one changes what was said: it is provisional, then it is not.
    commit(journal, new(60))
    wait_for(lambda: follower.figures.settled == 1, 15, "the node to be judged anew")
    wait_for(carried(journal, delivery), 15, f"delivery: {delivery.figures}")
    wait_for(lambda: journal.cursor(raw.destination) == 120, 15, "the late reading")
    rows = rows_in(influx)
    assert len(rows) == 119
    assert sum(row["qc"] for row in rows.values()) == QC_BITS["spike"] | QC_BITS["rate"]
    assert (
        influx.query(f'SELECT count(pm25) FROM "reading" WHERE qc & {QC_BITS["spike"]} = 0', "smog")[0][
            "count"
        ]
        == 118
    )


def test_corrected_values_are_floats_beside_the_raw_ones(
    influx: Influx1, journal: Journal, follower: QualityFollower, carrying: Callable[..., QualityDelivery]
) -> None:
    commit(journal, new(1), new(2))
    follower.start()
    wait_for(lambda: follower.figures.judged == 2, what="judgements")
    with journal.writing() as db:
        db.execute("UPDATE quality SET pm25 = 5, pm10 = 7.25, calibration = 1 WHERE reading_id = 2")
    delivery = carrying(influx)
    wait_for(carried(journal, delivery), 15, f"delivery: {delivery.figures}")
    first, second = sorted(rows_in(influx).items())
    assert "pm25_cor" not in {name for name, value in first[1].items() if value is not None}
    assert (second[1]["pm25_cor"], second[1]["pm10_cor"]) == (5.0, 7.25)
    types = {
        row["fieldKey"]: row["fieldType"] for row in influx.query('SHOW FIELD KEYS FROM "reading"', "smog")
    }
    assert (types["qc"], types["pm25_cor"]) == ("integer", "float")


def test_an_outage_stops_the_cursor_and_nothing_else(
    influx: Influx1,
    journal: Journal,
    follower: QualityFollower,
    carrying: Callable[..., QualityDelivery],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(carry, "LONGEST_RETRY_S", 0.1)
    follower.start()
    influx.stop()
    delivery = carrying(influx)
    commit(journal, *(new(seq) for seq in range(1, 200)))
    wait_for(lambda: follower.figures.judged == 199, 15, "judgements")
    wait_for(lambda: delivery.figures.failures > 1, 15, "a try in vain")
    influx.start()
    wait_for(carried(journal, delivery), 15, f"delivery: {delivery.figures}")
    assert len(rows_in(influx)) == 199
    assert delivery.figures.refused == 0


def test_a_server_that_is_away_leaves_no_batch_behind_at_each_try(
    journal: Journal, follower: QualityFollower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carry, "LONGEST_RETRY_S", 0.02)
    commit(journal, *(new(seq) for seq in range(1, 60)))
    follower.start()
    wait_for(lambda: follower.figures.judged == 59, what="the judgements")
    address = f"http://127.0.0.1:{choose_port()}"
    sink = InfluxV1Sink(InfluxSettings(enabled=True, api="v1", url=address, database="smog"))
    delivery = QualityDelivery(journal, sink, follower.bell, batch=10)
    gc.collect()
    gc.disable()
    try:
        delivery.start()
        wait_for(lambda: delivery.figures.failures >= 20, what="twenty failures")
        assert delivery.stop(5)
        left = [each for each in gc.get_objects() if type(each) is list and is_batch(each)]
        assert len(left) <= 2
    finally:
        gc.enable()


def is_batch(found: list[Any]) -> bool:
    return len(found) == 10 and isinstance(found[0], str) and found[0].startswith(MEASUREMENT)
