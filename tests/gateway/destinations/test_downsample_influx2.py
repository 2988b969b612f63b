"""`dustline gateway downsample` against the stand-in for InfluxDB 2: its calls. No Flux is run here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import gateway
from gateway.downsample.flux import Dialect
from tests.gateway.destinations.fake_influx2_tasks import FakeTasks

TASKS = [f"dustline_{name}" for name in ("1h", "1h_late", "1d")]
Run = Callable[..., Result]


@pytest.fixture
def fake() -> Iterator[FakeTasks]:
    server = FakeTasks()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def run(fake: FakeTasks, tmp_path: Path) -> Run:
    """`run("apply", token=..., org=...)`: a command with the configuration of the stand-in."""

    def call(*words: str, **changes: str | int) -> Result:
        keys = {"url": fake.url, "org": fake.org, "bucket": fake.bucket, "token": fake.admin_token, **changes}
        lines = [f"{name} = {value!r}" for name, value in keys.items()]
        file = tmp_path / "gateway.toml"
        file.write_text("\n".join(["[influx]", "enabled = true", *lines]).replace("'", '"'))
        return CliRunner().invoke(gateway, ["downsample", *words, "--config", str(file)])

    return call


def test_apply_makes_a_bucket_and_tasks_and_then_leaves_them_alone(fake: FakeTasks, run: Run) -> None:
    first = run("apply")
    assert first.exit_code == 0, first.output
    assert first.output.count("created") == 4
    assert fake.buckets[1]["name"] == "warsaw_means"
    assert fake.buckets[1]["retentionRules"] == []  # for ever
    assert [task["name"] for task in fake.tasks] == TASKS
    changed = list(fake.changes)
    second = run("apply")
    assert second.exit_code == 0, second.output
    assert second.output.count("exists") == 4
    assert fake.changes == changed


def test_a_task_that_differs_is_told_and_replaced_on_request(fake: FakeTasks, run: Run) -> None:
    run("apply")
    ours = fake.tasks[1]["flux"]
    fake.tasks[1]["flux"] = ours.replace("15d", "3d")
    fake.tasks[2]["status"] = "inactive"
    told = run("apply")
    assert told.exit_code == 1
    assert "BAD  task dustline_1h_late: exists and differs" in told.output
    assert "BAD  task dustline_1d: exists and is not active" in told.output
    assert "3d" in fake.tasks[1]["flux"]
    replaced = run("apply", "--replace")
    assert replaced.exit_code == 0, replaced.output
    assert fake.tasks[1]["flux"] == ours
    assert fake.tasks[2]["status"] == "active"
    assert fake.changes[-2:] == ["PATCH /api/v2/tasks/t2", "PATCH /api/v2/tasks/t3"]


def test_the_missing_right_is_named_and_no_token_shown(fake: FakeTasks, run: Run) -> None:
    gateways = run("apply", token=fake.token)
    assert gateways.exit_code == 1
    assert "DUSTLINE_INFLUX__TOKEN for this once to a token that may read and write buckets and tasks" in (
        " ".join(gateways.output.split())
    )
    wrong = run("apply", token="wr0ng")
    assert "HTTP 401" in wrong.output
    assert "find the organization" in wrong.output
    assert "wr0ng" not in wrong.output
    assert fake.token not in gateways.output
    assert "set influx.bucket" in run("apply", bucket="nope").output
    assert 'organization name "nope" not found' in run("apply", org="nope").output
    assert fake.changes == []


def test_influxdb_3_is_told_from_a_missing_organization(fake: FakeTasks, run: Run) -> None:
    fake.respond = lambda *_: (404, {}, b"not found")  # as for any path that it does not know
    assert "InfluxDB 3 has no tasks" in run("apply").output


def test_raw_readings_must_outlast_the_reruns(fake: FakeTasks, run: Run) -> None:
    fake.buckets[0]["retentionRules"] = [{"type": "expire", "everySeconds": 7 * 86400}]
    told = run("apply")
    assert told.exit_code == 1
    assert "BAD  bucket warsaw keeps readings for 7 days only" in told.output
    refused = run("recompute", "--since", "2026-01-01", "--until", "2026-01-02")
    assert refused.exit_code == 1
    assert "later --since" in refused.output
    assert fake.queries == []


def test_recompute_queries_day_by_day_and_tells_an_error_in_the_answer(fake: FakeTasks, run: Run) -> None:
    assert "downsample apply" in run("recompute", "--since", "2026-01-01").output  # no bucket yet
    run("apply")
    done = run("recompute", "--since", "2026-01-01T10:30Z", "--until", "2026-01-03T10:00Z", day_offset_h=1)
    assert done.exit_code == 0, done.output
    bounds = [re.findall(r"^st(?:art|op) = (.*)$", query, re.M) for query in fake.queries]
    assert bounds == [
        ["2026-01-01T10:00:01Z", "2026-01-02T10:00:01Z"],
        ["2026-01-02T10:00:01Z", "2026-01-03T10:00:01Z"],
        ["2025-12-31T23:00:01Z", "2026-01-03T23:00:01Z"],
    ]
    assert "every: 1d, offset: 82801s" in fake.queries[-1]
    fake.query_answer = (
        b"#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n,boom,897\r\n"
    )
    failed = run("recompute", "--since", "2026-01-01", "--until", "2026-01-02")
    assert failed.exit_code == 1
    assert "boom" in failed.output


def test_show_prints_what_apply_installs(fake: FakeTasks, run: Run) -> None:
    text = run("show").output
    for task in Dialect(fake.bucket).tasks():
        assert task.flux in text
    assert fake.token not in text


def test_names_are_escaped() -> None:
    (hourly, *_) = Dialect('a"b\\${x}').tasks()
    assert 'from(bucket: "a\\"b\\\\\\${x}")' in hourly.flux
