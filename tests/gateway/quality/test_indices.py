"""The indices against the vectors, against tables written down a second time, and by their properties."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.quality.amount import HIGHEST, InputError, picograms
from gateway.quality.indices import INDICES, Bands, NowCast, Result, UsAqi, Who, nowcast
from gateway.quality.registry import Entry, Registry, Source

Edges = dict[str, list[tuple[float, float, str]]]  # pollutant -> (value, index, category)

# Both ends of every row, written down apart from the code's own tables.
US: Edges = {
    "pm25": [
        (0, 0, "Good"),
        (9.0, 50, "Good"),
        (9.1, 51, "Moderate"),
        (35.4, 100, "Moderate"),
        (35.5, 101, "Unhealthy for Sensitive Groups"),
        (55.4, 150, "Unhealthy for Sensitive Groups"),
        (55.5, 151, "Unhealthy"),
        (125.4, 200, "Unhealthy"),
        (125.5, 201, "Very Unhealthy"),
        (225.4, 300, "Very Unhealthy"),
        (225.5, 301, "Hazardous"),
        (325.4, 500, "Hazardous"),
    ],
    "pm10": [
        (0, 0, "Good"),
        (54, 50, "Good"),
        (55, 51, "Moderate"),
        (154, 100, "Moderate"),
        (155, 101, "Unhealthy for Sensitive Groups"),
        (254, 150, "Unhealthy for Sensitive Groups"),
        (255, 151, "Unhealthy"),
        (354, 200, "Unhealthy"),
        (355, 201, "Very Unhealthy"),
        (424, 300, "Very Unhealthy"),
        (425, 301, "Hazardous"),
        (604, 500, "Hazardous"),
    ],
}
# The upper end of each band; the step to the next number that the table knows.
BANDS: dict[tuple[str, str], tuple[tuple[float, ...], tuple[float, ...], float]] = {
    ("eu-2024", "2024"): ((5, 15, 50, 90, 140), (15, 45, 120, 195, 270), 1),
    ("eu-old", "before-2024"): ((10, 20, 25, 50, 75, 800), (20, 40, 50, 100, 150, 1200), 1e-6),
    ("gios", "before-2025"): ((13, 35, 55, 75, 110), (20, 50, 80, 110, 150), 0.1),
    ("gios", "2025-06"): ((13, 35, 55, 80, 110), (20, 50, 80, 110, 150), 0.1),
}
amounts = st.floats(0, 1500, allow_nan=False)
pollutants = st.sampled_from(["pm25", "pm10"])


def us() -> UsAqi:
    entry = INDICES.pick("us-aqi-2024")
    assert isinstance(entry, UsAqi)
    return entry


def computing(name: str, version: str | None = None) -> UsAqi | Bands | Who:
    entry = INDICES.pick(name, version=version)
    assert not isinstance(entry, NowCast)
    return entry


def wrong_edges(compute: Callable[[float, str], Result], edges: Edges) -> list[tuple[float, str]]:
    return [
        (value, pollutant)
        for pollutant, rows in edges.items()
        for value, index, category in rows
        if (compute(value, pollutant).value, compute(value, pollutant).category) != (index, category)
    ]


def oracle(pollutant: str) -> list[tuple[float, int]]:
    """The index of every step of the table, from US above and in fractions."""
    per = 10 if pollutant == "pm25" else 1
    rows = [(round(value * per), index) for value, index, _ in US[pollutant]]
    found: list[tuple[float, int]] = []
    for (low, index_low), (high, index_high) in zip(rows[::2], rows[1::2], strict=True):
        for at in range(low, high + 1):
            line = index_low + Fraction((index_high - index_low) * (at - low), high - low)
            found.append((at / per, int(line + Fraction(1, 2))))
    return found


def wrong_steps(entry: UsAqi, pollutant: str) -> list[float]:
    """Where index or band differ. The band tells what no index of a whole number shows: PM10's 55 as a 56."""
    lows, highs = ([value for value, _, _ in US[pollutant][start::2]] for start in (0, 1))
    bands = [
        high
        for low, high in zip(lows, highs, strict=True)
        if entry.compute(high, pollutant).band != (low, high)
    ]
    return bands + [it for it, index in oracle(pollutant) if entry.compute(it, pollutant).value != index]


def rows_of(repo: Path, name: str) -> list[list[str]]:
    with (repo / "tests" / "vectors" / name).open(newline="") as file:
        return list(csv.reader(file))[1:]


def test_us_aqi_vectors(repo: Path) -> None:
    rows = rows_of(repo, "us-aqi-2024-pm25.csv")
    assert len(rows) == 15
    for text, index in rows:
        for value in (float(text), Decimal(text)):
            assert us().compute(value).value == int(index), text


def test_nowcast_vectors(repo: Path) -> None:
    rows = rows_of(repo, "nowcast-pm25.csv")
    assert len(rows) == 4
    for text, expected, _ in rows:
        hours = [float(hour) if hour else None for hour in text.split(",")]
        assert nowcast(hours) == (None if expected == "none" else float(expected))


def test_us_aqi_at_both_ends_of_every_row() -> None:
    assert wrong_edges(us().compute, US) == []


@pytest.mark.parametrize(("pollutant", "steps"), [("pm25", 3255), ("pm10", 605)])
def test_us_aqi_at_every_step_of_the_table(pollutant: str, steps: int) -> None:
    assert len(oracle(pollutant)) == steps
    assert wrong_steps(us(), pollutant) == []


@pytest.mark.parametrize("pollutant", ["pm25", "pm10"])
@pytest.mark.parametrize("by", [-1, 1])
def test_a_us_breakpoint_off_by_one_step_is_found(pollutant: str, by: int) -> None:
    """A step is 0.1 ug/m3 for PM2.5. Every breakpoint but the 0 is moved, one at a time."""
    table = us().tables[pollutant]
    for at, row in enumerate(table):
        for end in (0, 1):
            if (at, end) == (0, 0):
                continue
            moved = (row[0] + by, row[1], *row[2:]) if end == 0 else (row[0], row[1] + by, *row[2:])
            tables = {**us().tables, pollutant: (*table[:at], moved, *table[at + 1 :])}
            assert wrong_steps(replace(us(), tables=tables), pollutant), (row, end)


@pytest.mark.parametrize(
    ("value", "index"), [(9.05, 50), (9.099999, 50), (9.0999999, 51), (35.45, 100), (35.499, 100), (0.09, 0)]
)
def test_us_aqi_truncates_and_floats_do_not_lose_a_step(value: float, index: int) -> None:
    """9.0999999 is 9.1 within 1e-6 ug/m3: no measurement, but what a mean in floats may look like."""
    assert us().compute(value).value == index


@given(st.integers(0, 5000), st.integers(1, 60))
def test_a_mean_in_floats_has_the_index_of_the_mean_on_paper(tenths: int, count: int) -> None:
    value = tenths / 10
    naive = sum([value] * count) / count  # such as 0.30000000000000004
    assert us().compute(naive).value == us().compute(Decimal(tenths) / 10).value


def test_us_aqi_rounds_half_up() -> None:
    """PM10 of 27: 25.0 exactly; in a table made so that a half comes about, it goes up."""
    half = replace(us(), tables={"pm10": ((0, 2, 0, 1, "x"),)})
    assert us().compute(27, "pm10").value == 25
    assert half.compute(1, "pm10").value == 1


def test_us_aqi_goes_on_above_the_table_and_says_so() -> None:
    on = us().compute(325.5)
    assert (on.value, on.category, on.extra["beyond"]) == (500, "Hazardous", True)
    assert us().compute(400).value == 649  # 301 + 199 / 99.9 * 174.5 = 648.6
    assert "beyond" not in us().compute(325.4).extra


@pytest.mark.parametrize(
    ("version", "at_300", "at_400"), [("two-hazardous-rows", 375, 443), ("hazardous-to-500.4", 355, 427)]
)
def test_other_readings_above_225_are_held_and_never_picked_by_a_date(
    version: str, at_300: int, at_400: int
) -> None:
    other = INDICES.pick("us-aqi-2024", version=version)
    assert isinstance(other, UsAqi)
    assert (other.compute(300).value, other.compute(400).value) == (at_300, at_400)
    assert wrong_edges(other.compute, {"pm25": US["pm25"][:-1]}) == []
    assert INDICES.pick("us-aqi-2024", date(2026, 11, 1)).version == "2024-05-06"


def test_the_us_readings_agree_with_the_older_table_arithmetic() -> None:
    """At 300: 301 + 99/99.9 * 74.5 and 301 + 199/274.9 * 74.5, worked out by hand."""
    assert round(301 + 99 / 99.9 * 74.5) == 375
    assert round(301 + 199 / 274.9 * 74.5) == 355


@pytest.mark.parametrize(("name", "version"), BANDS)
def test_bands_end_where_the_table_says(name: str, version: str) -> None:
    pm25, pm10, step = BANDS[name, version]
    entry = computing(name, version)
    for pollutant, ends in (("pm25", pm25), ("pm10", pm10)):
        for at, end in enumerate(ends, start=1):
            assert entry.compute(end, pollutant).value == at, (pollutant, end)
            above = entry.compute(end + step, pollutant)
            if at == 6:
                assert above.value is None
                assert above.reason == f"above {end} ug/m3, where the table ends"
            else:
                assert above.value == at + 1, (pollutant, end + step)
        assert entry.compute(0, pollutant).value == 1


def test_bands_round_to_the_table_first() -> None:
    eu, gios = computing("eu-2024"), computing("gios")
    assert [eu.compute(value).value for value in (5.49, 5.5, 15.4, 15.5)] == [1, 2, 2, 3]
    assert [gios.compute(value).value for value in (13.04, 13.05, 80.04, 80.05)] == [1, 2, 4, 5]
    assert [computing("eu-old").compute(value).value for value in (10.0, 10.1)] == [1, 2]
    assert eu.compute(5.5).band == (6, 15)
    assert eu.compute(500).band == (141, None)
    assert gios.compute(60).band == (55.1, 80)


def test_gios_by_date() -> None:
    """Its fourth band for PM2.5 ends at 75 in older copies, at 80 in that of June 2025."""
    for day, version, at_78 in (("2024-01-01", "before-2025", 5), ("2025-06-01", "2025-06", 4)):
        entry = INDICES.pick("gios", date.fromisoformat(day))
        assert entry.version == version
        assert isinstance(entry, Bands)
        assert entry.compute(78).value == at_78
    assert INDICES.pick("gios", date(2025, 5, 31)).version == "before-2025"
    assert INDICES.pick("gios").version == "2025-06"


@pytest.mark.parametrize(
    ("pollutant", "period", "levels"),
    [
        ("pm25", "24h", (15, 25, 37.5, 50, 75)),
        ("pm25", "annual", (5, 10, 15, 25, 35)),
        ("pm10", "24h", (45, 50, 75, 100, 150)),
        ("pm10", "annual", (15, 20, 30, 50, 70)),
    ],
)
def test_who_levels(pollutant: str, period: str, levels: tuple[float, ...]) -> None:
    who = computing("who-2021")
    assert isinstance(who, Who)
    names = ["guideline met", *(f"interim target {n} met" for n in (4, 3, 2, 1)), "above all targets"]
    for at, level in enumerate(levels):
        kept, passed = who.compute(level, pollutant, period), who.compute(level + 0.001, pollutant, period)
        assert (kept.category, passed.category) == (names[at], names[at + 1])
    assert who.compute(levels[0] * 2, pollutant, period).value == 2
    assert who.compute(levels[0] + 0.001, pollutant, period).value == 1, (
        "the ratio is rounded, the category not"
    )


@pytest.mark.parametrize("name", [name for name in INDICES.names() if name != "nowcast"])
@given(a=amounts, b=amounts, pollutant=pollutants)
@settings(max_examples=200)
def test_worse_air_never_has_a_better_index(name: str, a: float, b: float, pollutant: str) -> None:
    low, high = (computing(name).compute(value, pollutant).value for value in sorted((a, b)))
    assert low is None or low >= 0
    if low is None:  # eu-old ends at 800 and 1200
        assert high is None
    elif high is not None:
        assert low <= high


@given(amounts, pollutants)
def test_the_band_holds_the_value_that_was_used(value: float, pollutant: str) -> None:
    for entry in (us(), computing("eu-2024"), computing("gios")):
        found = entry.compute(value, pollutant)
        assert found.band is not None
        low, high = found.band
        assert low <= found.extra["used"]
        assert high is None or found.extra["used"] <= high or found.extra["beyond"]


def textbook(hours: list[float | None]) -> Fraction:
    """The NowCast as EPA words it, in fractions of the decimal numbers."""
    there = {ago: Fraction(str(value)) for ago, value in enumerate(hours) if value is not None}
    most = max(there.values())
    weight = max(Fraction(1, 2), 1 - (most - min(there.values())) / most) if most else Fraction(1)
    total = sum(weight**ago * value for ago, value in there.items())
    return Fraction(total) / sum(weight**ago for ago in there)


tenths = st.integers(0, 9999).map(lambda tenths: tenths / 10)
twelve = st.lists(st.none() | tenths, min_size=3, max_size=12)


@given(twelve)
@settings(max_examples=400)
def test_nowcast_is_the_textbooks_and_within_the_hours(hours: list[float | None]) -> None:
    found = nowcast(hours)
    if sum(value is not None for value in hours[:3]) < 2:
        assert found is None
        return
    there = [value for value in hours if value is not None]
    assert found == float(textbook(hours) * 10 // 1) / 10
    assert min(there) <= found <= max(there)


@given(twelve, st.integers(2, 50))
def test_nowcast_scales_with_the_hours(hours: list[float | None], times: int) -> None:
    """Up to what is cut off: less than 0.1 before and after."""
    one = nowcast(hours)
    many = nowcast([None if value is None else round(value * times, 6) for value in hours])
    if one is None or many is None:
        assert one is many
        return
    assert times * one - 1e-6 <= many + 0.1
    assert many <= times * (one + 0.1) + 1e-6


@given(tenths, st.integers(2, 12))
def test_nowcast_of_air_that_stays_is_that_air(value: float, hours: int) -> None:
    assert nowcast([value] * hours) == value


def test_nowcast_cuts_pm10_to_whole_numbers_and_tells_its_weight() -> None:
    entry = INDICES.pick("nowcast")
    assert isinstance(entry, NowCast)
    found = entry.compute_hours([20.0, 19.9, 10.0], "pm10")
    assert (found.value, found.extra) == (18, {"weight": 0.5, "hours": 3})
    assert entry.compute_hours([30.0, 24.0]).extra["weight"] == 0.8


def test_nowcast_wants_two_of_the_three_newest() -> None:
    assert nowcast([None, 10, 10]) == 10
    assert nowcast([10, None, 10]) == 10
    assert nowcast([10, 10]) == 10
    assert nowcast([None, None, 10, *[10] * 9]) is None
    assert nowcast([]) is None
    with pytest.raises(InputError, match="13 hours"):
        nowcast([1.0] * 13)


@pytest.mark.parametrize(
    "value", [-0.1, float("nan"), float("inf"), -float("inf"), HIGHEST + 1.0, Decimal("NaN")]
)
def test_what_is_no_concentration_is_refused(value: float | Decimal) -> None:
    with pytest.raises(InputError):
        us().compute(value)
    with pytest.raises(InputError):
        nowcast([value, 1.0])
    assert us().compute(-0.0).value == 0


def test_a_pollutant_without_a_table_is_refused() -> None:
    for name in INDICES.names():
        entry = INDICES.pick(name)
        with pytest.raises(InputError, match="ozone"):
            entry.compute_hours([1, 1], "ozone") if isinstance(entry, NowCast) else entry.compute(1, "ozone")


@given(st.integers(0, 10**10))
def test_text_decimal_and_float_are_the_same_amount(pg: int) -> None:
    exact = Decimal(pg) / 10**6
    assert picograms(exact) == picograms(float(exact)) == pg


def test_the_registry_by_date_and_version() -> None:
    source = Source("a", "b", "c")
    old, new = (
        Entry("x", version, begins, source, False) for version, begins in (("1", None), ("2", "2024-03"))
    )
    other = Entry("x", "3", "2025", source, True)
    registry = Registry([new, other, old])
    assert registry.pick("x") is new
    assert registry.pick("x", date(2024, 2, 29)) is old
    assert registry.pick("x", date(2024, 3, 1)) is new
    assert registry.pick("x", version="3") is other
    for words, call in (
        ("no 'y'", lambda: registry.pick("y")),
        ("no version '4'", lambda: registry.pick("x", version="4")),
        ("did not hold yet", lambda: Registry([new]).pick("x", date(2024, 2, 1))),
    ):
        with pytest.raises(InputError, match=words):
            call()
    with pytest.raises(ValueError, match="twice"):
        Registry([old, old])
