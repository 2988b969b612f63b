"""What the means are made of: held to the schema, and to the files in deploy/influxdb."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.destinations.lines import FLAG_BITS, UNKNOWN_FLAG_BIT, line
from gateway.downsample import flux, influxql
from gateway.downsample.files import files
from gateway.downsample.plan import (
    CORRECTED,
    COUNTED,
    DAILY,
    FIELDS,
    GROUPS,
    HOURLY,
    READINGS,
    SOURCE,
    TAGS,
    Span,
    days_of,
    hours_of,
    parts,
)
from gateway.reading import FIELDS as MEASURED
from tests.gateway.destinations.line_parser import parse_line
from tests.gateway.destinations.means import BAD_CLIMATE, BAD_PM
from tests.gateway.destinations.samples import reading
from tests.support import REPO


def test_the_shipped_files_are_the_ones_that_are_made() -> None:
    shipped = {
        path.name: path.read_text() for path in (REPO / "deploy/influxdb").iterdir() if path.suffix != ".md"
    }
    assert shipped == files(), "run: python -m gateway.downsample.files"


def test_tags_and_fields_are_those_of_a_reading() -> None:
    measurement, tags, fields, _ = parse_line(line(reading(values=dict.fromkeys(MEASURED, 1.0))) or "")
    assert (measurement, set(tags)) == (SOURCE, set(TAGS))
    assert {*FIELDS, COUNTED, "flags"} - {*CORRECTED} <= set(fields)


def test_every_flag_leaves_out_what_it_speaks_of() -> None:
    pm, climate = GROUPS
    of_climate = {"climate_error", "climate_stuck", "out_of_range"}
    assert {flag for flag, bit in FLAG_BITS.items() if climate.mask & bit} == of_climate
    assert {flag for flag, bit in FLAG_BITS.items() if pm.mask & bit} == (
        set(FLAG_BITS) - {"climate_error", "climate_stuck"}
    )
    assert pm.mask & climate.mask & UNKNOWN_FLAG_BIT
    assert (pm.qc, climate.qc) == (BAD_PM, BAD_CLIMATE)


def test_both_dialects_make_the_same_fields() -> None:
    """Names of the means in the continuous queries and in the tasks, hourly and daily."""
    in_flux: dict[str, set[str]] = {HOURLY: set(), DAILY: set()}
    for task in flux.Dialect("b").tasks():
        target = HOURLY if "_1h" in task.name else DAILY
        in_flux[target].update(re.findall(r'yield\(name: "(\w+)"\)', task.flux))
    in_influxql: dict[str, set[str]] = {HOURLY: set(), DAILY: set()}
    for each in influxql.Dialect("b").continuous_queries():
        target = re.search(r'INTO "b"\."means"\."(\w+)"', each.text)
        assert target
        in_influxql[target[1]].update(re.findall(r'AS "(\w+)"', each.text))
    assert in_flux == in_influxql
    assert in_flux[HOURLY] == {*FIELDS, *(f"{each}_n" for each in FIELDS), READINGS}
    assert in_flux[DAILY] == in_flux[HOURLY] | {f"{each}_hours" for each in FIELDS}


def test_the_docs_name_every_field() -> None:
    text = (REPO / "docs/influxdb.md").read_text()
    section = text.split("## Hourly and daily means")[1].split("\n## ")[0]
    for name in (*FIELDS, READINGS, HOURLY, DAILY):
        assert f"`{name}`" in section, name


@given(
    since=st.integers(0, 2 * 10**9),
    length=st.integers(1, 10**7),
    now=st.integers(0, 2 * 10**9),
    offset=st.integers(-12, 14),
)
def test_whole_hours_and_days_around_a_period(since: int, length: int, now: int, offset: int) -> None:
    hours = hours_of(since, since + length, now)
    assert hours.start % 3600 == hours.stop % 3600 == 0
    assert hours.start <= since < hours.start + 3600
    assert hours.stop == max(hours.start, min(-(-(since + length) // 3600) * 3600, now // 3600 * 3600))
    days = days_of(hours, offset)
    assert (days.start + offset * 3600) % 86400 == (days.stop + offset * 3600) % 86400 == 0
    assert days.start <= hours.start < days.start + 86400
    assert days.stop - 86400 < hours.stop <= days.stop
    pieces = parts(hours, 86400)
    assert [each.start for each in pieces[1:]] == [each.stop for each in pieces[:-1]]
    if pieces:
        assert Span(pieces[0].start, pieces[-1].stop) == hours
        assert all(0 < each.stop - each.start <= 86400 for each in pieces)
