"""docs/influxdb.md says what the code does."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from gateway.destinations.influx_v1 import InfluxV1Sink
from gateway.destinations.lines import FLAG_BITS, UNKNOWN_FLAG_BIT, line
from gateway.destinations.settings import InfluxSettings
from gateway.reading import FIELDS
from tests.gateway.destinations.line_parser import parse_line
from tests.gateway.destinations.samples import reading
from tests.gateway.destinations.servers import Influx1
from tests.support import REPO

TEXT = (REPO / "docs/influxdb.md").read_text()


def test_every_key_of_a_line_is_in_the_schema() -> None:
    _, tags, fields, _ = parse_line(line(reading(values=dict.fromkeys(FIELDS, 1.0))) or "")
    schema = TEXT.split("## Schema")[1].split("\n## ")[0]
    rows = [row.split("|")[1] for row in schema.splitlines() if row.startswith("| `")]
    documented = {name for keys in rows for name in re.findall(r"`(\w+)`", keys)}
    assert documented == {*tags, *fields}


def test_every_flag_s_bit_is_in_the_table() -> None:
    table = dict(re.findall(r"\| (\d+) \| `?([\w ]+?)`? (?=\|)", TEXT))
    assert {name: int(bit) for bit, name in table.items() if name in FLAG_BITS} == FLAG_BITS
    assert str(UNKNOWN_FLAG_BIT) in table


@pytest.mark.needs_influxd
def test_the_queries_and_the_rights_are_enough(influx1: Callable[..., Influx1]) -> None:
    influx = influx1(["auth-enabled = true"])
    influx.query("CREATE USER root WITH PASSWORD 'root' WITH ALL PRIVILEGES")
    for statement in re.findall(r"^    ((?:CREATE|GRANT) .*)$", TEXT, re.M):
        influx.query(statement, auth="root:root")
    sink = InfluxV1Sink(
        InfluxSettings(
            enabled=True, api="v1", url=influx.url, database="warsaw", username="dustline", password="..."
        )
    )
    assert [finding.ok for finding in sink.check()] == [True, True]
    sink.write([line(reading(1)) or "", line(reading(2, flags=("stuck", "warming_up"))) or ""])
    sink.close()
    queries = re.findall(r"^    (SELECT .*)$", TEXT, re.M)
    assert len(queries) == 3
    found = [influx.query(query, "warsaw", auth="root:root") for query in queries]
    assert [row["pm25"] for row in found[1]] == [14.5]
