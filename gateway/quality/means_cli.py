"""The command `dustline means`: hourly and daily means by the 75 % rule, and an index of each of them."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from gateway.cli_options import Unusable, when, with_shard
from gateway.config import JournalSettings, Settings, load_journal
from gateway.quality.air import CHOICES
from gateway.quality.checks.bits import QC_BITS
from gateway.quality.follow.reader import HourRow, QualityReader
from gateway.quality.indices import INDICES, POLLUTANTS, Bands, Result, UsAqi, Who
from gateway.quality.means import HOUR, Mean, daily_mean, day_bounds, needed

# Of what mean each index is. The NowCast is none of these: it is for the air now, and stands for a day.
BY_INDEX = {name: "hour" if over == "hour" else "day" for name, over in CHOICES.items()}
# Means by their names in a line.
_KINDS = (*POLLUTANTS, *(f"{each}_cor" for each in POLLUTANTS))
_INCOMPLETE = QC_BITS["incomplete"]
_DAY = timedelta(days=1)


class Line(NamedTuple):
    """The means of one sensor's hour or day, by _KINDS, and when it begins in the zone asked for."""

    node: str
    slot: str
    begin: datetime
    means: dict[str, Mean]


def _zone(_context: click.Context, _parameter: click.Parameter, value: str) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise click.BadParameter(f"no time zone {value[:40]!r}; write UTC or Europe/Warsaw") from error


@click.command()
@click.option("--since", required=True, help="A date of the zone, a time (UTC) or UTC seconds.")
@click.option("--until", help="Up to then; by default now.")
@click.option("--node", help="Of this node only.")
@click.option("--by", type=click.Choice(["hour", "day"]), default="day", show_default=True)
@click.option("--zone", callback=_zone, default="UTC", show_default=True, help="Whose days: Europe/Warsaw.")
@click.option("--index", "name", type=click.Choice(list(BY_INDEX)), help="An index of each mean, too.")
@with_shard(load_journal, Unusable)
def means(
    settings: Settings | JournalSettings,
    since: str,
    until: str | None,
    node: str | None,
    by: str,
    zone: ZoneInfo,
    name: str | None,
) -> None:
    """Hourly or daily means of each sensor, as CSV, from hours that the checks have judged.

    An hour has a mean when 75 % of its readings are there and not bad, a day when 75 % of its hours have one.
    `have` and `expected` count readings of an hour, or hours of a day. pm25_cor and pm10_cor are means of
    corrected values; an index is of these where there are any, `of` says so. Only whole days are told.
    """
    begin, end = _time("--since", since, zone), int(time.time())
    if until is not None:
        end = min(end, _time("--until", until, zone))
    if begin >= end:
        raise click.BadParameter("must be before --until, and not in the future", param_hint="--since")
    if name is not None and BY_INDEX[name] != by:
        raise click.UsageError(f"{name} is of means of a {BY_INDEX[name]}: --by {BY_INDEX[name]}")
    path = settings.journal.path if isinstance(settings, Settings) else settings.path
    with QualityReader(path) as reader:
        found = reader.hours(begin, end, node)
    if not found:
        raise click.ClickException("there are no judged hours in that time; check node and times")
    out = csv.writer(sys.stdout, lineterminator="\n")
    head = ["node", "slot", "begin", "have", "expected", *_KINDS]
    out.writerow(head + (["index", "category", "of"] if name else []))
    for (node_name, slot), rows in found.items():
        told = _hours(rows, zone) if by == "hour" else _days(rows, zone, begin, end)
        for at, mean in told:
            out.writerow(_cells(Line(node_name, slot, at, mean), name))


def _time(option: str, text: str, zone: ZoneInfo) -> int:
    """UTC seconds; a bare date is its midnight in the zone."""
    try:
        return day_bounds(date.fromisoformat(text), zone)[0]
    except (ValueError, OverflowError):
        return _no_bare_date(option, text)


def _no_bare_date(option: str, text: str) -> int:
    try:
        found = when(None, None, text)
    except click.BadParameter as error:
        raise click.BadParameter(error.message, param_hint=option) from error
    assert found is not None  # of a text
    return found


def _mean(row: HourRow, kind: str) -> Mean:
    value: float | None = getattr(row, kind)
    enough = value is not None and not row.qc & _INCOMPLETE
    return Mean(row.hour * HOUR, value if enough else None, row.have, row.expected, needed(row.expected))


def _hours(rows: Sequence[HourRow], zone: ZoneInfo) -> Iterator[tuple[datetime, dict[str, Mean]]]:
    for row in rows:
        begin = datetime.fromtimestamp(row.hour * HOUR, UTC).astimezone(zone)
        yield begin, {each: _mean(row, each) for each in _KINDS}


def _days(
    rows: Sequence[HourRow], zone: ZoneInfo, since: int, until: int
) -> Iterator[tuple[datetime, dict[str, Mean]]]:
    """Local days that lie within since and until as a whole, from the sensor's first hour to its last."""
    hours = {each: {row.hour * HOUR: _mean(row, each) for row in rows} for each in _KINDS}
    day: date = datetime.fromtimestamp(rows[0].hour * HOUR, zone).date()
    last = rows[-1].hour * HOUR
    while (bounds := day_bounds(day, zone))[1] <= until and bounds[0] <= last:
        if bounds[0] >= since:
            begin = datetime.fromtimestamp(bounds[0], UTC).astimezone(zone)
            yield begin, {each: daily_mean(hours[each], day, zone) for each in _KINDS}
        day += _DAY


def _cells(line: Line, name: str | None) -> list[object]:
    fine = line.means["pm25"]
    cells: list[object] = [line.node, line.slot, line.begin.isoformat(), fine.have, fine.expected]
    cells += ["" if each.value is None else round(each.value, 3) for each in line.means.values()]
    if name is None:
        return cells
    results = dict(_indices(name, line))
    if not results:
        return [*cells, "", "", ""]
    # Of equal ones PM2.5, which is the first.
    worst = max(results, key=lambda each: results[each].value or 0)
    return [*cells, results[worst].value, results[worst].category, worst]


def _indices(name: str, line: Line) -> Iterator[tuple[str, Result]]:
    """By the mean that each is of: the corrected one of a pollutant, if there is one."""
    for each in POLLUTANTS:
        kind = each if line.means[f"{each}_cor"].value is None else f"{each}_cor"
        value = line.means[kind].value
        if value is not None and (found := _index(name, value, each)).value is not None:
            yield kind, found


def _index(name: str, value: float, pollutant: str) -> Result:
    """A sensor's noise may lie below zero; the air does not."""
    entry = INDICES.pick(name)
    assert isinstance(entry, UsAqi | Bands | Who)
    return entry.compute(max(0.0, value), pollutant)
