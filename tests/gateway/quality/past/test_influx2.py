"""The same on a real InfluxDB 2, where there is one: DUSTLINE_INFLUXD2 names it, see docs/developers.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.destinations.servers import http
from tests.gateway.destinations.test_real_influx2 import BINARY, BUCKET, ORG, Influx2, seconds
from tests.gateway.quality.judging import T0
from tests.gateway.quality.past import site
from tests.gateway.quality.past.site import Call
from tests.support import wait_for

pytestmark = pytest.mark.skipif(BINARY is None, reason="DUSTLINE_INFLUXD2 names no InfluxDB 2")
WORDS = ("--since", str(T0 + 1800), "--until", str(T0 + 3 * 3600))
_NOT_FIELDS = ("", "result", "table", "_start", "_stop", "_measurement", "_time", "network", "node", "slot")


@pytest.fixture
def influx(tmp_path: Path) -> Iterator[Influx2]:
    server = Influx2(tmp_path / "influx2")
    server.start()
    try:
        wait_for(lambda: http.request("GET", f"{server.url}/health").status == 200, 60, "InfluxDB 2")
        server.set_up()
        yield server
    finally:
        server.stop()


@pytest.fixture
def folder(tmp_path: Path, influx: Influx2) -> Path:
    return site.small(tmp_path / "site", lambda text: write(influx, text))


def write(influx: Influx2, lines: str) -> None:
    answer = http.request(
        "POST",
        f"{influx.url}/api/v2/write?org={ORG}&bucket={BUCKET}&precision=s",
        body=lines,
        headers={"Authorization": f"Token {influx.token}"},
    )
    assert answer.status == 204, answer.data


def token(influx: Influx2, *actions: str) -> str:
    """One that may do that with the bucket."""
    (bucket,) = influx.ask("GET", f"/api/v2/buckets?name={BUCKET}")["buckets"]
    rights = [
        {"action": action, "resource": {"type": "buckets", "id": bucket["id"], "orgID": influx.org_id}}
        for action in actions
    ]
    return str(
        influx.ask("POST", "/api/v2/authorizations", {"orgID": influx.org_id, "permissions": rights})["token"]
    )


def configure(folder: Path, influx: Influx2, **changes: str) -> None:
    keys = {"url": influx.url, "org": ORG, "bucket": BUCKET, "token": influx.token, **changes}
    site.configure(folder, "\n".join(["enabled = true", *(f'{name} = "{it}"' for name, it in keys.items())]))


def rows(influx: Influx2) -> dict[site.Row, dict[str, Any]]:
    return {
        (row["node"], row["slot"], seconds(row["_time"])): {
            name: value for name, value in row.items() if name not in _NOT_FIELDS and value
        }
        for row in influx.rows(BUCKET, "reading")
    }


def _value(row: dict[str, Any], name: str) -> float | None:
    return float(row.pop(name)) if name in row else None


def test_the_verdicts_are_those_of_the_journal_and_raw_fields_stay(
    influx: Influx2, folder: Path, call: Call, tmp_path: Path
) -> None:
    wanted = site.by_journal(folder, tmp_path / "whole", *WORDS)
    site.prune(folder, T0 + 600)
    configure(folder, influx, token=token(influx, "read", "write"))
    before = rows(influx)
    assert "version p1: " in call(*WORDS)
    found = rows(influx)
    got = {
        key: (int(row.pop("qc")), _value(row, "pm25_cor"), _value(row, "pm10_cor"))
        for key, row in found.items()
    }
    assert got == wanted
    assert any(pm25 is not None for _, pm25, _ in wanted.values())
    assert found == {
        key: {name: value for name, value in row.items() if name != "qc"} for key, row in before.items()
    }
    call("use", "stream")
    call("use", "p1")


def test_what_is_not_allowed_or_not_there_is_told_with_the_setting(
    influx: Influx2, folder: Path, call: Call
) -> None:
    site.prune(folder, T0 + 600)
    before = rows(influx)
    for changes, told in (
        ({}, "the token may not read it: set influx.bucket"),  # the gateway's own may write and no more
        ({"token": "wrong"}, "does not accept our credentials to read: set influx.token"),
        ({"bucket": "nothing"}, "set influx.bucket (now 'nothing')"),
        ({"token": token(influx, "read")}, "judgements cannot be written: "),
    ):
        configure(folder, influx, **changes)
        said = call(*WORDS, code=2)
        assert told in said
        assert influx.token not in said
        for file in folder.glob("*.past.sqlite*"):
            file.unlink()
    assert rows(influx) == before


def test_a_bucket_with_a_slash_in_its_name(influx: Influx2, folder: Path, call: Call) -> None:
    site.prune(folder, T0 + 600)
    right = {"orgID": influx.org_id, "name": "waw/raw", "retentionRules": []}
    influx.ask("POST", "/api/v2/buckets", right)
    configure(folder, influx, bucket="waw/raw", token="admin-token-of-the-test")
    assert "has no readings of network 'warsaw'" in call(*WORDS, code=2)
