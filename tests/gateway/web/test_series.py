"""Chart columns from readings of any kind."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.quality.follow.reader import Correction
from gateway.reading import StoredReading
from gateway.web.series import MOST_POINTS, series_by_slot


def stored(id: int, t: int, pm25: float | None) -> StoredReading:
    values = {} if pm25 is None else {"pm25": pm25}
    return StoredReading(
        id=id, received_ms=0, network="w", node="n", boot=1, seq=id, t=t, tq="ntp", up=0, dt=60, n=1,
        slot="a", model="sds011", flags=(), values=values,
    )  # fmt: skip


values = st.none() | st.floats(0, 1000)
columns = st.lists(st.tuples(st.integers(0, 10_000), values), min_size=1, max_size=60)


@given(columns)
def test_times_grow_and_no_value_is_lost_or_made_up(pairs: list[tuple[int, float | None]]) -> None:
    pairs.sort(key=lambda pair: pair[0])
    (series,) = series_by_slot(stored(id, t, value) for id, (t, value) in enumerate(pairs, 1))
    times = series["t"]
    assert all(earlier < later for earlier, later in pairwise(times))
    assert len(times) == len(series["pm25"]) == len(series["pm10"])
    first_of_each_second = dict(reversed(pairs))
    charted = dict(zip(times, series["pm25"], strict=True))
    assert {t: charted[t] for t in first_of_each_second} == first_of_each_second
    # What is added holds nothing.
    assert all(charted[t] is None for t in times if t not in first_of_each_second)


def test_many_readings_become_means_and_keep_the_gap() -> None:
    start = 1_700_000_040 // 120 * 120
    day = [start + 10 * i for i in range(8640)]
    silent = range(start + 30_000, start + 40_000)
    readings = [stored(id, t, float(id % 2)) for id, t in enumerate(day, 1) if t not in silent]
    (series,) = series_by_slot(readings)
    assert series["step"] == 60
    assert len(series["t"]) <= MOST_POINTS
    # Six readings a minute, alternating 0 and 1.
    assert {value for value in series["pm25"][1:-1] if value is not None} <= {0.5, 0.4, 0.6, 0.33, 0.67}
    at = next(i for i, value in enumerate(series["pm25"]) if value is None)
    assert series["t"][at - 1] - 60 < silent.start <= series["t"][at] + 60
    assert series["t"][at + 1] >= silent.stop


def test_corrected_values_stand_beside_those_that_they_are_of() -> None:
    made: Correction = {"pm25": 4.0, "pm10": None, "pm25_by": "x", "pm10_by": None, "factor": None}
    coarse: Correction = {**made, "pm25": None, "pm10": 7.0}
    readings = [stored(id, 60 * id, 9.0) for id in (1, 2, 3)]
    (series,) = series_by_slot(readings, corrected={1: made, 3: coarse})
    assert (series["pm25_cor"], series["pm10_cor"]) == ([4.0, None, None], [None, None, 7.0])
    assert series["pm25"] == [9.0, 9.0, 9.0]


def test_two_readings_of_one_second_are_one_point() -> None:
    (series,) = series_by_slot([stored(1, 100, 1.0), stored(2, 100, 2.0), stored(3, 160, 3.0)])
    assert (series["t"], series["pm25"]) == ([100, 160], [1.0, 3.0])
