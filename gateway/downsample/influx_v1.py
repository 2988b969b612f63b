"""Install and recompute the means on InfluxDB 1.x: a retention policy, and continuous queries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from gateway.destinations.settings import InfluxSettings
from gateway.downsample.http import DownsampleError, RefusedError, Server
from gateway.downsample.influxql import Dialect, quoted, same
from gateway.downsample.plan import DAY, LEAST_RETENTION_S, MEANS, Span, days_of, parts
from gateway.downsample.result import REPLACE, Done, Step, refuse_beyond, too_short

_DURATION = re.compile(r"(\d+)([hms])")
_UNIT_S = {"h": 3600, "m": 60, "s": 1}
# Days of daily means in one statement: there are 24 hourly ones for each.
_DAYS_AT_ONCE = 60
_ANOTHER_USER = (
    "set an administrator by DUSTLINE_INFLUX__USERNAME and DUSTLINE_INFLUX__PASSWORD for this once"
)


class InfluxV1Installer:
    def __init__(self, settings: InfluxSettings, checked: bool) -> None:
        self._database = settings.database or ""
        self._user = settings.username
        self._offset_h = settings.day_offset_h
        self._plan = Dialect(self._database, day_offset_h=settings.day_offset_h, checked=checked)
        self._server = Server(settings)

    def statements(self) -> str:
        made = [each.text for each in self._plan.continuous_queries()]
        return "\n\n".join([self._plan.policy_statement(), *made]) + "\n"

    def apply(self, replace: bool) -> Iterator[Step]:
        policies = self._policies()
        plan = self._plan_by(policies)
        kept_s = _seconds(policies[plan.policy])
        if 0 < kept_s < LEAST_RETENTION_S:
            yield too_short(kept_s, f"retention policy {plan.policy}")
        if MEANS not in policies:
            self._run(plan.policy_statement())
            yield Step(True, f"retention policy {MEANS}: created, keeps for ever")
        else:
            forever = _seconds(policies[MEANS]) == 0
            yield Step(
                True, f"retention policy {MEANS}: exists" + ("" if forever else f", keeps {policies[MEANS]}")
            )
        there = self._continuous_queries()
        for wanted in plan.continuous_queries():
            name = f"continuous query {wanted.name}"
            found = there.get(wanted.name)
            if found is None:
                self._run(wanted.text)
                yield Step(True, f"{name}: created")
            elif same(found, wanted.text):
                yield Step(True, f"{name}: exists")
            elif replace:
                self._run(plan.drop_statement(wanted.name))
                self._run(wanted.text)
                yield Step(True, f"{name}: replaced")
            else:
                yield Step(False, f"{name}: exists and differs, left alone; {REPLACE}. Now: {found}")

    def recompute(self, hours: Span, now: float) -> Iterator[Done]:
        policies = self._policies()
        plan = self._plan_by(policies)
        if MEANS not in policies:
            raise DownsampleError(
                f"{self._server.where}: there is no retention policy {MEANS} on {self._database}: "
                "run `dustline gateway downsample apply` first"
            )
        kept_s = _seconds(policies[plan.policy])
        refuse_beyond(kept_s, hours, now, f"retention policy {plan.policy}")
        for part in parts(hours, DAY):
            written = sum(self._written(each) for each in plan.select_hours(part))
            yield Done(part, "hourly", written)
        for part in parts(days_of(hours, self._offset_h), _DAYS_AT_ONCE * DAY):
            yield Done(part, "daily", self._written(plan.select_days(part)))

    def close(self) -> None:
        self._server.close()

    def _plan_by(self, policies: dict[str, str]) -> Dialect:
        return replace(self._plan, policy=next(iter(policies)))

    def _policies(self) -> dict[str, str]:
        """Name -> duration such as 168h0m0s, the default one first."""
        rows = self._run(f"SHOW RETENTION POLICIES ON {quoted(self._database)}")
        rows.sort(key=lambda row: not row["default"])
        if not rows or not rows[0]["default"]:
            raise DownsampleError(f"{self._server.where}: {self._database} has no default retention policy")
        return {row["name"]: row["duration"] for row in rows}

    def _continuous_queries(self) -> dict[str, str]:
        rows = self._run("SHOW CONTINUOUS QUERIES")
        return {row["name"]: row["query"] for row in rows if row["series"] == self._database}

    def _written(self, select: str) -> int:
        return sum(int(row["written"]) for row in self._run(select))

    def _run(self, statement: str) -> list[dict[str, Any]]:
        """Rows of the answer, each with the name of its series."""
        try:
            answer = self._server.form("/query", {"q": statement, "db": self._database})
        except RefusedError as error:
            raise DownsampleError(f"{error}; {self._advice(error, statement)}") from error
        try:
            (result,) = answer["results"]
            failure = result.get("error")
            rows = [
                dict(zip(series["columns"], row, strict=True), series=series.get("name"))
                for series in result.get("series", [])
                for row in series.get("values", [])
            ]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DownsampleError(
                f"{self._server.where} does not answer as InfluxDB 1 does: check influx.url and influx.api"
            ) from error
        if failure is not None:
            hint = ": create or set influx.database" if "database not found" in str(failure) else ""
            raise DownsampleError(f"{self._server.where} refuses `{_short(statement)}`: {failure}{hint}")
        return rows

    def _advice(self, error: RefusedError, statement: str) -> str:
        user = quoted(self._user or "USER")
        if error.status == 401:
            return (
                "set influx.username and influx.password, for this once by DUSTLINE_INFLUX__USERNAME and "
                "DUSTLINE_INFLUX__PASSWORD"
            )
        if error.status == 403 and statement.startswith("CREATE RETENTION"):
            return f"that takes an administrator: {_ANOTHER_USER}, or GRANT ALL PRIVILEGES TO {user}"
        if error.status == 403:
            return f"GRANT ALL ON {quoted(self._database)} TO {user}, or {_ANOTHER_USER}"
        if error.status == 404:
            return "check influx.url and influx.api"
        return f"at `{_short(statement)}`"


def _short(statement: str) -> str:
    return statement if len(statement) <= 100 else statement[:97] + "..."


def _seconds(duration: str) -> int:
    """Of such as 168h0m0s; 0 means for ever."""
    return sum(int(number) * _UNIT_S[unit] for number, unit in _DURATION.findall(duration))
