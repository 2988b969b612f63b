"""Install and recompute the means on InfluxDB 2.x: a bucket, and tasks.

InfluxDB 2 documentation, "InfluxDB OSS API": GET /api/v2/orgs, GET and POST /api/v2/buckets and
/api/v2/tasks, PATCH /api/v2/tasks/{taskID}, POST /api/v2/query; "Create a task".
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, cast

from gateway.destinations.settings import InfluxSettings
from gateway.downsample.flux import Dialect, Task
from gateway.downsample.http import DownsampleError, RefusedError, Server
from gateway.downsample.plan import DAY, LEAST_RETENTION_S, Span, days_of, parts
from gateway.downsample.result import REPLACE, Done, Step, refuse_beyond, too_short

_DAYS_AT_ONCE = 60
_RIGHTS = "that may read and write buckets and tasks of the organization"


class InfluxV2Installer:
    def __init__(self, settings: InfluxSettings, checked: bool) -> None:
        self._org, self._bucket = settings.org or "", settings.bucket or ""
        self._offset_h = settings.day_offset_h
        self._plan = Dialect(self._bucket, settings.day_offset_h, checked)
        self._server = Server(settings)

    def statements(self) -> str:
        made = [f"// ---- task {each.name}\n\n{each.flux}" for each in self._plan.tasks()]
        return "\n".join(
            [f"// First: influx bucket create --org {self._org} --name {self._plan.means}\n", *made]
        )

    def apply(self, replace: bool) -> Iterator[Step]:
        org_id = self._org_id()
        raw = self._bucket_named(org_id, self._bucket)
        if raw is None:
            raise DownsampleError(
                f"{self._server.where} knows no bucket {self._bucket!r}: create or set influx.bucket"
            )
        kept_s = _kept_s(raw)
        if 0 < kept_s < LEAST_RETENTION_S:
            yield too_short(kept_s, f"bucket {self._bucket}")
        means = self._bucket_named(org_id, self._plan.means)
        if means is None:
            wanted: dict[str, Any] = {"orgID": org_id, "name": self._plan.means, "retentionRules": []}
            self._call(f"create the bucket {self._plan.means}", "POST", "/api/v2/buckets", wanted)
            yield Step(True, f"bucket {self._plan.means}: created, keeps for ever")
        else:
            kept = f", keeps {_kept_s(means) / DAY:g} days" if _kept_s(means) else ""
            yield Step(True, f"bucket {self._plan.means}: exists{kept}")
        for wanted_task in self._plan.tasks():
            yield self._install(org_id, wanted_task, replace)

    def recompute(self, hours: Span, now: float) -> Iterator[Done]:
        org_id = self._org_id()
        raw = self._bucket_named(org_id, self._bucket)
        kept_s = _kept_s(raw or {})
        refuse_beyond(kept_s, hours, now, f"bucket {self._bucket}")
        if self._bucket_named(org_id, self._plan.means) is None:
            raise DownsampleError(
                f"{self._server.where}: there is no bucket {self._plan.means}: "
                "run `dustline gateway downsample apply` first"
            )
        for part in parts(hours, DAY):
            self._query(org_id, self._plan.query_hours(part))
            yield Done(part, "hourly", None)
        for part in parts(days_of(hours, self._offset_h), _DAYS_AT_ONCE * DAY):
            self._query(org_id, self._plan.query_days(part))
            yield Done(part, "daily", None)

    def close(self) -> None:
        self._server.close()

    def _install(self, org_id: str, wanted: Task, replace: bool) -> Step:
        found = self._list(f"find the task {wanted.name}", "tasks", {"orgID": org_id, "name": wanted.name})
        ours = [each for each in found if each.get("name") == wanted.name]
        if not ours:
            new = {"orgID": org_id, "flux": wanted.flux, "status": "active"}
            self._call(f"create the task {wanted.name}", "POST", "/api/v2/tasks", new)
            return Step(True, f"task {wanted.name}: created")
        if len(ours) > 1:
            return Step(False, f"task {wanted.name}: exists {len(ours)} times; delete all of them but one")
        (task,) = ours
        differs = str(task.get("flux", "")).strip() != wanted.flux.strip()
        if not differs and task.get("status") == "active":
            return Step(True, f"task {wanted.name}: exists")
        if replace:
            change = {"flux": wanted.flux, "status": "active"}
            self._call(f"change the task {wanted.name}", "PATCH", f"/api/v2/tasks/{task['id']}", change)
            return Step(True, f"task {wanted.name}: replaced")
        how = "differs" if differs else "is not active"
        return Step(False, f"task {wanted.name}: exists and {how}, left alone; {REPLACE}")

    def _org_id(self) -> str:
        try:
            orgs = self._list("find the organization", "orgs", {"org": self._org})
        except RefusedError as error:
            if error.status == 404 and "organization" not in error.said:
                raise DownsampleError(
                    f"{error}; InfluxDB 3 has no tasks, see 'Means on InfluxDB 3' in docs/influxdb.md; "
                    "for InfluxDB 1.8 set influx.api to v1"
                ) from error
            raise
        found = [each for each in orgs if each.get("name") == self._org]
        if not found:
            raise DownsampleError(
                f"{self._server.where} shows no organization {self._org!r}: set influx.org, "
                f"or DUSTLINE_INFLUX__TOKEN for this once to a token {_RIGHTS}"
            )
        return str(found[0]["id"])

    def _bucket_named(self, org_id: str, name: str) -> dict[str, Any] | None:
        found = self._list(f"find the bucket {name}", "buckets", {"orgID": org_id, "name": name})
        return next((each for each in found if each.get("name") == name), None)

    def _list(self, doing: str, kind: str, query: dict[str, str]) -> list[dict[str, Any]]:
        try:
            answer = self._server.get(f"/api/v2/{kind}", query)
        except RefusedError as error:
            # "No such name" is said with 404 as well as with an empty list.
            if error.status == 404 and "not found" in error.said.lower() and kind != "orgs":
                return []
            raise self._advised(error, doing) from error
        found = cast("dict[str, Any]", answer).get(kind) if isinstance(answer, dict) else None
        if not isinstance(found, list):
            raise DownsampleError(
                f"{self._server.where} does not answer as InfluxDB 2 does: check influx.url"
            )
        return cast("list[dict[str, Any]]", found)

    def _call(self, doing: str, method: str, path: str, document: dict[str, Any]) -> None:
        try:
            self._server.send(method, path, document)
        except RefusedError as error:
            raise self._advised(error, doing) from error

    def _query(self, org_id: str, flux: str) -> None:
        """Run it and leave its rows unread: what counts is what it writes."""
        try:
            text = self._server.send(
                "POST", f"/api/v2/query?orgID={org_id}", {"query": flux, "type": "flux"}, plain=True
            )
        except RefusedError as error:
            raise self._advised(error, "query and write the means") from error
        failure = _failure_in(text)
        if failure:
            raise DownsampleError(f"{self._server.where} ended the query with an error: {failure}")

    def _advised(self, error: RefusedError, doing: str) -> RefusedError:
        advice = f"this was to {doing}"
        if error.status in (401, 403):
            advice = f"to {doing}, set DUSTLINE_INFLUX__TOKEN for this once to a token {_RIGHTS}"
        return RefusedError(f"{error}; {advice}", error.status, error.said)


def _kept_s(bucket: dict[str, Any]) -> int:
    """Seconds, 0 for ever."""
    rules: list[dict[str, Any]] = bucket.get("retentionRules") or []
    return max((int(rule.get("everySeconds", 0)) for rule in rules), default=0)


def _failure_in(answer: str) -> str | None:
    """A query that fails half-way ends its CSV with a table of `error` and `reference`."""
    lines = [line.strip() for line in answer.splitlines()]
    for before, line in pairwise(lines):
        if before.lstrip("#,").startswith("error,reference"):
            return line.strip(",")[:300]
    return None
