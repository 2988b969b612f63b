"""Read hours of readings from InfluxDB into the side file, each in one transaction: a kill repeats one."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from gateway.destinations.lines import MEASUREMENT
from gateway.journal.schema import JournalError
from gateway.quality.reprocess.beside import Beside
from gateway.quality.reprocess.past import file
from gateway.quality.reprocess.past.file import PIECE_S, Piece
from gateway.quality.reprocess.past.influxql import AwayError, Influx, PastError, Series, with_patience
from gateway.quality.reprocess.past.points import (
    COLUMNS,
    FOREIGN,
    ONLY_JUDGED,
    Point,
    point_of,
    select,
    where,
)
from gateway.topics import shard_of

# What a reading and two judgements of it take in the file, roughly; for a look at the disk before it begins.
BYTES_A_READING = 300
_LEFT_FREE = 100_000_000
_COUNTED_AT_ONCE_S = 86400
_NS = 1_000_000_000
Tell = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose readings: of a network the nodes of these shards."""

    network: str
    shards: Collection[str]


@dataclass(frozen=True, slots=True)
class Fetched:
    """Of the hours asked for. `read`: points read now, not before. `first`: the hour of the first reading."""

    readings: int = 0
    read: int = 0
    first: int | None = None
    only_judged: int = 0
    foreign: int = 0
    of_others: int = 0
    no_arrival: int = 0


def fetch(
    past: Beside, influx: Influx, whose: Whose, since: int, until: int, tell: Tell = lambda _: None
) -> Fetched:
    """Have the hours from that of `since` to that of `until` (UTC s) in the file. Those that are there are
    read again when InfluxDB counts other points in them. Raises PastError, JournalError."""
    first, last = since // PIECE_S, -(-until // PIECE_S) - 1
    counts: dict[int, int] = {}
    for begin in range(first * PIECE_S, (last + 1) * PIECE_S, _COUNTED_AT_ONCE_S):
        end = min(begin + _COUNTED_AT_ONCE_S, (last + 1) * PIECE_S)
        counts |= with_patience(lambda begin=begin, end=end: _counts(influx, whose.network, begin, end))
    reader = file.reader(past.path)
    try:
        there = file.pieces(reader, first, last)
    finally:
        reader.close()
    missing = {
        hour: counts.get(hour, 0)
        for hour in sorted(counts.keys() | there.keys())
        if hour not in there or there[hour].counted != counts.get(hour, 0)
    }
    whole, read = max(1, sum(missing.values())), 0
    _refuse_full_disk(past, sum(missing.values()))
    for hour, count in missing.items():
        there[hour] = with_patience(lambda hour=hour, count=count: _piece(past, influx, whose, hour, count))
        read += count
        tell(read / whole)
    return _sum(there, read)


def _piece(past: Beside, influx: Influx, whose: Whose, hour: int, count: int) -> Piece:
    since = hour * PIECE_S
    read_ms = time.time_ns() // 1_000_000
    points: list[Point] = []
    counted = of_others = 0
    left_out = {ONLY_JUDGED: 0, FOREIGN: 0}
    for series in influx.series(select(whose.network, since, since + PIECE_S)):
        _refuse_others(influx, series, COLUMNS)
        mine = shard_of(series.tags.get("node", "")) in whose.shards
        for value in series.values:
            counted += value[2] is not None
            if not mine:
                of_others += 1
                continue
            point = point_of(series.tags, value)
            if isinstance(point, str):
                left_out[point] += 1
                continue
            points.append(point)
    if counted < count:
        # An answer that was cut short without a word; or points have gone meanwhile.
        now = _counts(influx, whose.network, since, since + PIECE_S).get(hour, 0)
        if counted < now:
            raise AwayError(
                f"{influx.where} counts {now} readings of an hour and gives {counted}: a limit of its own "
                "(max-row-limit, max-select-point) may cut its answers"
            )
    found = Piece(
        hour,
        read_ms,
        counted,
        readings=len(points),
        only_judged=left_out[ONLY_JUDGED],
        foreign=left_out[FOREIGN],
        of_others=of_others,
        no_arrival=sum(not each.known for each in points),
    )
    with past.writing() as db:
        file.write_piece(db, found, whose.network, points)
    return found


def _counts(influx: Influx, network: str, since: int, until: int) -> dict[int, int]:
    """Readings by hour; hours without one are not in it. A window begins a second after the hour."""
    statement = (
        f'SELECT count("seq") FROM "{MEASUREMENT}"{where(network, since, until)}'  # noqa: S608
        " GROUP BY time(1h, 1s) fill(none)"
    )
    found: dict[int, int] = {}
    for series in influx.series(statement):
        _refuse_others(influx, series, ("time", "count"))
        for time_ns, count in series.values:
            if count:
                found[(time_ns // _NS) // PIECE_S] = int(count)
    return found


def _refuse_others(influx: Influx, series: Series, columns: tuple[str, ...]) -> None:
    if tuple(series.columns) != columns:
        raise PastError(
            f"{influx.where} does not answer what it was asked, and cannot be read back: no InfluxDB? check "
            "influx.url"
        )


def _refuse_full_disk(past: Beside, readings: int) -> None:
    need = readings * BYTES_A_READING
    free = shutil.disk_usage(past.path.parent).free
    if need + _LEFT_FREE > free:
        raise JournalError(
            f"{past.path}: {readings} readings take some {need // 1_000_000} MB, and {free // 1_000_000} MB "
            "are free; make room, or take a shorter time"
        )


def _sum(there: dict[int, Piece], read: int) -> Fetched:
    filled = [each for each in there.values() if each.readings]
    return Fetched(
        readings=sum(each.readings for each in filled),
        read=read,
        first=min((each.hour for each in filled), default=None),
        only_judged=sum(each.only_judged for each in there.values()),
        foreign=sum(each.foreign for each in there.values()),
        of_others=sum(each.of_others for each in there.values()),
        no_arrival=sum(each.no_arrival for each in there.values()),
    )
