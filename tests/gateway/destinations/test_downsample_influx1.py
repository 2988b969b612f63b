"""`dustline gateway downsample` on a real InfluxDB 1: its means equal those computed here."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import gateway
from gateway.destinations.delivery import Delivery
from gateway.destinations.influx_v1 import InfluxV1Sink
from gateway.destinations.settings import InfluxSettings
from gateway.downsample.influxql import Dialect
from gateway.journal import Journal
from tests.gateway.destinations.means import (
    DAY,
    Key,
    a_lot,
    corrected,
    daily_means,
    hourly_means,
    judged,
    judgement_lines,
    same,
)
from tests.gateway.destinations.samples import commit, reading, stored
from tests.gateway.destinations.servers import Influx1
from tests.support import REPO, wait_for

pytestmark = pytest.mark.needs_influxd

QUERIES = [
    *(f"dustline_1h_{name}" for name in ("pm", "climate", "all")),
    *(f"dustline_1h_{name}_late" for name in ("pm", "climate", "all")),
    "dustline_1d",
]


@pytest.fixture
def influx(influx1: Callable[..., Influx1]) -> Influx1:
    server = influx1()
    server.query('CREATE DATABASE "smog"')
    return server


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    """`run(influx, "apply")`: a command with the configuration of that server."""

    def call(influx: Influx1, *words: str, checked: bool = False, **changes: str | int) -> Result:
        keys = {"api": "v1", "url": influx.url, "database": "smog", **changes}
        file = tmp_path / "gateway.toml"
        lines = [f"{name} = {value!r}".replace("'", '"') for name, value in keys.items()]
        file.write_text(
            "\n".join([f"[quality]\nenabled = {str(checked).lower()}", "[influx]", "enabled = true", *lines])
        )
        return CliRunner().invoke(gateway, ["downsample", *words, "--config", str(file)])

    return call


def means_in(influx: Influx1, measurement: str) -> dict[Key, dict[str, float]]:
    rows = influx.query(f'SELECT * FROM "means"."{measurement}"', "smog")
    assert {row.pop("network") for row in rows} <= {"waw"}
    return {
        (row.pop("node"), row.pop("slot"), row.pop("time")): {
            name: value for name, value in row.items() if value is not None
        }
        for row in rows
    }


def delivered(deliver: Callable[..., Delivery], influx: Influx1, journal: Journal) -> None:
    sink = InfluxV1Sink(InfluxSettings(enabled=True, api="v1", url=influx.url, database="smog", timeout_s=5))
    newest = stored(journal)[-1].id
    delivery = deliver(sink)
    wait_for(lambda: journal.cursor(sink.name) == newest, 15, "delivery")
    assert delivery.stop()


def test_means_of_the_past_and_of_what_came_late(
    influx: Influx1, journal: Journal, deliver: Callable[..., Delivery], run: Callable[..., Result]
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    draw = random.Random(seed)
    begun = a_lot(draw, DAY - 86400, 30 * 3600)
    late = a_lot(draw, DAY - 86400 + 1, 40 * 3600, first_id=len(begun) + 1)  # other seconds: other readings
    edge = reading(90_001, node="edge", t=DAY, values={"pm25": 0.0})  # the last instant of the day before
    commit(journal, [*begun, edge])
    delivered(deliver, influx, journal)
    assert run(influx, "apply").exit_code == 0
    period = ("--since", "2025-10-08T23:00Z", "--until", "2025-10-12")

    done = run(influx, "recompute", *period)
    assert done.exit_code == 0, done.output
    hourly = hourly_means(stored(journal))
    same(means_in(influx, "reading_1h"), hourly)
    same(means_in(influx, "reading_1d"), daily_means(hourly))
    of_edge = means_in(influx, "reading_1d")["edge", "pm", DAY - 86400 + 1]
    assert of_edge == {"pm25": 0.0, "pm25_n": 1, "pm25_hours": 1, "readings": 1}

    complete = re.search(r"^ +(SELECT .* >= 18 .*)$", (REPO / "docs/influxdb.md").read_text(), re.M)
    assert complete
    found = influx.query(complete[1].replace("now()", f"{DAY + 86400}s"), "smog")
    assert len(found) == len(
        [each for each in daily_means(hourly).values() if each.get("pm25_hours", 0) >= 18]
    )

    commit(journal, late)
    delivered(deliver, influx, journal)
    assert run(influx, "recompute", *period).exit_code == 0
    assert hourly_means(stored(journal)) != hourly
    hourly = hourly_means(stored(journal))
    same(means_in(influx, "reading_1h"), hourly)
    same(means_in(influx, "reading_1d"), daily_means(hourly))


def test_with_checks_the_means_leave_out_what_is_bad_or_not_judged(
    influx: Influx1, journal: Journal, deliver: Callable[..., Delivery], run: Callable[..., Result]
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    draw = random.Random(seed)
    lot = a_lot(draw, DAY - 86400, 30 * 3600)
    commit(journal, lot)
    delivered(deliver, influx, journal)
    assert run(influx, "apply", checked=True).exit_code == 0
    period = ("--since", "2025-10-08T23:00Z", "--until", "2025-10-12")
    # Nothing is judged yet: the readings are counted, and there is no mean.
    assert run(influx, "recompute", *period, checked=True).exit_code == 0
    assert {name for row in means_in(influx, "reading_1h").values() for name in row} == {"readings"}
    qc = judged(draw, lot)
    made = corrected(draw, lot, qc)
    influx.write("smog", "\n".join(judgement_lines(lot, qc, made)))
    done = run(influx, "recompute", *period, checked=True)
    assert done.exit_code == 0, done.output
    hourly = hourly_means(stored(journal), qc, made)
    assert hourly != hourly_means(stored(journal), made=made)
    assert sum("pm25_cor" in each for each in hourly.values()) > 20
    same(means_in(influx, "reading_1h"), hourly)
    same(means_in(influx, "reading_1d"), daily_means(hourly))
    # The documented question for hours that are of corrected values.
    enough = re.search(
        r'^ +(SELECT .* >= 0.75 \* "pm25_n" .*)$', (REPO / "docs/influxdb.md").read_text(), re.M
    )
    assert enough
    found = influx.query(enough[1].replace("now()", f"{DAY + 86400}s"), "smog")
    wanted = [
        each["pm25_cor"]
        for each in hourly.values()
        if each.get("pm25_cor_n", 0) >= 0.75 * each.get("pm25_n", 99)
    ]
    assert 0 < len(wanted) < len(hourly)
    assert sorted(each["pm25_cor"] for each in found) == pytest.approx(sorted(wanted))
    # The setting has changed: what is installed is told to differ.
    told = run(influx, "apply", checked=False)
    assert told.exit_code == 1
    assert told.output.count("exists and differs") == 4


def test_days_by_winter_time(
    influx: Influx1, journal: Journal, deliver: Callable[..., Delivery], run: Callable[..., Result]
) -> None:
    lot = [reading(i, t=DAY - 7200 + 600 * i, values={"pm25": float(i)}) for i in range(20)]
    commit(journal, lot)
    delivered(deliver, influx, journal)
    assert run(influx, "apply", day_offset_h=1).exit_code == 0
    done = run(
        influx, "recompute", "--since", "2025-10-09T22:00Z", "--until", "2025-10-10T02:00Z", day_offset_h=1
    )
    assert done.exit_code == 0, done.output
    hourly = hourly_means(stored(journal))
    # The reading of 22:00 belongs to an hour before the period: the day has it once its hour is made.
    del hourly["ochota-1", "pm", DAY - 10800 + 1]
    same(means_in(influx, "reading_1d"), daily_means(hourly, 23 * 3600))
    told = run(influx, "apply")  # days by UTC now
    assert told.exit_code == 1
    assert "BAD  continuous query dustline_1d: exists and differs" in told.output


def test_apply_leaves_alone_what_exists_and_tells_what_differs(
    influx: Influx1, run: Callable[..., Result]
) -> None:
    assert "create or set influx.database" in run(influx, "apply", database="nope").output
    first = run(influx, "apply")
    assert first.exit_code == 0, first.output
    assert first.output.count("created") == 1 + len(QUERIES)

    def there() -> dict[str, str]:
        return {row["name"]: row["query"] for row in influx.query("SHOW CONTINUOUS QUERIES")}

    before = there()
    assert list(before) == QUERIES
    second = run(influx, "apply")
    assert second.exit_code == 0, second.output
    assert second.output.count("exists") == 1 + len(QUERIES)
    influx.query('DROP CONTINUOUS QUERY "dustline_1d" ON "smog"')
    influx.query(
        'CREATE CONTINUOUS QUERY "dustline_1d" ON "smog" BEGIN SELECT mean(pm25) INTO x FROM reading '
        "GROUP BY time(1d) END"
    )
    told = run(influx, "apply")
    assert told.exit_code == 1
    assert "BAD  continuous query dustline_1d: exists and differs" in told.output
    assert "1 to be put right" in told.output
    assert there() != before
    assert run(influx, "apply", "--replace").exit_code == 0
    assert there() == before


def test_a_name_that_must_be_quoted(influx: Influx1, run: Callable[..., Result]) -> None:
    influx.query('CREATE DATABASE "smog of-1"')
    assert run(influx, "apply", database="smog of-1").exit_code == 0
    second = run(influx, "apply", database="smog of-1")
    assert second.exit_code == 0, second.output


@pytest.mark.parametrize(("ending", "checked"), [("", False), ("_late", False), ("", True)])
def test_the_server_runs_the_continuous_queries(influx: Influx1, ending: str, checked: bool) -> None:
    """The shipped statements with seconds for hours and days: nobody waits for an hour here."""
    influx.query('CREATE RETENTION POLICY "means" ON "smog" DURATION INF REPLICATION 1')
    now = int(time.time())
    # `stuck`, said by the node's flag or by the gateway's check.
    good, bad = ("flags=0i,qc=0i", "flags=0i,qc=64i") if checked else ("flags=0i", "flags=8i")
    influx.write(
        "smog",
        "\n".join(
            f"reading,network=waw,node=a,slot=pm pm25={value},temp={value},{bits},seq=1i {t}"
            for t, value, bits in (
                (t, 8.0 if t % 2 else 4.0, good if t % 2 else bad) for t in range(now - 600, now + 1)
            )
        ),
    )
    in_seconds = {
        "time(1h, ": "time(4s, ",
        "time(1d, ": "time(8s, ",
        "EVERY 1h FOR 2d": "EVERY 4s FOR 40s",
        "EVERY 1d FOR 15d": "EVERY 8s FOR 40s",
        "EVERY 1h FOR 16d": "EVERY 4s FOR 40s",
    }
    for each in Dialect("smog", checked=checked).continuous_queries():
        if each.name.endswith(("_late", "_1d")) == bool(ending) or each.name == "dustline_1d":
            text = each.text
            for long, short in in_seconds.items():
                text = text.replace(long, short)
            influx.query(text)

    def whole_days() -> list[dict[str, float]]:
        days = means_in(influx, "reading_1d").values()
        return [day for day in days if day.get("pm25_hours") == day.get("temp_hours") == 2]

    day = wait_for(whole_days, 30, "a whole day of 8 s")[0]
    # It leaves out PM values and not those of the climate.
    assert (day["pm25"], day["temp"]) == (8.0, 6.0)
    assert (day["pm25_n"], day["temp_n"], day["readings"]) == (4, 8, 8)


def test_the_missing_right_is_named(influx1: Callable[..., Influx1], run: Callable[..., Result]) -> None:
    influx = influx1(["auth-enabled = true"])
    root = "root:root"
    influx.query("CREATE USER root WITH PASSWORD 'root' WITH ALL PRIVILEGES")
    influx.query('CREATE DATABASE "smog"', auth=root)
    influx.query("CREATE USER dustline WITH PASSWORD 's3cret'", auth=root)
    influx.query('GRANT WRITE ON "smog" TO dustline', auth=root)
    gateways = {"username": "dustline", "password": "s3cret"}
    refused = run(influx, "apply", **gateways)
    assert refused.exit_code == 1
    assert 'GRANT ALL ON "smog" TO "dustline"' in refused.output
    assert "DUSTLINE_INFLUX__USERNAME" in refused.output
    assert "s3cret" not in refused.output
    wrong = run(influx, "apply", username="dustline", password="wr0ng")
    assert "HTTP 401" in wrong.output
    assert "wr0ng" not in wrong.output
    influx.query('GRANT ALL ON "smog" TO dustline', auth=root)
    policy = run(influx, "apply", **gateways)
    assert policy.exit_code == 1
    assert "takes an administrator" in policy.output
    assert run(influx, "apply", username="root", password="root").exit_code == 0
    influx.query('DROP CONTINUOUS QUERY "dustline_1d" ON "smog"', auth=root)
    again = run(influx, "apply", **gateways)
    assert again.exit_code == 0, again.output
    past = run(influx, "recompute", "--since", "2025-10-09", "--until", "2025-10-10", **gateways)
    assert past.exit_code == 0, past.output


def test_raw_readings_must_outlast_the_reruns(influx: Influx1, run: Callable[..., Result]) -> None:
    influx.query('ALTER RETENTION POLICY "autogen" ON "smog" DURATION 10d')
    told = run(influx, "apply")
    assert told.exit_code == 1
    assert "BAD  retention policy autogen keeps readings for 10 days only" in told.output
    assert told.output.count("created") == 1 + len(QUERIES)
    refused = run(influx, "recompute", "--since", "2025-10-09")
    assert refused.exit_code == 1
    assert "later --since" in refused.output


def test_recompute_says_what_is_missing(influx: Influx1, run: Callable[..., Result]) -> None:
    assert (
        "downsample apply"
        in run(influx, "recompute", "--since", "2025-10-09", "--until", "2025-10-10").output
    )
    influx.stop()
    unreachable: Any = run(influx, "recompute", "--since", "2025-10-09")
    assert unreachable.exit_code == 1
    assert "cannot be reached" in unreachable.output
    assert run(influx, "recompute", "--since", "2090-10-09").exit_code == 2
