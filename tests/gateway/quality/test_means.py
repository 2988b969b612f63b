"""Means of hours and days: whose hour, how many are needed, and days of 23 and 25 hours."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.quality.means import (
    HOUR,
    Mean,
    cadence_of,
    corrected_mean,
    daily_mean,
    day_bounds,
    hour_of,
    hourly_means,
    needed,
    newest_first,
)

WARSAW = ZoneInfo("Europe/Warsaw")


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


TEN = utc("2026-11-28T10:00:00")


def every(
    seconds: int, count: int, value: float = 10.0, start: int = TEN
) -> list[tuple[float, float | None]]:
    return [(start + (at + 1) * seconds, value) for at in range(count)]


def test_a_reading_belongs_to_the_hour_its_window_ends_in() -> None:
    assert hour_of(utc("2026-11-28T11:00:00")) == TEN, "exactly 11:00:00 is the end of hour 10"
    assert hour_of(utc("2026-11-28T11:00:01")) == TEN + HOUR
    assert hour_of(utc("2026-11-28T10:00:01")) == TEN
    assert hour_of(utc("2026-11-28T10:00:00")) == TEN - HOUR
    assert hour_of(TEN + 0.5) == TEN


@given(st.integers(0, 2**32))
def test_every_time_is_within_its_hour(t: int) -> None:
    assert hour_of(t) < t <= hour_of(t) + HOUR
    assert hour_of(t) % HOUR == 0


@pytest.mark.parametrize(
    ("cadence", "expected", "least"),
    [
        (60, 60, 45),
        (1, 3600, 2700),
        (30, 120, 90),
        (7, 514, 386),
        (600, 6, 5),  # 60 s window, 540 s sleep: dt alone would ask for 45
        (630, 5, 4),
        (601, 6, 5),  # wavering
        (900, 4, 3),
        (1800, 2, 2),
        (3600, 1, 1),
        (3636, 1, 1),
        (3700, 0, 1),
    ],
)
def test_what_an_hour_should_have(cadence: float, expected: int, least: int) -> None:
    count = max(1, int(3600 // cadence))
    mean = hourly_means(every(int(cadence), count, start=TEN), cadence)
    first = next(iter(mean.values()))
    assert (first.expected, first.needed) == (expected, least)


@pytest.mark.parametrize(("cadence", "least"), [(60, 45), (600, 5), (1800, 2), (3600, 1)])
def test_one_too_few_is_no_mean(cadence: int, least: int) -> None:
    enough = hourly_means(every(cadence, least), cadence)[TEN]
    assert (enough.value, enough.have, enough.reason) == (10, least, None)
    fewer = [*every(cadence, least - 1), (TEN + HOUR, None)]
    short = hourly_means(fewer, cadence)[TEN]
    assert short.value is None
    assert short.reason == f"{least - 1} of {short.expected} are there, {least} are needed"


def test_a_node_slower_than_an_hour_has_no_hours() -> None:
    mean = hourly_means([(TEN + HOUR, 5.0)], 7200)[TEN]
    assert (mean.value, mean.reason) == (None, "nothing is due in it")


def test_readings_at_one_time_count_once() -> None:
    twice = [(TEN + 600, 10.0)] * 6
    assert hourly_means(twice, 600)[TEN].value is None


def test_readings_without_a_value_do_not_count_but_show() -> None:
    mean = hourly_means([(TEN + 60, None)], 60)[TEN]
    assert (mean.value, mean.have, mean.expected) == (None, 0, 60)
    assert hourly_means([], 60) == {}


@given(st.lists(st.floats(0, 1000), min_size=45, max_size=60), st.randoms(use_true_random=False))
def test_the_order_of_readings_does_not_matter(values: list[float], chance: random.Random) -> None:
    readings: list[tuple[float, float | None]] = [(TEN + (at + 1) * 60, it) for at, it in enumerate(values)]
    mixed = readings[:]
    chance.shuffle(mixed)
    mean = hourly_means(readings, 60)[TEN]
    assert hourly_means(mixed, 60)[TEN] == mean
    assert mean.value is not None
    assert min(values) - 1e-9 <= mean.value <= max(values) + 1e-9


@pytest.mark.parametrize("cadence", [0, -60, float("nan"), float("inf")])
def test_a_cadence_that_is_none(cadence: float) -> None:
    with pytest.raises(ValueError, match="cadence"):
        hourly_means([], cadence)


def test_a_value_that_is_no_number_is_told() -> None:
    with pytest.raises(ValueError, match="nan"):
        hourly_means([(TEN + 60, float("nan"))], 60)


def test_cadence_from_the_times() -> None:
    day = [at * 600 for at in range(144)]
    holes = [t for t in day if not 20000 < t < 40000]
    assert cadence_of(holes, 60) == 600
    assert cadence_of([*holes, *holes], 60) == 600, "twice the same time is no gap of 0"
    assert cadence_of([], 60) == 60
    assert cadence_of([5], 60) == 60
    assert cadence_of([0, 30, 60], 60) == 60, "not faster than its window"


@pytest.mark.parametrize(
    ("day", "hours", "least"), [("2026-03-29", 23, 18), ("2026-10-25", 25, 19), ("2026-11-28", 24, 18)]
)
def test_days_of_23_and_25_hours(day: str, hours: int, least: int) -> None:
    at = date.fromisoformat(day)
    begin, end = day_bounds(at, WARSAW)
    assert end - begin == hours * HOUR
    starts = range(begin, end, HOUR)
    full = {start: Mean(start, float(number), 60, 60, 45) for number, start in enumerate(starts)}
    outside = {at: Mean(at, 1e6, 60, 60, 45) for at in (begin - HOUR, end)}
    mean = daily_mean({**full, **outside}, at, WARSAW)
    assert (mean.have, mean.expected, mean.needed) == (hours, hours, least)
    assert mean.value == (hours - 1) / 2
    kept = dict(list(full.items())[:least])
    assert daily_mean(kept, at, WARSAW).value is not None
    kept.popitem()
    short = daily_mean(kept, at, WARSAW)
    assert (short.value, short.have) == (None, least - 1)


def test_an_hour_without_a_value_does_not_count_for_the_day() -> None:
    at = date(2026, 11, 28)
    begin, end = day_bounds(at, WARSAW)
    hours = {s: Mean(s, None if n < 7 else 5.0, 0, 60, 45) for n, s in enumerate(range(begin, end, HOUR))}
    assert daily_mean(hours, at, WARSAW).have == 17
    assert daily_mean(hours, at, WARSAW).value is None


def test_midnight_belongs_to_the_day_that_ends() -> None:
    """A reading of exactly local midnight is the end of the last hour of the day before."""
    begin, _ = day_bounds(date(2026, 11, 28), WARSAW)
    assert begin == utc("2026-11-27T23:00:00")
    assert hour_of(begin) < begin


def test_a_day_that_the_zone_skipped_has_no_mean() -> None:
    mean = daily_mean({}, date(2011, 12, 30), ZoneInfo("Pacific/Apia"))
    assert (mean.expected, mean.value, mean.reason) == (0, None, "nothing is due in it")


def test_a_zone_that_is_half_an_hour_off_has_24_hours() -> None:
    for day in (date(2026, 11, 27), date(2026, 11, 28)):
        assert daily_mean({}, day, ZoneInfo("Asia/Kolkata")).expected == 24


def test_needed_rounds_up() -> None:
    assert [needed(n) for n in (0, 1, 2, 3, 4, 5, 6, 23, 24, 25, 60)] == [1, 1, 2, 3, 3, 4, 5, 18, 18, 19, 45]


def test_hours_for_the_nowcast() -> None:
    hours = hourly_means([*every(1800, 2, 7.0), *every(1800, 2, 5.0, TEN - 2 * HOUR)], 1800)
    assert newest_first(hours, TEN) == [7.0, None, 5.0, *[None] * 9]


V1, V2 = ("a.v1", None), ("a.v2", None)


@pytest.mark.parametrize(
    ("values", "good", "wanted"),
    [
        ([], 60, (None, 0, "", None)),
        ([(8.0, V1)] * 44, 60, (None, 44, "", None)),
        ([(8.0, V1)] * 45, 60, (8.0, 45, "a.v1", None)),
        # Of one kind enough: the few others are not in the mean, but counted.
        ([(8.0, V1)] * 45 + [(4.0, V2)] * 15, 60, (8.0, 60, "a.v1", None)),
        ([(8.0, V1)] * 44 + [(4.0, V2)] * 16, 60, (pytest.approx(6.933), 60, "a.v1, a.v2", None)),
        ([(8.0, V1)] * 22 + [(4.0, V2)] * 22, 60, (None, 44, "", None)),
        # A factor makes as great a difference as a calibration.
        ([(8.0, ("a.v1", 1.1))] * 12, 12, (8.0, 12, "a.v1", 1.1)),
        ([(8.0, ("a.v1", 1.1))] * 6 + [(4.0, V1)] * 6, 12, (6.0, 12, "a.v1", None)),
        ([(8.0, V1)], 1, (8.0, 1, "a.v1", None)),
        ([], 0, (None, 0, "", None)),
    ],
)
def test_a_corrected_mean_needs_three_quarters_of_what_is_good(
    values: list[tuple[float, tuple[str, float | None]]], good: int, wanted: tuple[object, ...]
) -> None:
    assert tuple(corrected_mean(values, good)) == wanted
