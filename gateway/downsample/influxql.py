"""The means in InfluxQL: continuous queries of InfluxDB 1.x, and the same as queries over a past period.

InfluxDB 1 documentation, "InfluxQL Continuous Queries" and "Explore data, GROUP BY time intervals". A bucket
of time(1h, 1s) begins a second after the hour, so that a reading of 11:00:00 falls into the hour before; its
time is 10:00:01, the first second that it can hold. It cannot be given another.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.downsample.plan import (
    COUNTED,
    DAILY,
    DAYS_RERUN,
    FIELDS,
    GROUPS,
    HOURLY,
    MEANS,
    READINGS,
    RERUNS,
    SOURCE,
    TAGS,
    Rerun,
    Span,
    day_shift,
)


@dataclass(frozen=True, slots=True)
class ContinuousQuery:
    name: str
    text: str  # the whole statement that creates it


@dataclass(frozen=True, slots=True)
class Dialect:
    """`policy`: the database's default retention policy, to which the gateway writes; "" says the default.

    `checked`: leave out what the checks call bad. A reading without `qc` is then out too: a comparison with a
    field that is absent is never true, and InfluxQL has no other word for that.
    """

    database: str
    policy: str = ""
    day_offset_h: int = 0
    checked: bool = True

    def continuous_queries(self) -> list[ContinuousQuery]:
        """In the order in which they are to be created, which is the order in which the server runs them."""
        made = [
            self._continuous(f"dustline_1h_{name}{rerun.ending}", rerun, select)
            for rerun in RERUNS
            for name, select in self._hours(None)
        ]
        return [*made, self._continuous("dustline_1d", DAYS_RERUN, self.select_days(None))]

    def policy_statement(self) -> str:
        """For the means: kept for ever. They are few, so a shard holds a year of them."""
        return (
            f"CREATE RETENTION POLICY {quoted(MEANS)} ON {quoted(self.database)}"
            " DURATION INF REPLICATION 1 SHARD DURATION 52w"
        )

    def drop_statement(self, name: str) -> str:
        return f"DROP CONTINUOUS QUERY {quoted(name)} ON {quoted(self.database)}"

    def select_hours(self, span: Span) -> list[str]:
        """Statements that make the means of these hours anew."""
        return [select for _, select in self._hours(span)]

    def select_days(self, span: Span | None) -> str:
        """From the hourly means, each of which weighs the same."""
        values = ", ".join(
            f'mean("{each}") AS "{each}", sum("{each}_n") AS "{each}_n", count("{each}") AS "{each}_hours"'
            for each in FIELDS
        )
        values += f', sum("{READINGS}") AS "{READINGS}"'
        bucket = f"1d, {day_shift(self.day_offset_h) + 1}s"
        return self._select(values, DAILY, self._means(HOURLY), [], bucket, span)

    def _hours(self, span: Span | None) -> list[tuple[str, str]]:
        raw = f"{quoted(self.database)}.{quoted(self.policy) if self.policy else ''}.{quoted(SOURCE)}"
        made: list[tuple[str, str]] = []
        for group in GROUPS:
            values = ", ".join(
                f'mean("{each}") AS "{each}", count("{each}") AS "{each}_n"' for each in group.fields
            )
            where = [f'"flags" & {group.mask} = 0']
            if self.checked:
                where.append(f'"qc" & {group.qc} = 0')
            made.append((group.name, self._select(values, HOURLY, raw, where, "1h, 1s", span)))
        values = f'count("{COUNTED}") AS "{READINGS}"'
        return [*made, ("all", self._select(values, HOURLY, raw, [], "1h, 1s", span))]

    def _select(
        self, values: str, target: str, source: str, where: list[str], bucket: str, span: Span | None
    ) -> str:
        if span is not None:
            # `time` is a reading's own, in whole seconds.
            where = [*where, f"time >= {span.start + 1}s AND time < {span.stop + 1}s"]
        conditions = f" WHERE {' AND '.join(where)}" if where else ""
        tags = ", ".join(quoted(tag) for tag in TAGS)
        return " ".join(
            [
                f"SELECT {values} INTO {self._means(target)}",
                f"FROM {source}{conditions}",
                f"GROUP BY time({bucket}), {tags} fill(none)",
            ]
        )

    def _means(self, measurement: str) -> str:
        return f"{quoted(self.database)}.{quoted(MEANS)}.{quoted(measurement)}"

    def _continuous(self, name: str, rerun: Rerun, select: str) -> ContinuousQuery:
        return ContinuousQuery(
            name,
            f"CREATE CONTINUOUS QUERY {quoted(name)} ON {quoted(self.database)}"
            f" RESAMPLE EVERY {rerun.every} FOR {rerun.days}d BEGIN {select} END",
        )


def quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def same(one: str, other: str) -> bool:
    """Whether they differ in no more than quotes and blanks: the server leaves out what quotes it can."""
    return _plain(one) == _plain(other)


def _plain(text: str) -> str:
    return "".join(text.replace('"', "").split())
