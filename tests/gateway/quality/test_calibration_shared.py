"""The error that all units share: found from the hours before, and from nothing else."""

from __future__ import annotations

import pytest

from gateway.quality.calibration.shared import Anchor, SharedRules, shared_factor


def hour(ratio: float, count: int = 4, stations: int = 4) -> list[Anchor]:
    """Anchors that read 20 where their stations report `ratio` times as much."""
    return [Anchor(f"s{number % stations}", 20.0, 20.0 * ratio) for number in range(count)]


def test_it_is_the_mean_of_six_hours_that_are_two_hours_old() -> None:
    old, new = [hour(9.0)] * 10, [hour(1.2)] * 6
    found = shared_factor([*old, *new, hour(1.9)])
    assert found is not None
    assert found.factor == pytest.approx(1.2)
    assert found.hours == 6


def test_one_bad_anchor_does_not_bend_it() -> None:
    bad = [*hour(1.1, 4), Anchor("s1", 20.0, 400.0)]
    found = shared_factor([bad] * 8)
    assert found is not None
    assert found.factor == pytest.approx(1.1)


def test_where_too_little_is_known_there_is_none() -> None:
    few, one_place, good = hour(1.2, 2), hour(1.2, 5, stations=1), hour(1.2)
    assert shared_factor([]) is None
    assert shared_factor([good]) is None
    assert shared_factor([few] * 8) is None
    assert shared_factor([one_place] * 8) is None
    assert shared_factor([few, few, few, good, good, few]) is None
    assert shared_factor([few, few, good, good, good, few]) is not None
    assert shared_factor([hour(2.5)] * 8) is None


def test_in_clean_air_a_ratio_is_not_trusted() -> None:
    clean = [Anchor(f"s{number}", 0.1, 1.5) for number in range(4)]
    found = shared_factor([clean] * 8)
    assert found is not None
    assert found.factor == 1.0
    assert shared_factor([hour(1.5)] * 3, SharedRules(hours=1, lag=1, least_hours=1)) is not None
