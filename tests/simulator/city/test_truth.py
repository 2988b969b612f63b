"""The true field: magnitudes that Warsaw has, what events do, and that no query depends on another.

The ranges are those of docs/simulated-city.md, where their sources stand.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest

from simulator.city.field import City, Truth
from simulator.city.scenario import Event
from simulator.city.stable import cosine, exp, key, mixed, normal, uniform
from simulator.city.warsaw import BOUNDS, DISTRICTS
from tests.support import REPO

SEEDS = (1, 2, 3)
LATS = [district.lat for district in DISTRICTS]
LONS = [district.lon for district in DISTRICTS]
KERB = (52.2100, 21.0110)  # Aleja Niepodleglosci
YEAR = datetime(2025, 1, 1, tzinfo=UTC).timestamp() + 3600.0 * np.arange(365 * 24)
MONTH = (YEAR.astype("datetime64[s]").astype("datetime64[M]").astype(int) % 12) + 1
WINTER, SUMMER = np.isin(MONTH, (12, 1, 2)), np.isin(MONTH, (6, 7, 8))
EXACT = "e6115cfc7edcacc6fcdf4a27f0ee0617633d5e805011e3eb9571d68782a1f9d6"  # SHA-256


@pytest.fixture(scope="module", params=SEEDS, ids=lambda seed: f"seed{seed}")
def year(request: pytest.FixtureRequest) -> Truth:
    """A year by the hour at the districts' centres and, last, at a kerb."""
    return City(request.param).truth(YEAR, [*LATS, KERB[0]], [*LONS, KERB[1]])


def test_pm25_has_the_seasons_of_warsaw(year: Truth) -> None:
    town = year.pm25[:, :-1].mean(axis=1)
    assert 13 < town.mean() < 21
    assert 17 < town[WINTER].mean() < 32
    assert 6 < town[SUMMER].mean() < 13
    assert 1.6 < town[WINTER].mean() / town[SUMMER].mean() < 4
    days = town.reshape(-1, 24).mean(axis=1)[WINTER.reshape(-1, 24)[:, 0]]
    assert 30 < np.percentile(days, 95) < 80
    assert np.percentile(days, 5) < 15


def test_pm10_holds_more_coarse_dust_in_summer_and_at_a_kerb(year: Truth) -> None:
    town, kerb = slice(0, -1), -1
    assert 0.7 < year.pm25[WINTER][:, town].mean() / year.pm10[WINTER][:, town].mean() < 0.88
    assert 0.45 < year.pm25[SUMMER][:, town].mean() / year.pm10[SUMMER][:, town].mean() < 0.7
    # 32 % and 7 % were found at Aleja Niepodleglosci.
    assert 1.2 < year.pm10[:, kerb].mean() / year.pm10[:, town].mean() < 1.5
    assert 1.0 < year.pm25[:, kerb].mean() / year.pm25[:, town].mean() < 1.2
    assert (year.pm1 <= year.pm25).all()
    assert (year.pm25 <= year.pm10).all()
    assert (year.pm1 > 0).all()


def test_winter_evenings_are_the_worst_hours_and_outer_districts_smell_of_smoke(year: Truth) -> None:
    course = year.pm25[WINTER][:, :-1].mean(axis=1).reshape(-1, 24).mean(axis=0)
    assert 17 <= int(course.argmax()) <= 22  # UTC
    assert 1.3 < course[17:22].mean() / course[10:14].mean() < 2.6
    names = [district.name for district in DISTRICTS]
    mean = dict(zip(names, year.pm25[WINTER][:, :-1].mean(axis=0), strict=True))
    assert mean["Rembertów"] > 1.1 * mean["Ursynów"]


def test_weather_goes_together(year: Truth) -> None:
    temp, rh = year.temp[:, :-1].mean(axis=1), year.rh[:, :-1].mean(axis=1)
    assert 7.5 < temp.mean() < 11
    assert -4.5 < temp[MONTH == 1].mean() < 4
    assert 17 < temp[MONTH == 7].mean() < 23
    assert 78 < rh[WINTER].mean() < 93
    assert 60 < rh[SUMMER].mean() < 80
    assert (year.rh > 10).all()
    assert (year.rh <= 100).all()
    assert 960 < year.press.min() < year.press.max() < 1045
    # Within a day humidity falls while it warms up; over an hour the dew point hardly moves.
    off_t = temp.reshape(-1, 24) - temp.reshape(-1, 24).mean(axis=1, keepdims=True)
    off_h = rh.reshape(-1, 24) - rh.reshape(-1, 24).mean(axis=1, keepdims=True)
    assert (
        np.corrcoef(off_t[SUMMER.reshape(-1, 24)[:, 0]].ravel(), off_h[SUMMER.reshape(-1, 24)[:, 0]].ravel())[
            0, 1
        ]
        < -0.9
    )
    assert np.corrcoef(temp[:-24], temp[24:])[0, 1] > 0.9
    # Cold and still air is dirty: the town's PM2.5 falls with temperature in winter.
    assert np.corrcoef(temp[WINTER], year.pm25[WINTER][:, :-1].mean(axis=1))[0, 1] < -0.1


def test_no_value_depends_on_what_else_is_asked() -> None:
    event = Event(kind="bonfire", start=datetime(2026, 1, 3, 18, tzinfo=UTC), lat=52.23, lon=21.0)
    city = City(7, [event])
    times = datetime(2026, 1, 3, 15, tzinfo=UTC).timestamp() + 37.0 * np.arange(500)
    lats, lons = np.array(LATS), np.array(LONS)
    whole = city.truth(times, lats, lons)
    order = np.argsort(mixed(key("order"), np.arange(500)))
    for name, part in zip(Truth._fields, city.truth(times[order], lats, lons), strict=True):
        assert (part == getattr(whole, name)[order]).all(), name
    for name, part in zip(
        Truth._fields, City(7, [event]).truth(times[100:103], lats[4:6], lons[4:6]), strict=True
    ):
        assert (part == getattr(whole, name)[100:103, 4:6]).all(), name
    own = city.at(lats, lons).truth(
        times[:18][None, :] + np.zeros((2, 1))
    )  # a time of its own for each place
    assert (own.pm25[0] == whole.pm25[np.arange(18), np.arange(18)]).all()
    air, weather = city.air(lats[3], lons[3]), city.weather_at(lats[3], lons[3])
    assert air(times[9])[1] == whole.pm25[9, 3]
    assert weather(times[9]) == (whole.temp[9, 3], whole.rh[9, 3], whole.press[9, 3])


def field_digest() -> str:
    """SHA-256 of a piece of the field, with events, to the last bit."""
    events = [
        Event(kind="fireworks", start=datetime(2025, 12, 31, 23, tzinfo=UTC)),
        Event(kind="bonfire", start=datetime(2025, 12, 31, 20, tzinfo=UTC), lat=52.23, lon=21.0),
        Event(kind="inversion", start=datetime(2025, 12, 31, 12, tzinfo=UTC)),
        Event(kind="dust", start=datetime(2025, 12, 31, 12, tzinfo=UTC)),
        Event(kind="fog", start=datetime(2025, 12, 31, 12, tzinfo=UTC)),
    ]
    times = datetime(2025, 12, 31, 19, tzinfo=UTC).timestamp() + 61.0 * np.arange(300)
    total = hashlib.sha256()
    for part in City(5, events).truth(times, LATS, LONS):
        total.update(np.ascontiguousarray(part, dtype="<f8").tobytes())
    return total.hexdigest()


def test_same_seed_same_bits_on_any_processor() -> None:
    """The digest was made elsewhere; numpy is also tried with the processor's newer instructions off."""
    assert field_digest() == EXACT
    code = "from tests.simulator.city.test_truth import field_digest; print(field_digest())"
    features = "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL X86_V3 X86_V4"
    env = {**os.environ, "NPY_DISABLE_CPU_FEATURES": features, "PYTHONHASHSEED": "3"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=REPO, env=env, capture_output=True, text=True
    )
    assert done.stdout.strip() == EXACT, done.stderr


def test_another_seed_is_another_city() -> None:
    times = YEAR[:100]
    assert (City(1).truth(times, LATS, LONS).pm25 != City(2).truth(times, LATS, LONS).pm25).all()


def test_two_sensors_at_one_place_share_their_air_and_neighbours_do_not_quite() -> None:
    times = YEAR[0] + 60.0 * np.arange(300)
    pm25 = City(1).truth(times, [52.23, 52.23, 52.2302], [21.0, 21.0, 21.0]).pm25
    assert (pm25[:, 0] == pm25[:, 1]).all()
    assert 0 < np.abs(pm25[:, 0] / pm25[:, 2] - 1).mean() < 0.2


def _with(kind: str, **more: object) -> Event:
    return Event(kind=kind, start=datetime(2026, 1, 10, 22, 55, tzinfo=UTC), **more)  # type: ignore[arg-type]


def _both(event: Event, hours: np.ndarray, lats: list[float], lons: list[float]) -> tuple[Truth, Truth]:
    times = event.begin + 3600.0 * hours
    return City(1, [event]).truth(times, lats, lons), City(1).truth(times, lats, lons)


def test_fireworks_peak_within_the_hour_in_the_middle_and_are_gone_by_day() -> None:
    hours = np.arange(-1, 14, 0.05)
    event = _with("fireworks", strength=300.0)
    true, plain = _both(event, hours, [52.23, 52.20], [21.01, 21.177])
    added = true.pm10 - plain.pm10
    first = added[(hours > 0) & (hours < 1.2), 0].mean()
    assert 150 < first < 450
    assert 0 < hours[added[:, 0].argmax()] < 1.2
    assert added[hours < 0].max() == 0
    assert added[hours > 12, 0].max() < 0.15 * first
    assert added[:, 1].max() < 0.5 * added[:, 0].max()
    share = (true.pm25 - plain.pm25)[:, 0].max() / added[:, 0].max()
    assert 0.75 < share < 0.85


def test_saharan_dust_raises_pm10_and_hardly_pm25() -> None:
    hours = np.arange(0, 36, 0.5)
    true, plain = _both(_with("dust", strength=100.0), hours, LATS, LONS)
    middle = (hours > 10) & (hours < 26)
    assert np.allclose((true.pm10 - plain.pm10)[middle].mean(), 100, rtol=0.12)
    assert np.allclose((true.pm25 - plain.pm25)[middle].mean(), 25, rtol=0.12)
    assert (true.pm25 / true.pm10)[middle].mean() < 0.45


def test_fog_wets_the_air_and_weighs_nothing() -> None:
    hours = np.arange(0, 8, 0.5)
    true, plain = _both(_with("fog"), hours, LATS, LONS)
    middle = (hours > 2) & (hours < 6)
    assert (true.rh[middle] > 99).all()
    assert (true.fog[middle] > 0.9).all()
    assert (true.pm25 == plain.pm25).all()


def test_an_inversion_holds_the_smoke_down() -> None:
    hours = np.arange(0, 36, 0.5)
    true, plain = _both(_with("inversion"), hours, LATS, LONS)
    assert true.pm25[(hours > 8) & (hours < 28)].mean() > 1.6 * plain.pm25[(hours > 8) & (hours < 28)].mean()


def test_a_bonfires_plume_lies_downwind() -> None:
    event = _with("bonfire", strength=200.0, lat=52.23, lon=21.0)
    wind_from = float(City(1, [event]).weather(np.array([int(event.begin // 3600) + 2])).wind_from[0])
    lats, lons = [], []
    for turn in (wind_from + 0.5, wind_from, wind_from + 0.25):  # downwind, upwind, aside; 200 m each
        lats.append(52.23 + 0.2 / 111.24 * np.cos(2 * np.pi * turn))
        lons.append(21.0 + 0.2 / 68.26 * np.sin(2 * np.pi * turn))
    times = (event.begin // 3600 + 2) * 3600.0 + np.arange(0.0, 3600.0, 60.0)
    added = City(1, [event]).truth(times, lats, lons).pm25 - City(1).truth(times, lats, lons).pm25
    assert added[:, 0].mean() > 50
    assert added[:, 1].max() < 1
    assert added[:, 2].max() < 0.2 * added[:, 0].mean()


def test_own_exp_cos_and_chance_are_what_they_say() -> None:
    x = np.linspace(-50, 50, 20001)
    assert np.abs(exp(x) / np.exp(x) - 1).max() < 1e-14
    assert np.abs(cosine(x) - np.cos(2 * np.pi * x)).max() < 2e-13
    bits = mixed(key("chance"), np.arange(200_000))
    z = normal(bits)
    assert abs(z.mean()) < 0.01
    assert abs(z.std() - 1) < 0.01
    assert abs(uniform(bits).mean() - 0.5) < 0.005
    assert abs(np.corrcoef(z[:-1], z[1:])[0, 1]) < 0.01


def test_places_lie_within_bounds() -> None:
    south, north, west, east = BOUNDS
    assert all(south < lat < north for lat in LATS)
    assert all(west < lon < east for lon in LONS)
    assert len(DISTRICTS) == 18
