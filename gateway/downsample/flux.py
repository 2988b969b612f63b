"""The means in Flux: tasks of InfluxDB 2.x, and the same as queries over a past period.

Tried on 2.7.12 by tests/gateway/destinations/test_real_influx2.py. Written from the documentation of
InfluxDB 2 ("Task configuration options", "Downsample data with InfluxDB") and Flux (aggregateWindow, filter,
pivot, rename, set, to, yield, bitwise.sand, date.truncate, date.add, date.sub). bitwise came with Flux 0.173.
"""

from __future__ import annotations

import time
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
    Rerun,
    Span,
    day_shift,
)


@dataclass(frozen=True, slots=True)
class Task:
    name: str
    flux: str


@dataclass(frozen=True, slots=True)
class Dialect:
    """`checked`: leave out what the checks call bad, and, as in InfluxQL, what they have not judged."""

    bucket: str
    day_offset_h: int = 0
    checked: bool = True

    @property
    def means(self) -> str:
        """The bucket for the means."""
        return f"{self.bucket}_{MEANS}"

    def tasks(self) -> list[Task]:
        made = [_task(f"dustline_1h{rerun.ending}", rerun, "1h", 0, self._hours()) for rerun in RERUNS]
        shift = day_shift(self.day_offset_h)
        return [*made, _task("dustline_1d", DAYS_RERUN, "1d", shift, self._days())]

    def query_hours(self, span: Span) -> str:
        """A script that makes the means of these hours anew."""
        return "\n".join(['import "bitwise"', "", *_bounds(span), *self._hours()])

    def query_days(self, span: Span) -> str:
        return "\n".join([*_bounds(span), *self._days()])

    def _hours(self) -> list[str]:
        head = _RAW + (_CHECKED if self.checked else _GOOD) + _KEEP
        lines = head.format(
            bucket=_string(self.bucket), means=_string(self.means), source=SOURCE, hourly=HOURLY
        ).splitlines()
        for group in GROUPS:
            lines += [f"// {group.name}: without the readings that have a flag of {group.mask}"]
            if self.checked:
                lines += [
                    f"// and without those that the checks have not judged, or gave a bit of {group.qc}"
                ]
            qc = f", qc: {group.qc}" if self.checked else ""
            for field in group.fields:
                start = f'good(field: "{field}", mask: {group.mask}{qc}) |> keep'
                lines += [
                    f'{start}(fn: mean, name: "{field}") |> yield(name: "{field}")',
                    f'{start}(fn: count, name: "{field}_n") |> yield(name: "{field}_n")',
                ]
        lines += [
            "// all readings, whatever their flags",
            f'raw(field: "{COUNTED}") |> keep(fn: count, name: "{READINGS}") |> yield(name: "{READINGS}")',
        ]
        return [*lines, ""]

    def _days(self) -> list[str]:
        lines = _DAYS_HEAD.format(
            means=_string(self.means),
            hourly=HOURLY,
            daily=DAILY,
            offset=day_shift(self.day_offset_h) + 1,
        ).splitlines()
        for field in FIELDS:
            made = (("mean", field, field), ("sum", f"{field}_n", f"{field}_n"))
            for fn, source, name in (*made, ("count", field, f"{field}_hours")):
                lines.append(f'day(field: "{source}", fn: {fn}, name: "{name}") |> yield(name: "{name}")')
        lines.append(f'day(field: "{READINGS}", fn: sum, name: "{READINGS}") |> yield(name: "{READINGS}")')
        return [*lines, ""]


# A window begins a second after the hour: a reading's time is the end of its averaging window, so one of
# 11:00:00 belongs to the hour before. A reading's field and its flags are two rows until pivot() joins them.
_RAW = """\
raw = (field) =>
    from(bucket: {bucket})
        |> range(start: start, stop: stop)
        |> filter(fn: (r) => r._measurement == "{source}" and r._field == field)

"""
_GOOD = """\
good = (field, mask) =>
    from(bucket: {bucket})
        |> range(start: start, stop: stop)
        |> filter(fn: (r) => r._measurement == "{source}" and (r._field == field or r._field == "flags"))
        |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
        |> rename(fn: (column) => if column == field then "_value" else column)
        |> filter(fn: (r) => exists r._value and bitwise.sand(a: r.flags, b: mask) == 0)

"""
_CHECKED = """\
good = (field, mask, qc) =>
    from(bucket: {bucket})
        |> range(start: start, stop: stop)
        |> filter(fn: (r) => r._measurement == "{source}")
        |> filter(fn: (r) => r._field == field or r._field == "flags" or r._field == "qc")
        |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
        |> rename(fn: (column) => if column == field then "_value" else column)
        |> filter(fn: (r) => exists r._value and exists r.flags and exists r.qc)
        |> filter(fn: (r) => bitwise.sand(a: r.flags, b: mask) == 0 and bitwise.sand(a: r.qc, b: qc) == 0)

"""
_KEEP = """\
keep = (tables=<-, fn, name) =>
    tables
        |> aggregateWindow(every: 1h, offset: 1s, fn: fn, timeSrc: "_start", createEmpty: false)
        |> set(key: "_measurement", value: "{hourly}")
        |> set(key: "_field", value: name)
        |> to(bucket: {means})

"""
_DAYS_HEAD = """\
day = (field, fn, name) =>
    from(bucket: {means})
        |> range(start: start, stop: stop)
        |> filter(fn: (r) => r._measurement == "{hourly}" and r._field == field)
        |> aggregateWindow(every: 1d, offset: {offset}s, fn: fn, timeSrc: "_start", createEmpty: false)
        |> set(key: "_measurement", value: "{daily}")
        |> set(key: "_field", value: name)
        |> to(bucket: {means})

"""


def _task(name: str, rerun: Rerun, unit: str, shift: int, body: list[str]) -> Task:
    """The window's bounds go by now(), which in a task is the time that it was due."""
    lines = [
        *(['import "bitwise"'] if unit == "1h" else []),
        'import "date"',
        "",
        f'option task = {{name: "{name}", every: {rerun.every}, offset: {rerun.offset_min}m}}',
        "",
    ]
    if unit == "1h":
        lines += [
            "stop = date.add(d: 1s, to: date.truncate(t: now(), unit: 1h))",
            f"start = date.sub(d: {rerun.days}d, from: stop)",
        ]
    else:  # the day that runs is there as well, as far as it has come
        lines += [
            f"today = date.truncate(t: date.sub(d: {shift + 1}s, from: now()), unit: 1d)",
            f"begin = date.add(d: {shift + 1}s, to: today)",
            "stop = date.add(d: 1d, to: begin)",
            f"start = date.sub(d: {rerun.days - 1}d, from: begin)",
        ]
    return Task(name, "\n".join([*lines, "", *body]))


def _bounds(span: Span) -> list[str]:
    return [f"start = {_time(span.start + 1)}", f"stop = {_time(span.stop + 1)}", ""]


def _time(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("${", "\\${")
    return f'"{escaped}"'
