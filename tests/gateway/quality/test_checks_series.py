"""Checks that need what came before: spikes, steps, sensors that stand still, sensors that disagree."""

from __future__ import annotations

import pytest

from tests.gateway.quality.judging import names, sample, series, wobbling


def only(check: str, found: list[list[str]]) -> list[int]:
    """At which places that check fired."""
    return [at for at, each in enumerate(found) if check in each]


def test_one_value_far_off_is_a_spike_once_the_series_is_back() -> None:
    values = wobbling(40)
    values[20] = 60.0
    samples = series(values)
    assert only("spike", names(samples)) == [20]
    # Before its successor it is none yet.
    assert only("spike", names(samples[:21])) == []


@pytest.mark.parametrize(("length", "found"), [(1, [20]), (2, [20, 21]), (3, []), (15, [])])
def test_a_spike_is_short(length: int, found: list[int]) -> None:
    values = wobbling(60)
    values[20 : 20 + length] = [60.0 + i for i in range(length)]
    assert only("spike", names(series(values))) == found


def test_what_is_no_spike() -> None:
    small = wobbling(40)
    small[20] += 9.0
    assert only("spike", names(series(small))) == []
    smoke = wobbling(20) + wobbling(40, 120.0)
    assert only("spike", names(series(smoke))) == []
    rising = [10.0 * 1.1**i for i in range(40)]
    assert only("spike", names(series(rising))) == []
    restless = [10.0 + 30.0 * (i % 3) for i in range(40)]
    assert only("spike", names(series(restless))) == []
    silence = [sample(0, 10.0), *series(wobbling(4), 1), sample(100, 60.0), *series(wobbling(4), 101)]
    assert only("spike", names(silence)) == []


def test_a_drop_for_one_reading_is_a_spike_too() -> None:
    values = wobbling(40, 50.0)
    values[20] = 1.0
    assert only("spike", names(series(values))) == [20]


def test_spikes_do_not_widen_the_window() -> None:
    values = wobbling(60)
    struck = [20, 23, 26, 29, 32]
    for at in struck:
        values[at] = 80.0
    assert only("spike", names(series(values))) == struck


def test_a_steep_step_is_suspect_and_its_return_from_one_odd_value_is_not() -> None:
    values = wobbling(20) + wobbling(20, 150.0)
    assert only("rate", names(series(values))) == [20]
    odd = wobbling(40)
    odd[20] = 150.0
    assert only("rate", names(series(odd))) == [20]
    later = [sample(0, 10.0), sample(16, 150.0)]
    assert only("rate", names(later)) == []
    doubled = wobbling(20, 100.0) + wobbling(20, 200.0)
    assert only("rate", names(series(doubled))) == []


def test_a_value_that_repeats_is_stuck_after_half_an_hour() -> None:
    found = only("stuck", names(series([*wobbling(5), *[23.4] * 40, *wobbling(5)])))
    # The first equal window began a minute before its end.
    assert found == list(range(5 + 29, 45))


def test_equal_low_values_are_usual_for_a_while() -> None:
    assert only("stuck", names(series([0.8] * 170))) == []
    assert only("stuck", names(series([0.8] * 190))) == list(range(179, 190))
    # A Plantower counts whole ug/m3, and its counts show that it lives.
    two = {"model": "pms3003"}
    assert only("stuck", names(series([2.0] * 170, **two))) == []
    living = [
        each._replace(model="pms5003", n03=300.0 + at % 5) for at, each in enumerate(series([2.0] * 300))
    ]
    assert only("stuck", names(living)) == []
    dead = [each._replace(model="pms5003", n03=300.0) for each in series([2.0] * 60)]
    assert only("stuck", names(dead)) == list(range(29, 60))


def test_few_equal_readings_of_a_slow_node_are_no_run() -> None:
    slow = [sample(20.0 * i, 23.4) for i in range(6)]
    assert only("stuck", names(slow)) == [4, 5]


def two_slots(first: list[float], second: list[float]) -> list[str]:
    """By reading, alternating: the slots on which `disagree` was found."""
    samples = [
        each
        for a, b in zip(series(first), series(second, 0.25), strict=True)
        for each in (a, b._replace(slot="b"))
    ]
    return [each.slot for each, found in zip(samples, names(samples), strict=True) if "disagree" in found]


def test_two_sensors_of_a_node_that_disagree_are_both_suspect() -> None:
    found = two_slots(wobbling(90, 20.0), wobbling(90, 45.0))
    assert found[-2:] == ["a", "b"]
    assert len(found) > 170
    # 45 %: models differ by as much.
    assert two_slots(wobbling(90, 20.0), wobbling(90, 30.0)) == []
    # 4 ug/m3, however many per cent.
    assert two_slots(wobbling(90, 1.0), wobbling(90, 5.0)) == []


def test_of_three_sensors_the_odd_one_is_suspect() -> None:
    samples = [
        each
        for a, b, c in zip(
            series(wobbling(60, 20.0)), series(wobbling(60, 21.0), 0.25), series(wobbling(60, 80.0), 0.5),
            strict=True,
        )
        for each in (a, b._replace(slot="b"), c._replace(slot="c"))
    ]  # fmt: skip
    found = [each.slot for each, said in zip(samples, names(samples), strict=True) if "disagree" in said]
    assert set(found[10:]) == {"c"}


def test_another_model_in_a_slot_begins_anew() -> None:
    before = series([23.4] * 25)
    after = [each._replace(model="sps30") for each in series([23.4] * 10, 25)]
    assert only("stuck", names([*before, *after])) == []
