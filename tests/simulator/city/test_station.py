"""Reference stations report by the hour, near the truth and never it."""

from __future__ import annotations

import numpy as np

from simulator.city import station
from simulator.city.field import City
from simulator.city.scenario import load


def test_stations_are_near_the_truth_with_an_error_of_their_own() -> None:
    scenario = load("winter-smog")
    told = station.hours(scenario)
    assert told.names == ("ref-niepodleglosci", "ref-ursynow")
    assert told.pm25.shape == told.pm10.shape == (7 * 24, 2)
    assert told.ends[0] == scenario.begin + 3600
    assert told.ends[-1] == scenario.end
    times = scenario.begin + 30.0 + 60.0 * np.arange(7 * 1440)
    places = [(one.lat, one.lon) for one in scenario.reference]
    true = City(scenario.seed, scenario.event).truth(
        times, *(list(part) for part in zip(*places, strict=True))
    )
    for reported, exact in ((told.pm25, true.pm25), (told.pm10, true.pm10)):
        off = reported - exact.reshape(7 * 24, 60, 2).mean(axis=1)
        assert 0.5 < np.sqrt((off * off).mean()) < 4
        assert (off != 0).all()
        assert abs(off.mean()) < 3
    again = station.hours(scenario)
    assert (again.pm25 == told.pm25).all()


def test_a_scenario_without_stations_has_none() -> None:
    told = station.hours(load("bonfire"))
    assert told.pm25.shape == (24, 0)
