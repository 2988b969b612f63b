"""The sampler's means and spread against the plain formulas."""

from node.sampler import Sampler
from node.window import close


def test_means_and_sample_spread():
    values = [12.1, 13.4, 11.8, 12.6, 40.0, 0.0]
    sampler = Sampler()
    for value in values:
        sampler.add({"kind": "data", "pm25": value, "pm10": value * 2, "n03": int(value * 10), "id": "58d9"})
    out = close(sampler)
    mean = sum(values) / len(values)
    spread = (sum((value - mean) ** 2 for value in values) / (len(values) - 1)) ** 0.5
    assert out["n"] == 6
    assert abs(out["pm25"] - mean) <= 0.005001
    assert abs(out["pm10"] - 2 * mean) <= 0.005001
    assert abs(out["pm25_sd"] - spread) <= 0.005001
    assert abs(out["pm10_sd"] - 2 * spread) <= 0.005001
    assert isinstance(out["n03"], int)
    assert abs(out["n03"] - 10 * mean) <= 1
    assert "n03_sd" not in out
    assert "id" not in out
    assert "kind" not in out


def test_one_sample_has_no_spread():
    sampler = Sampler()
    sampler.add({"pm25": 0.0, "pm10": 7})
    assert close(sampler) == {"n": 1, "pm25": 0.0, "pm10": 7.0}


def test_equal_samples_have_spread_zero():
    sampler = Sampler()
    for _ in range(3):
        sampler.add({"pm25": 0.1})
    assert close(sampler) == {"n": 3, "pm25": 0.1, "pm25_sd": 0.0}


def test_close_starts_anew():
    sampler = Sampler()
    sampler.add({"pm25": 500})
    close(sampler)
    assert close(sampler) == {"n": 0}
    sampler.add({"pm25": 5})
    assert close(sampler)["pm25"] == 5


def test_missing_values_count_for_nothing():
    sampler = Sampler()
    sampler.add({"pm25": 10, "temp": None})
    sampler.add({"pm25": 20, "temp": 4.0})
    out = close(sampler)
    assert out["pm25"] == 15
    assert out["temp"] == 4.0


def test_small_spread_on_a_large_mean():
    """Sum of squares minus square of the sum loses this one, the more so in the chip's 32-bit floats."""
    sampler = Sampler()
    for value in (900.1, 900.2, 900.3):
        sampler.add({"pm25": value})
    assert abs(close(sampler)["pm25_sd"] - 0.1) < 0.011
