"""The simulated weather: plausible over a year, and consistent within itself."""

from __future__ import annotations

import random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.weather import WARSAW, CityWeather, Offsets, station_hpa, steady, vapour_hpa

DAY = 86400
JANUARY, JULY = 1_767_225_600, 1_782_864_000  # 2026-01-01, 2026-07-01


def month(seed: int, start: int) -> list[tuple[float, float, float]]:
    weather = CityWeather(seed)
    return [weather.at(start + 1800.0 * i) for i in range(30 * 48)]


@pytest.mark.parametrize("seed", range(4))
def test_seasons_are_those_of_warsaw(seed: int) -> None:
    assert -6 < fmean(temp for temp, _, _ in month(seed, JANUARY)) < 3
    assert 15 < fmean(temp for temp, _, _ in month(seed, JULY)) < 24


@given(st.integers(0, 50), st.floats(JANUARY, JANUARY + 3 * 366 * DAY))
def test_every_moment_is_weather(seed: int, t: float) -> None:
    temp, rh, press = CityWeather(seed).at(t)
    assert -30 < temp < 40
    assert 15 <= rh <= 99
    assert 975 < press < 1035


def test_the_afternoon_is_warmer_and_drier_than_the_night_before() -> None:
    weather = CityWeather(3)
    for day in range(30):
        night = weather.at(JULY + day * DAY + 2 * 3600)
        noon = weather.at(JULY + day * DAY + 13.5 * 3600)
        assert noon[0] > night[0] + 2
        assert noon[1] < night[1] - 5


def test_same_seed_same_weather_and_another_seed_another() -> None:
    assert month(7, JULY) == month(7, JULY)
    assert month(7, JULY) != month(8, JULY)


def test_the_default_stands_still() -> None:
    assert WARSAW(0.0) == WARSAW(1e9)
    assert steady(1, 2, 3)(5.0) == (1, 2, 3)


def test_known_values_of_the_formulas() -> None:
    assert vapour_hpa(20) == pytest.approx(23.3, abs=0.1)  # tables: 23.4 hPa
    assert vapour_hpa(0) == pytest.approx(6.11, abs=0.01)
    # Standard atmosphere at 110 m, 14.3 degC: 1000.1 hPa
    assert station_hpa(1013.25, 110, 14.3) == pytest.approx(1000.1, abs=0.2)


def test_offsets_keep_to_their_limits_and_humidity_to_its_range() -> None:
    for seed in range(200):
        offsets = Offsets.draw(random.Random(seed), temp=0.5, rh=3, press=1)
        assert abs(offsets.temp) <= 0.5
        assert abs(offsets.rh) <= 3
        assert abs(offsets.press) <= 1
    assert Offsets(rh=3).apply((5, 99, 1000)) == (5, 100, 1000)
