"""Checks against the neighbours, and hours: what they find, and that time's order is kept."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from itertools import pairwise
from math import cos, hypot, pi, radians, sin
from types import SimpleNamespace

import pytest

from gateway.quality.checks import QC_BITS, Judge, QualitySettings, Sample, names_of
from gateway.quality.checks.hours import Completeness, expected_of, hour_of
from gateway.quality.checks.near import Near
from gateway.quality.checks.settings import CompleteSettings
from tests.gateway.quality.judging import T0, judge_all, places, sample, settings, wobbling

Level = Callable[[int, float], float | None]


def city(nodes: int, hours: float, level: Level, step: int = 5, model: str = "sds011") -> list[Sample]:
    """Readings of nodes n1, n2, ... every `step` minutes, in the order of time; `level(node, hour)`."""
    made: list[Sample] = []
    wobble = wobbling(1000, 1.0)
    for at in range(round(hours * 60 / step)):
        for node in range(1, nodes + 1):
            value = level(node, at * step / 60)
            if value is None:
                continue
            value = round(value * wobble[(at * 3 + node) % 1000], 2)
            changes = {"node_id": node, "node": f"n{node}", "id": len(made) + 1, "model": model}
            made.append(sample(at * step + 1, value, **changes))
    return made


def found_on(samples: Iterable[Sample], node: int, check: str, found: dict[int, int]) -> list[float]:
    """Hours since T0 of a node's readings with that bit."""
    return [
        ((each.t or 0) - T0) / 3600
        for each in samples
        if each.node_id == node and check in names_of(found[each.id])
    ]


def test_far_from_its_neighbours_for_three_hours() -> None:
    samples = city(6, 8, lambda node, hour: 50.0 if node == 2 and hour >= 2 else 15.0)
    found = judge_all(samples, where=places(6))
    hours = found_on(samples, 2, "neighbours", found)
    # Three hours that are over, and ten minutes of grace.
    assert hours[0] == pytest.approx(5 + 10 / 60, abs=0.1)
    assert hours[-1] > 7.9
    assert not any(found_on(samples, node, "neighbours", found) for node in (1, 3, 4, 5, 6))
    assert not found_on(samples, 2, "clogged", found)


@pytest.mark.parametrize(
    "level",
    [
        lambda node, hour: 50.0 if node == 2 and 2 <= hour < 4 else 15.0,  # two hours of smoke
        lambda node, hour: 15.0 + 60 * (hour > 3),  # all of them
        lambda node, hour: 24.0 if node == 2 else 15.0,  # less than 10 ug/m3
        lambda node, hour: 100.0 if node == 2 else 60.0,  # less than 80 %
        lambda node, hour: 50.0 if node == 2 else 15.0 if node < 4 else None,  # two neighbours only
    ],
)
def test_what_neighbours_say_nothing_of(level: Level) -> None:
    samples = city(5, 8, level)
    found = judge_all(samples, where=places(5))
    assert found_on(samples, 2, "neighbours", found) == []


def test_neighbours_are_near_by_the_season_and_have_a_place() -> None:
    far = city(6, 6, lambda node, hour: 50.0 if node == 1 else 15.0)
    assert found_on(far, 1, "neighbours", judge_all(far, where=places(6, apart_km=3)))
    assert not found_on(far, 1, "neighbours", judge_all(far, where=places(6, apart_km=5)))
    summer = 181 * 86400
    july = [
        each._replace(t=(each.t or 0) + summer, received_ms=each.received_ms + summer * 1000) for each in far
    ]
    assert judge_all(july, where=places(6, apart_km=5))[july[-6].id] == QC_BITS["neighbours"]
    assert not found_on(far, 1, "neighbours", judge_all(far, where={}))


def test_those_of_the_same_optics_are_asked_first() -> None:
    # Plantowers that read twice as much among six SDS011: no outliers among their own kind.
    sds = city(6, 6, lambda node, hour: 15.0)
    pms = [
        each._replace(node_id=each.node_id + 10, node=f"n{each.node_id + 6}", id=each.id + 10_000)
        for each in city(4, 6, lambda node, hour: 40.0, model="pms5003")
    ]
    samples = sorted([*sds, *pms], key=lambda each: (each.t or 0, each.id))
    found = judge_all(samples, where=places(10, 0.5))
    assert not any("neighbours" in names_of(qc) for qc in found.values())


def test_nothing_where_the_neighbours_have_something_is_clogged() -> None:
    samples = city(5, 8, lambda node, hour: 0.5 if node == 3 and hour >= 2 else 15.0)
    found = judge_all(samples, where=places(5))
    assert found_on(samples, 3, "clogged", found)[0] == pytest.approx(5 + 10 / 60, abs=0.1)
    clean = city(5, 8, lambda node, hour: 0.5 if node == 3 else 4.0)
    assert not found_on(clean, 3, "clogged", judge_all(clean, where=places(5)))


@pytest.mark.parametrize("step", [1, 5])
def test_a_clogged_sensor_stays_marked_until_air_gets_in(step: int) -> None:
    """Its own mark must not take away what it is found by."""
    samples = city(5, 16, lambda node, hour: 0.5 if node == 3 and 2 <= hour < 12 else 15.0, step=step)
    hours = found_on(samples, 3, "clogged", judge_all(samples, where=places(5)))
    assert hours[0] == pytest.approx(5 + 10 / 60, abs=0.1)
    assert max(later - earlier for earlier, later in pairwise(hours)) < 0.1
    assert 12 < hours[-1] < 13.5


def test_a_decline_is_clogged_and_a_low_unit_is_not() -> None:
    def level(node: int, hour: float) -> float:
        if node == 1:
            return 12.0  # it always reads low
        return 20.0 * (0.5 if node == 2 and hour > 96 else 1.0)

    samples = city(5, 120, level, step=10)
    found = judge_all(samples, where=places(5))
    hours = found_on(samples, 2, "clogged", found)
    assert 96 + 6 < hours[0] < 96 + 13
    assert hours[-1] > 119
    assert not any(found_on(samples, node, "clogged", found) for node in (1, 3, 4, 5))


@pytest.mark.parametrize(("factor", "is_found"), [(1.75, True), (1.45, False)])
def test_a_ratio_that_is_not_the_usual_one(factor: float, is_found: bool) -> None:
    def level(node: int, hour: float) -> float:
        return 12.0 * (factor if node == 1 and hour > 96 else 1.0)  # never off by 10 ug/m3

    samples = city(5, 108, level, step=10)
    hours = found_on(samples, 1, "neighbours", judge_all(samples, where=places(5)))
    assert bool(hours) == is_found
    if is_found:
        assert 96 + 3 < hours[0] < 96 + 7


def smog(hour: float) -> float:
    return 50.0 + 15.0 * sin(2 * pi * hour / 24)


def test_an_offset_is_found_in_smog_where_it_is_no_large_ratio() -> None:
    """25 ug/m3 beside 50 to 65: 1.4 to 1.5 times, within 80 % of the neighbours and 1.6 of the usual."""
    samples = city(6, 132, lambda node, hour: smog(hour) + 25.0 * (node == 1 and 96 < hour <= 120), step=10)
    found = judge_all(samples, where=places(6))
    hours = found_on(samples, 1, "neighbours", found)
    assert 96 + 6 < hours[0] < 96 + 13
    assert max(later - earlier for earlier, later in pairwise(hours)) < 0.5
    assert 120 < hours[-1] < 120 + 3
    assert not any(found_on(samples, node, "neighbours", found) for node in range(2, 7))
    assert not any("clogged" in names_of(qc) for qc in found.values())


@pytest.mark.parametrize(
    "level",
    [
        lambda node, hour: smog(hour) + 10.0 * (node == 1 and hour > 96),  # little beside so much
        lambda node, hour: 8.0 * (1.5 if node == 1 and hour > 96 else 1.0),  # 4 ug/m3 in clean air
        lambda node, hour: smog(hour) * (1.5 if node == 1 and 96 < hour < 101 else 1.0),  # an evening's smoke
        # Nodes that usually agree and now differ: it is the air.
        lambda node, hour: smog(hour) * (1.0 if hour < 96 else (1.5, 0.75, 0.8, 1.0, 1.2, 1.25)[node - 1]),
    ],
)
def test_what_lasts_and_is_no_fault(level: Level) -> None:
    samples = city(6, 120, level, step=10)
    found = judge_all(samples, where=places(6))
    assert not any(found_on(samples, node, "neighbours", found) for node in range(1, 7))


def test_hours_are_means_of_what_is_good_and_say_whether_enough_is_there() -> None:
    judge = Judge(QualitySettings(), {})
    samples = [sample(1 + minute, value) for minute, value in enumerate(wobbling(120, 20.0))]
    samples = [each for each in samples if not 65 < (each.t or 0) / 60 - T0 / 60 <= 85]  # 20 of 60 missing
    samples[10] = samples[10]._replace(pm25=500.0, pm10=700.0)
    judge_all([*samples, sample(200, None)], judge)
    one, two = judge.take_hours()
    assert (one.hour, one.expected, one.have, one.qc) == (hour_of(T0 + 60), 60, 59, 0)
    assert one.pm25 == pytest.approx(20.0, abs=0.1)
    assert (one.rh, one.temp) == (50.0, 5.0)
    assert (two.have, names_of(two.qc)) == (40, ["incomplete"])


def test_an_hour_says_what_half_of_its_readings_say() -> None:
    judge = Judge(QualitySettings(), {})
    judge_all([sample(1 + m, v, rh=90.0 if m >= 30 else 50.0) for m, v in enumerate(wobbling(60))], judge)
    judge_all([sample(200)], judge)
    assert names_of(judge.take_hours()[0].qc) == ["humid"]
    judge = Judge(QualitySettings(), {})
    judge_all([sample(1 + m, v, rh=90.0 if m >= 31 else 50.0) for m, v in enumerate(wobbling(60))], judge)
    judge_all([sample(200)], judge)
    assert names_of(judge.take_hours()[0].qc) == []


@pytest.mark.parametrize(
    ("have", "expected", "enough"),
    [(45, 60, True), (44, 60, False), (1, 1, True), (0, 1, False), (3, 4, True)],
)
def test_three_quarters_are_enough(have: int, expected: int, enough: bool) -> None:
    assert (Completeness(CompleteSettings()).judge(have, expected) == 0) == enough


@pytest.mark.parametrize(
    ("gap", "dt", "expected"), [(60, 60, 60), (600, 60, 6), (601, 60, 6), (65, 60, 55), (7200, 60, 1)]
)
def test_what_an_hour_should_have_follows_from_the_pace(gap: int, dt: int, expected: int) -> None:
    times = [T0 + at * gap for at in (*range(10), 11)]  # one is missing
    assert expected_of(times, dt, 60) == (expected, gap)


def test_without_two_readings_the_pace_is_as_it_was() -> None:
    assert expected_of([T0], 60, 600) == (6, 600)
    assert expected_of([T0, T0], 60, 0) == (60, 60)


def test_a_network_that_begins_anew_from_its_hours_goes_on_as_before() -> None:
    samples = city(6, 8, lambda node, hour: 50.0 if node == 2 and hour >= 2 else 15.0)
    begun = Judge(QualitySettings(), places(6))
    whole = judge_all(samples, begun)
    kept = [each for each in begun.take_hours() if each.hour < hour_of(T0 + 5 * 3600)]
    anew = Judge(settings(), places(6))
    anew.network.restore((hour, f"n{hour.node_id}") for hour in kept)
    later = [each for each in samples if (each.t or 0) > T0 + 4 * 3600]
    found = judge_all(later, anew)
    checked = [each for each in later if (each.t or 0) > T0 + 5 * 3600]
    assert checked
    assert {each.id: found[each.id] for each in checked} == {each.id: whole[each.id] for each in checked}


def test_what_is_usual_is_known_again_after_a_restart() -> None:
    samples = city(6, 111, lambda node, hour: smog(hour) + 25.0 * (node == 1 and hour > 96), step=10)
    begun = Judge(QualitySettings(), places(6))
    whole = judge_all(samples, begun)
    restart = hour_of(T0 + 101 * 3600)
    anew = Judge(settings(), places(6))
    anew.network.restore((hour, f"n{hour.node_id}") for hour in begun.take_hours() if hour.hour < restart)
    later = [each for each in samples if hour_of(each.t or 0) >= restart - 4]
    found = judge_all(later, anew)
    checked = [each for each in later if hour_of(each.t or 0) >= restart]
    assert found_on(checked, 1, "neighbours", found)
    assert {each.id: found[each.id] for each in checked} == {each.id: whole[each.id] for each in checked}


@pytest.mark.parametrize("seed", range(20))
def test_the_nearest_are_found_as_by_looking_at_all(seed: int) -> None:
    rng = random.Random(seed)
    spots = {
        f"n{i}": SimpleNamespace(lat=52.2 + rng.gauss(0, 0.1), lon=21.0 + rng.gauss(0, 0.2))
        for i in range(150)
    }
    near = Near(spots)
    east = 111.2 * cos(radians(sum(spot.lat for spot in spots.values()) / len(spots)))
    for name in list(spots)[:20]:
        km, here = rng.uniform(0.5, 30), spots[name]
        all_by_distance = sorted(
            (hypot((spot.lat - here.lat) * 111.2, (spot.lon - here.lon) * east), other)
            for other, spot in spots.items()
            if other != name
        )
        wanted = [other for distance, other in all_by_distance if distance <= km]
        assert near.to(name, km, 10_000) == wanted
        assert near.to(name, km, 10)[:10] == wanted[:10]
    assert near.to("nobody", 5, 3) == []
    assert Near({}).to("n1", 5, 3) == []
