"""A sensor that repeats itself, on CPython and on MicroPython alike."""

import gc
import random

from node.sampler import Sampler
from node.window import is_stuck


def plantower(pm=12, n03=2100):
    return {
        "kind": "data",
        "pm1": pm - 3 if pm > 3 else 0,
        "pm25": pm,
        "pm10": pm,
        "pm1_cf1": pm,
        "pm25_cf1": pm,
        "pm10_cf1": pm,
        "n03": n03,
        "n05": n03 // 3,
        "n1": n03 // 9,
        "n25": n03 // 90,
        "n5": 0,
        "n10": 0,
        "version": 151,
    }


def first_stuck(make, seconds, every_ms=1000):
    """ms at which `stuck` first came up, or None; make(i) gives the i-th event."""
    watch = Sampler()
    for i in range(seconds * 1000 // every_ms):
        watch.see(make(i), i * every_ms)
        if is_stuck(watch):
            return i * every_ms
    return None


def test_the_same_frame_for_ten_minutes():
    assert first_stuck(lambda i: plantower(), 700) == 600000
    assert first_stuck(lambda i: {"kind": "data", "pm25": 12.3, "pm10": 20.1, "id": "A160"}, 700) == 600000


def test_few_frames_are_not_enough():
    assert first_stuck(lambda i: plantower(), 1800, every_ms=60000) == 29 * 60000


def test_one_other_value_or_count_is_life():
    for name in ("pm25", "pm10_cf1", "n03", "n5"):
        watch = Sampler()
        event = plantower()
        for i in range(700):
            watch.see(event, i * 1000)
        assert is_stuck(watch)
        event[name] += 1
        watch.see(event, 700000)
        assert not is_stuck(watch)
        for i in range(701, 1300):
            watch.see(event, i * 1000)
        assert not is_stuck(watch)
        watch.see(event, 1300000)
        assert is_stuck(watch)


def test_temperature_version_and_id_are_no_life():
    def make(i):
        event = plantower()
        event["temp"] = i / 10
        event["rh"] = 40 + i % 3
        event["version"] = i & 255
        event["id"] = str(i)
        return event

    assert first_stuck(make, 700) == 600000


def test_zeros_take_an_hour():
    zero = {"kind": "data", "pm25": 0.0, "pm10": 0.0}
    assert first_stuck(lambda i: zero, 3700) == 3600000
    assert first_stuck(lambda i: plantower(0, 0), 3700) == 3600000


def test_zero_mass_with_counts_that_rest_is_no_clean_air():
    for n03 in (300, 6):
        assert first_stuck(lambda i, n03=n03: plantower(0, n03), 700) == 600000


def test_without_counts_small_numbers_take_an_hour():
    small = {"kind": "data", "pm1": 1, "pm25": 2, "pm10": 2, "pm1_cf1": 1, "pm25_cf1": 2, "pm10_cf1": 2}
    assert first_stuck(lambda i: small, 3700) == 3600000
    assert first_stuck(lambda i: {"kind": "data", "pm25": 0.3, "pm10": 0.7}, 3700) == 3600000
    large = dict(small, pm10=11)
    assert first_stuck(lambda i: large, 3700) == 600000


def test_clean_air_of_healthy_sensors_for_hours():
    random.seed(5)

    def near(value, spread):
        return max(0, value + random.randint(-spread, spread))

    # A Plantower whose mass rests at 0 and whose n03 of about 100 moves by chance.
    assert first_stuck(lambda i: plantower(0, near(100, 10)), 4 * 3600) is None
    # An SDS011 that mostly rests at 0.0 and stirs once in half an hour.
    assert (
        first_stuck(lambda i: {"kind": "data", "pm25": 0.1 if i % 1800 == 0 else 0.0, "pm10": 0.0}, 4 * 3600)
        is None
    )


def test_a_frame_leaves_nothing_to_the_collector():
    if not hasattr(gc, "mem_alloc"):
        return  # CPython
    watch = Sampler()
    events = [plantower(), {"kind": "data", "pm25": 0.5, "pm10": 0.9}]
    for event in events:
        watch.see(event, 1)
    gc.collect()
    before = gc.mem_alloc()
    for now in range(1000):
        watch.see(events[now & 1], now)
    assert gc.mem_alloc() - before < 200
