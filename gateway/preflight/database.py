"""InfluxDB: does it answer, does the target exist, may we write, and does it keep what comes late?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import urlencode

import urllib3

from gateway.destinations.pool import credentials, pool
from gateway.destinations.settings import InfluxSettings
from gateway.destinations.sink import make_sink
from gateway.preflight.finding import OUTBOX_DAYS, Finding, fail, ok, toml, warn
from gateway.preflight.in_clear import database_in_clear

_DAY = 86400
# Room beyond what a node's outbox holds.
_GOOD_DAYS = 400
_SECONDS_OF = {"h": 3600, "m": 60, "s": 1}


def check_database(influx: InfluxSettings) -> Iterator[Finding]:
    """Writes nothing: the trial is a comment."""
    sink = make_sink(influx)
    try:
        found = sink.check()
    finally:
        sink.close()
    for each in found:
        if each.ok:
            yield ok("influx.write" if each.text.startswith("may write") else "influx.connect", each.text)
        elif each.state == "connection":
            yield fail("influx.connect", each.text, *_other_address(influx, each.text))
        else:
            yield fail("influx.write", each.text, *_changes(influx, each.state, each.text))
    yield from database_in_clear(influx)
    if all(each.ok for each in found):
        yield _retention(influx)


def _other_address(influx: InfluxSettings, text: str) -> tuple[str, ...]:
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return (
            toml("influx", 'ca_file = "/path/to/the/ca.pem"  # the authority that signed its certificate'),
            toml("influx", 'url = "https://the name in the certificate:8086"'),
        )
    if "WRONG_VERSION_NUMBER" in text:  # it speaks HTTP without TLS
        return (toml("influx", f'url = "http{influx.url.removeprefix("https")}"'),)
    return (toml("influx", f'url = "{influx.url}"'),)


def _changes(influx: InfluxSettings, state: str, text: str) -> tuple[str, ...]:
    """The command of the database that puts it right, or the lines of our configuration."""
    if state == "http 401":
        if influx.api == "v1":
            return ("environment: DUSTLINE_INFLUX__USERNAME=... and DUSTLINE_INFLUX__PASSWORD=...",)
        return ("environment: DUSTLINE_INFLUX__TOKEN=...",)
    if state == "http 403":
        if influx.api == "v1":
            return (f'InfluxDB: GRANT WRITE ON "{influx.database}" TO "{influx.username or "dustline"}"',)
        return (
            f"influx bucket list --org {influx.org} --name {influx.bucket}",
            f"influx auth create --org {influx.org} --write-bucket BUCKET_ID --description dustline-gateway",
        )
    if state == "http 404" and "organization name" in text:
        return (toml("influx", f'org = "..."  # now {influx.org}; influx org list'),)
    if state == "http 404" and "not found" in text and "page not found" not in text:
        if influx.api == "v1":
            return (f'InfluxDB: CREATE DATABASE "{influx.database}"',)
        return (f"influx bucket create --org {influx.org} --name {influx.bucket}",)
    if state == "http 429" or state.startswith("http 5"):
        return ()  # its own trouble: no line of ours puts that right
    other = "v1" if influx.api == "v2" else "v2"
    return (
        toml("influx", f'api = "{other}"  # if it is an InfluxDB of that kind: docs/influxdb.md'),
        toml("influx", f'url = "..."  # now {influx.url}'),
    )


def _retention(influx: InfluxSettings) -> Finding:
    name = "influx.retention"
    try:
        kept = _kept_v1(influx) if influx.api == "v1" else _kept_v2(influx)
    except (urllib3.exceptions.HTTPError, ValueError, KeyError, TypeError, AttributeError):
        kept = None
    if kept is None:
        return warn(
            name,
            "this user may not see for how long the database keeps readings; "
            f"what is older than that is refused, and a node may send what is {OUTBOX_DAYS} days old. "
            f"Look as its owner: {_look(influx)}",
        )
    policy, seconds = kept
    told = f"{policy} keeps {seconds / _DAY:,.3g} days" if seconds else f"{policy} keeps for ever"
    if 0 < seconds < OUTBOX_DAYS * _DAY:
        return fail(
            name,
            f"{told}: what comes later is refused, and a node's outbox holds {OUTBOX_DAYS} days",
            _keep_longer(influx, policy),
        )
    return ok(name, told)


def _look(influx: InfluxSettings) -> str:
    if influx.api == "v1":
        return f'SHOW RETENTION POLICIES ON "{influx.database}"'
    return f"influx bucket list --org {influx.org} --name {influx.bucket}"


def _keep_longer(influx: InfluxSettings, policy: str) -> str:
    if influx.api == "v1":
        on = f'"{policy}" ON "{influx.database}"'
        return f"InfluxDB: ALTER RETENTION POLICY {on} DURATION {_GOOD_DAYS}d SHARD DURATION 7d"
    return f"influx bucket update --id BUCKET_ID --retention {_GOOD_DAYS}d"


def _kept_v1(influx: InfluxSettings) -> tuple[str, int] | None:
    """Name and seconds of the default policy, 0 for ever; None when it may not be seen.

    InfluxDB 1 documentation, "InfluxQL schema exploration", SHOW RETENTION POLICIES: default is true for the
    one that writes go to.
    """
    query = urlencode({"q": f"SHOW RETENTION POLICIES ON {_quoted(influx.database or '')}"})
    result = _get(influx, f"/query?{query}")["results"][0]
    (series,) = result["series"]
    for row in series["values"]:
        fields = dict(zip(series["columns"], row, strict=True))
        if fields["default"]:
            return str(fields["name"]), _seconds(str(fields["duration"]))
    return None


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _seconds(duration: str) -> int:
    """Of Go's form 168h0m0s."""
    total, digits = 0, ""
    for character in duration:
        if character.isdecimal():
            digits += character
        else:
            total += int(digits) * _SECONDS_OF[character]
            digits = ""
    return total


def _kept_v2(influx: InfluxSettings) -> tuple[str, int] | None:
    """The same of a bucket; InfluxDB 2 API, GET /api/v2/buckets: retentionRules, everySeconds 0 or no rule is
    for ever. A token that may only write sees no bucket."""
    query = urlencode({"org": influx.org or "", "name": influx.bucket or ""})
    for bucket in _get(influx, f"/api/v2/buckets?{query}")["buckets"]:
        if bucket["name"] == influx.bucket:
            rules = bucket.get("retentionRules", [])
            return str(bucket["name"]), min((int(rule["everySeconds"]) for rule in rules), default=0)
    return None


def _get(influx: InfluxSettings, path: str) -> dict[str, Any]:
    """The JSON of an answer. Raises ValueError for any that is not 200 or no object."""
    http = pool(influx)
    try:
        answer = http.request("GET", influx.url + path, headers=credentials(influx), redirect=False)
    finally:
        http.clear()
    document = json.loads(answer.data)
    if answer.status != 200 or not isinstance(document, dict):
        raise ValueError(f"HTTP {answer.status}")
    return cast("dict[str, Any]", document)
