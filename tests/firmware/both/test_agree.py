"""Do two sensors of a node agree: EPA's rule, on CPython and on MicroPython alike."""

from node import Seldom

MINUTE = 60000


def after(minutes, agree=None, start=0, **sensors):
    """An Agree that was given these means once a minute."""
    agree = agree or Seldom("agree")
    for i in range(1, minutes + 1):
        for slot, pm25 in sensors.items():
            agree.add(slot, pm25, start + i * MINUTE)
    return agree


def flagged(agree):
    return [slot for slot in "abcd" if agree.disagrees(slot)]


def test_both_limits_must_be_passed():
    for a, b, expected in (
        (10, 10, []),
        (4, 8.9, []),  # 76 %, but less than 5
        (4, 9, ["a", "b"]),
        (100, 187, []),  # 87 ug/m3, but less than 61 %
        (100, 188, ["a", "b"]),
        (0, 4.9, []),
        (0, 5, ["a", "b"]),
        (0, 0, []),
        (5.7, 10.7, []),  # 5.0 and 60.98 %
        (5.68, 10.69, ["a", "b"]),  # 5.01 and 61.2 %
    ):
        assert flagged(after(60, a=a, b=b)) == expected, (a, b)
        assert flagged(after(60, a=b, b=a)) == expected, (b, a)


def test_one_sensor_alone_never_disagrees():
    assert flagged(after(60, a=500)) == []
    assert not Seldom("agree").disagrees("a")


def test_the_odd_one_of_three_only():
    assert flagged(after(60, a=10, b=11, c=60)) == ["c"]
    assert flagged(after(60, a=60, b=11, c=10)) == ["a"]
    assert flagged(after(60, a=10, b=30, c=90)) == ["a", "b", "c"]
    assert flagged(after(60, a=10, b=17, c=28)) == ["a", "c"]  # the middle one agrees with both
    assert flagged(after(60, a=10, b=10, c=60, d=60)) == ["a", "b", "c", "d"]


def test_some_minutes_of_both_are_needed():
    assert flagged(after(1, a=10, b=50)) == []
    assert flagged(after(2, a=10, b=50)) == ["a", "b"]
    agree = after(30, a=10)
    agree.add("b", 50, 30 * MINUTE)
    assert flagged(agree) == []
    agree.add("b", 50, 31 * MINUTE)
    assert flagged(agree) == ["a", "b"]


def test_a_silent_sensor_takes_no_part():
    agree = after(60, a=10, b=50)
    after(30, agree, 60 * MINUTE, a=10, b=None)
    assert flagged(agree) == ["a", "b"]  # its last minutes are still of the hour
    after(31, agree, 90 * MINUTE, a=10)
    assert flagged(agree) == []
    after(2, agree, 121 * MINUTE, a=10, b=50)
    assert flagged(agree) == ["a", "b"]


def test_a_silent_sensor_does_not_hide_the_other_two():
    agree = after(60, a=10, b=50, c=10)
    assert flagged(agree) == ["b"]
    after(70, agree, 60 * MINUTE, a=10, b=50, c=None)
    assert flagged(agree) == ["a", "b"]


def test_it_is_the_mean_of_the_hour():
    agree = after(55, a=10, b=10)
    after(5, agree, 55 * MINUTE, a=10, b=60)  # a burst at one sensor: 14 of the hour's mean
    assert flagged(agree) == []
    after(55, agree, 60 * MINUTE, a=10, b=60)
    assert flagged(agree) == ["a", "b"]
    after(61, agree, 115 * MINUTE, a=10, b=10)
    assert flagged(agree) == []


def test_longer_windows_weigh_more():
    agree = Seldom("agree")
    for slot, long, short in (("a", 10, 10), ("b", 10, 90)):
        agree.add(slot, long, 30 * MINUTE, 1700)
        agree.add(slot, short, 31 * MINUTE, 60)
    assert flagged(agree) == []


def test_years_of_readings_take_no_more_memory():
    agree = after(60, a=10, b=50)
    sizes = [len(bins) for bins in agree.slots.values()]
    for i in range(2000):
        agree.add("a", 10, i * 977 * MINUTE)
        agree.add("b", 10, i * 977 * MINUTE)
    assert [len(bins) for bins in agree.slots.values()] == sizes
