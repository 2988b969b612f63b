"""Delivery to a real InfluxDB 1, read back with InfluxQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from gateway.destinations.delivery import Delivery
from gateway.destinations.influx_v1 import InfluxV1Sink
from gateway.destinations.lines import flag_bits, line
from gateway.destinations.settings import InfluxSettings
from gateway.destinations.sink import Finding, LinesRefusedError
from gateway.journal import Journal, JournalReader
from gateway.reading import StoredReading
from tests.gateway.destinations.samples import a_mixed_lot, commit, reading, stored
from tests.gateway.destinations.servers import Influx1
from tests.support import choose_port, wait_for

pytestmark = pytest.mark.needs_influxd


def settings(url: str, /, **more: Any) -> InfluxSettings:
    return InfluxSettings(
        **{"enabled": True, "api": "v1", "url": url, "database": "smog", "timeout_s": 5, **more}
    )


@pytest.fixture
def influx(influx1: Callable[..., Influx1]) -> Influx1:
    server = influx1()
    server.query('CREATE DATABASE "smog"')
    return server


def row_of(each: StoredReading) -> dict[str, Any]:
    return {
        "time": each.t,
        "network": each.network,
        "node": each.node,
        "slot": each.slot,
        "model": each.model,
        "tq": each.tq,
        "n": each.n,
        "dt": each.dt,
        "boot": each.boot,
        "seq": each.seq,
        "up": each.up,
        "delay": each.received_ms // 1000 - (each.t or 0),
        "flags": flag_bits(each.flags),
        **each.values,
    }


def rows_in(influx: Influx1) -> list[dict[str, Any]]:
    """By time; InfluxQL gives None for a field that a row lacks."""
    return [
        {name: value for name, value in row.items() if value is not None}
        for row in influx.query('SELECT * FROM "reading"', "smog")
    ]


def all_delivered(delivery: Delivery, journal: Journal) -> None:
    with JournalReader(journal.path) as reader:
        newest = reader.newest_id()
    name = delivery.name.removeprefix("delivery to ")
    wait_for(lambda: journal.cursor(name) == newest, 15, f"delivery, {delivery.counters}")


@pytest.mark.parametrize("compress", [True, False])
def test_row_by_row_equal_and_a_second_delivery_changes_nothing(
    influx: Influx1, journal: Journal, deliver: Callable[..., Delivery], compress: bool
) -> None:
    commit(journal, a_mixed_lot(200))
    sink = InfluxV1Sink(settings(influx.url, gzip=compress))
    all_delivered(deliver(sink, batch=64), journal)
    expected = [row_of(each) for each in stored(journal)]
    assert rows_in(influx) == expected

    journal.delivered(sink.name, 0)
    all_delivered(deliver(InfluxV1Sink(settings(influx.url)), batch=33), journal)
    assert rows_in(influx) == expected


def test_field_types_are_what_the_schema_says(
    influx: Influx1, journal: Journal, deliver: Callable[..., Delivery]
) -> None:
    commit(journal, [reading(values={"pm25": 7, "n03": 100})])  # whole numbers, and yet floats
    all_delivered(deliver(InfluxV1Sink(settings(influx.url))), journal)
    types = {row["fieldKey"]: row["fieldType"] for row in influx.query("SHOW FIELD KEYS", "smog")}
    assert types == {
        **dict.fromkeys(("pm25", "n03"), "float"),
        **dict.fromkeys(("n", "dt", "boot", "seq", "up", "delay", "flags"), "integer"),
        **dict.fromkeys(("model", "tq"), "string"),
    }
    assert {row["tagKey"] for row in influx.query("SHOW TAG KEYS", "smog")} == {"network", "node", "slot"}


def test_what_the_journal_gains_later_arrives_as_well(
    influx: Influx1, journal: Journal, deliver: Callable[..., Delivery]
) -> None:
    delivery = deliver(InfluxV1Sink(settings(influx.url)))
    for i in range(1, 6):
        commit(journal, [reading(i)])
        all_delivered(delivery, journal)
    assert [row["seq"] for row in rows_in(influx)] == [1, 2, 3, 4, 5]


def test_a_line_of_the_wrong_type_is_quarantined_and_the_rest_stored(
    influx: Influx1, journal: Journal, deliver: Callable[..., Delivery]
) -> None:
    lot = [reading(i) for i in range(1, 101)]
    lot[40] = reading(41, values={"pm25": 1.0, "temp": 20.0})
    lot[70] = reading(71, values={"pm25": 1.0, "temp": 21.0})
    influx.write("smog", f'reading,node=other temp="warm" {lot[0].t}')
    commit(journal, lot)
    delivery = deliver(InfluxV1Sink(settings(influx.url)))
    all_delivered(delivery, journal)

    expected = [row_of(each) for each in stored(journal) if each.seq not in (41, 71)]
    assert [row for row in rows_in(influx) if row["node"] != "other"] == expected
    with JournalReader(journal.path) as reader:
        refused = reader.quarantined()
    assert sorted(each.seq or 0 for each in refused) == [41, 71]
    assert all('input field "temp"' in each.detail and each.destination for each in refused)
    assert (delivery.counters.delivered, delivery.counters.refused) == (98, 2)


def test_awkward_names_come_back_unchanged(influx: Influx1) -> None:
    names = ["a b", "a,b", "a=b", 'a"b', "żółć", "a'b", "#1", " "]
    sink = InfluxV1Sink(settings(influx.url))
    sink.write([line(reading(i, node=name, model=name + "\\")) or "" for i, name in enumerate(names)])
    rows = rows_in(influx)
    assert [row["node"] for row in rows] == names
    assert [row["model"] for row in rows] == [name + "\\" for name in names]
    sink.close()


def test_a_value_that_is_no_number_is_refused_with_the_server_s_reason(influx: Influx1) -> None:
    sink = InfluxV1Sink(settings(influx.url))
    with pytest.raises(LinesRefusedError, match="invalid number"):
        sink.write([line(reading(values={"pm25": float("nan")})) or ""])
    sink.close()


class StopsTheServer:
    """The real sink; just before its third write the server goes away."""

    def __init__(self, sink: InfluxV1Sink, influx: Influx1) -> None:
        self.sink, self.influx, self.name = sink, influx, sink.name
        self.writes = 0

    def write(self, lines: Sequence[str]) -> None:
        self.writes += 1
        if self.writes == 3:
            self.influx.stop()
        self.sink.write(lines)

    def check(self) -> list[Finding]:
        return self.sink.check()

    def close(self) -> None:
        self.sink.close()


def test_nothing_is_lost_when_the_server_is_away_for_a_while(
    influx: Influx1, journal: Journal, deliver: Callable[..., Delivery]
) -> None:
    lot = a_mixed_lot(120)
    commit(journal, lot[:100])
    delivery = deliver(StopsTheServer(InfluxV1Sink(settings(influx.url)), influx), batch=10)
    wait_for(lambda: delivery.counters.failures >= 2, what="failures")
    commit(journal, lot[100:])
    assert "cannot be reached" in (delivery.counters.last_error or "")
    influx.start()
    all_delivered(delivery, journal)
    assert rows_in(influx) == [row_of(each) for each in stored(journal)]
    assert delivery.counters.delivered == 120


def test_check_tells_what_is_wrong(influx1: Callable[..., Influx1]) -> None:
    influx = influx1(["auth-enabled = true"])
    root = "root:hasło"
    influx.query("CREATE USER root WITH PASSWORD 'hasło' WITH ALL PRIVILEGES")
    influx.query("CREATE DATABASE smog", auth=root)
    influx.query("CREATE USER guest WITH PASSWORD 'guest'", auth=root)

    def check(**more: Any) -> list[Finding]:
        sink = InfluxV1Sink(settings(influx.url, **more))
        found = sink.check()
        sink.close()
        return found

    assert [each.ok for each in check(username="root", password="hasło")] == [True, True]
    for more, says in [
        ({}, "set influx.username and influx.password"),
        ({"username": "root", "password": "wrong"}, "set influx.username and influx.password"),
        ({"username": "guest", "password": "guest"}, "influx.database"),
        ({"username": "root", "password": "hasło", "database": "nope"}, "create or set influx.database"),
    ]:
        found = check(**more)
        assert [each.ok for each in found] == [True, False], found
        assert says in found[1].text
        assert "hasło" not in str(found)
    (unreachable,) = check(url=f"http://127.0.0.1:{choose_port()}")
    assert not unreachable.ok
    assert "check influx.url" in unreachable.text
    assert influx.query('SELECT * FROM "reading"', "smog", auth=root) == []
