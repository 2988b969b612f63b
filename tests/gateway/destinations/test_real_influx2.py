"""Delivery and means on a real InfluxDB 2, where there is one: DUSTLINE_INFLUXD2 names its influxd.

No package registry has it; docs/developers.md says how it is built. Elsewhere the stand-ins have to do.
"""

from __future__ import annotations

import calendar
import csv
import io
import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import gateway
from gateway.destinations.delivery import Delivery
from gateway.destinations.influx_v2 import InfluxV2Sink
from gateway.destinations.lines import flag_bits
from gateway.destinations.settings import InfluxSettings
from gateway.journal import Journal, JournalReader
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
from tests.gateway.destinations.samples import a_mixed_lot, commit, reading, stored
from tests.gateway.destinations.servers import Server, http
from tests.support import choose_port, wait_for

BINARY = os.environ.get("DUSTLINE_INFLUXD2")
pytestmark = pytest.mark.skipif(BINARY is None, reason="DUSTLINE_INFLUXD2 names no InfluxDB 2")
ORG, BUCKET, ADMIN = "smog", "warsaw", "admin-token-of-the-test"


class Influx2(Server):
    """Set up with one organization and bucket; `token` may write to it and nothing else."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        port = choose_port()
        paths = [f"--bolt-path={directory}/bolt", f"--sqlite-path={directory}/sqlite"]
        listen = [f"--engine-path={directory}/engine", f"--http-bind-address=127.0.0.1:{port}"]
        super().__init__(directory, [BINARY or "", *paths, *listen, "--reporting-disabled"], port)

    def set_up(self) -> None:
        """Names, an administrator's token and the gateway's."""
        first = {"username": "root", "password": "root-root", "org": ORG, "bucket": BUCKET, "token": ADMIN}
        made = self.ask("POST", "/api/v2/setup", {**first, "retentionPeriodSeconds": 0})
        self.org_id, bucket_id = made["org"]["id"], made["bucket"]["id"]
        right = {"action": "write", "resource": {"type": "buckets", "id": bucket_id, "orgID": self.org_id}}
        self.token: str = self.ask(
            "POST", "/api/v2/authorizations", {"orgID": self.org_id, "permissions": [right]}
        )["token"]

    def ask(self, method: str, path: str, document: dict[str, Any] | None = None) -> Any:
        answer = http.request(
            method,
            self.url + path,
            body=None if document is None else json.dumps(document),
            headers={"Authorization": f"Token {ADMIN}", "Content-Type": "application/json"},
        )
        assert answer.status < 300, answer.data
        return json.loads(answer.data) if answer.data else None

    def rows(self, bucket: str, measurement: str) -> list[dict[str, str]]:
        flux = (
            f'from(bucket: "{bucket}") |> range(start: 0)'
            f' |> filter(fn: (r) => r._measurement == "{measurement}")'
            ' |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")'
        )
        answer = http.request(
            "POST",
            f"{self.url}/api/v2/query?orgID={self.org_id}",
            body=json.dumps({"query": flux, "type": "flux"}),
            headers={"Authorization": f"Token {ADMIN}", "Content-Type": "application/json"},
        )
        assert answer.status == 200, answer.data
        tables = answer.data.decode().replace("\r\n", "\n").strip("\n").split("\n\n")
        return [row for table in tables if table for row in csv.DictReader(io.StringIO(table))]

    def means(self, measurement: str) -> dict[Key, dict[str, float]]:
        found: dict[Key, dict[str, float]] = {}
        for row in self.rows(f"{BUCKET}_means", measurement):
            key = row.pop("node"), row.pop("slot"), seconds(row.pop("_time"))
            assert row.pop("network") == "waw"
            others = ("", "result", "table", "_start", "_stop", "_measurement")
            found[key] = {name: float(value) for name, value in row.items() if name not in others and value}
        return found


def seconds(text: str) -> int:
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


@pytest.fixture
def influx(tmp_path: Path, servers: list[Server]) -> Influx2:
    server = Influx2(tmp_path / "influx2")
    servers.append(server)
    server.start()
    wait_for(lambda: http.request("GET", f"{server.url}/health").status == 200, 60, "InfluxDB 2")
    server.set_up()
    return server


@pytest.fixture
def run(influx: Influx2, tmp_path: Path) -> Callable[..., Result]:
    def call(*words: str, checked: bool = False, **changes: str | int) -> Result:
        keys = {"url": influx.url, "org": ORG, "bucket": BUCKET, "token": ADMIN, **changes}
        file = tmp_path / "gateway.toml"
        lines = [f"{name} = {value!r}".replace("'", '"') for name, value in keys.items()]
        quality = f"[quality]\nenabled = {str(checked).lower()}"
        file.write_text("\n".join([quality, "[influx]", "enabled = true", *lines]))
        return CliRunner().invoke(gateway, ["downsample", *words, "--config", str(file)])

    return call


@pytest.fixture
def carry(influx: Influx2, journal: Journal, deliver: Callable[..., Delivery]) -> Callable[[], Delivery]:
    """Deliver all that the journal has, with the gateway's own token."""

    def call() -> Delivery:
        settings = InfluxSettings.model_validate(
            {"enabled": True, "url": influx.url, "org": ORG, "bucket": BUCKET, "token": influx.token}
        )
        sink, newest = InfluxV2Sink(settings), stored(journal)[-1].id
        delivery = deliver(sink, batch=300)
        wait_for(lambda: journal.cursor(sink.name) == newest, 30, f"delivery, {delivery.counters}")
        assert delivery.stop()
        return delivery

    return call


def test_every_reading_row_by_row(influx: Influx2, journal: Journal, carry: Callable[[], Delivery]) -> None:
    commit(journal, a_mixed_lot(1000))
    assert carry().counters.failures == 0
    found = {int(row["seq"]): row for row in influx.rows(BUCKET, "reading")}
    assert len(found) == 1000
    for each in stored(journal):
        row = found[each.seq]
        assert (row["node"], row["slot"], seconds(row["_time"])) == (each.node, each.slot, each.t)
        assert (int(row["boot"]), int(row["flags"]), row["model"]) == (
            each.boot,
            flag_bits(each.flags),
            each.model,
        )
        assert {name: float(row[name]) for name in each.values} == each.values


def test_refused_lines_are_quarantined_and_the_rest_stored(
    influx: Influx2, journal: Journal, carry: Callable[[], Delivery]
) -> None:
    lot = [reading(i) for i in range(1, 201)]
    lot[9] = reading(10, values={"pm25": float("inf")})
    for i in (30, 150):
        lot[i - 1] = reading(i, values={"pm25": 1.0, "temp": 2.0})
    http.request(
        "POST",
        f"{influx.url}/api/v2/write?org={ORG}&bucket={BUCKET}&precision=s",
        body=f'reading,node=other temp="warm" {lot[0].t}',
        headers={"Authorization": f"Token {ADMIN}"},
    )
    commit(journal, lot)
    delivery = carry()
    assert (delivery.counters.delivered, delivery.counters.refused, delivery.counters.failures) == (197, 3, 0)
    with JournalReader(journal.path) as reader:
        assert {each.seq for each in reader.quarantined()} == {10, 30, 150}
    seqs = {int(row["seq"]) for row in influx.rows(BUCKET, "reading") if row.get("seq")}
    assert seqs == set(range(1, 201)) - {10, 30, 150}


def test_check_tells_what_is_wrong(influx: Influx2) -> None:
    def check(**more: Any) -> list[tuple[bool, str]]:
        keys = {"url": influx.url, "org": ORG, "bucket": BUCKET, "token": influx.token, **more}
        sink = InfluxV2Sink(InfluxSettings.model_validate({"enabled": True, **keys}))
        found = [(each.ok, each.text) for each in sink.check()]
        sink.close()
        return found

    assert [ok for ok, _ in check()] == [True, True]
    for more in ({"token": "wrong"}, {"org": "nope"}, {"bucket": "nope"}):
        found = check(**more)
        print(found)
        assert [ok for ok, _ in found] == [True, False]
    assert influx.rows(BUCKET, "reading") == []


def test_means_of_the_past_and_of_what_came_late(
    influx: Influx2, journal: Journal, carry: Callable[[], Delivery], run: Callable[..., Result]
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    draw = random.Random(seed)
    begun = a_lot(draw, DAY - 86400, 30 * 3600)
    late = a_lot(draw, DAY - 86400 + 1, 40 * 3600, first_id=len(begun) + 1)
    commit(journal, [*begun, reading(90_001, node="edge", t=DAY, values={"pm25": 0.0})])
    carry()
    applied = run("apply")
    assert applied.exit_code == 0, applied.output
    assert run("apply").output.count("exists") == 4
    period = ("--since", "2025-10-08T23:00Z", "--until", "2025-10-12")
    for more in ([], late):
        if more:
            commit(journal, more)
            carry()
        done = run("recompute", *period)
        assert done.exit_code == 0, done.output
        hourly = hourly_means(stored(journal))
        same(influx.means("reading_1h"), hourly)
        same(influx.means("reading_1d"), daily_means(hourly))


def test_with_checks_the_means_leave_out_what_is_bad_or_not_judged(
    influx: Influx2, journal: Journal, carry: Callable[[], Delivery], run: Callable[..., Result]
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    draw = random.Random(seed)
    lot = a_lot(draw, DAY - 86400, 30 * 3600)
    commit(journal, lot)
    carry()
    assert run("apply", checked=True).exit_code == 0
    period = ("--since", "2025-10-08T23:00Z", "--until", "2025-10-12")
    # Nothing is judged yet: the readings are counted, and there is no mean.
    done = run("recompute", *period, checked=True)
    assert done.exit_code == 0, done.output
    assert {name for row in influx.means("reading_1h").values() for name in row} == {"readings"}
    qc = judged(draw, lot)
    made = corrected(draw, lot, qc)
    written = http.request(
        "POST",
        f"{influx.url}/api/v2/write?org={ORG}&bucket={BUCKET}&precision=s",
        body="\n".join(judgement_lines(lot, qc, made)),
        headers={"Authorization": f"Token {ADMIN}"},
    )
    assert written.status == 204
    done = run("recompute", *period, checked=True)
    assert done.exit_code == 0, done.output
    hourly = hourly_means(stored(journal), qc, made)
    assert hourly != hourly_means(stored(journal), made=made)
    assert sum("pm25_cor" in each for each in hourly.values()) > 20
    same(influx.means("reading_1h"), hourly)
    same(influx.means("reading_1d"), daily_means(hourly))


@pytest.mark.parametrize("offset_h", [0, 1])
def test_the_server_runs_the_tasks(
    influx: Influx2,
    journal: Journal,
    carry: Callable[[], Delivery],
    run: Callable[..., Result],
    offset_h: int,
) -> None:
    """As if it were due: a run by hand, of the last hours and days."""
    now = int(time.time())
    draw = random.Random(now)
    lot = a_lot(draw, (now - 4 * 86400) // 600 * 600, 4 * 86400 - 600)
    commit(journal, lot)
    carry()
    assert run("apply", day_offset_h=offset_h).exit_code == 0
    hour = now // 3600 * 3600
    tasks = {
        task["name"]: task["id"]
        for task in influx.ask("GET", f"/api/v2/tasks?orgID={influx.org_id}")["tasks"]
    }
    for name in ("dustline_1h_late", "dustline_1h", "dustline_1d"):
        due = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(hour))
        made = influx.ask("POST", f"/api/v2/tasks/{tasks[name]}/runs", {"scheduledFor": due})

        def ended(task: str = tasks[name], run_id: str = made["id"]) -> dict[str, Any] | None:
            """Between its queue and its log a run is nowhere."""
            runs = influx.ask("GET", f"/api/v2/tasks/{task}/runs")["runs"] or []
            done = [each for each in runs if each["id"] == run_id and "finishedAt" in each]
            return done[0] if done else None

        assert wait_for(ended, 60, f"the run of {name}")["status"] == "success"
    hourly = hourly_means([each for each in lot if each.t is not None and each.t <= hour])
    same(influx.means("reading_1h"), hourly)
    same(influx.means("reading_1d"), daily_means(hourly, -offset_h * 3600 % 86400))


def test_the_missing_right_is_named(influx: Influx2, run: Callable[..., Result]) -> None:
    for token in (influx.token, "wrong"):
        refused = run("apply", token=token)
        print(refused.output)
        assert refused.exit_code == 1
        assert "DUSTLINE_INFLUX__TOKEN" in refused.output
        assert token not in refused.output
