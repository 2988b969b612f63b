"""The recovery ladder of a mute sensor, on CPython and on MicroPython alike."""

from node.ladder import Ladder


def climb(ladder, start, end, step=500):
    """[(ms, rung)] of all that is due while nothing comes."""
    out = []
    for now in range(start, end, step):
        rung = ladder.due(now)
        if rung:
            out.append((now, rung))
    return out


def test_rungs_in_order_at_growing_silence():
    ladder = Ladder(can_switch=True)
    ladder.expect(5000)
    assert climb(ladder, 5000, 100000) == [
        (15000, "resync"),
        (25000, "reinit"),
        (45000, "sleep_wake"),
        (85000, "power_cycle"),
    ]
    assert ladder.full == 1
    assert ladder.counts == {"resync": 1, "reinit": 1, "sleep_wake": 1, "power_cycle": 1}


def test_without_a_switch_no_power_cycle():
    ladder = Ladder()
    ladder.expect(0)
    assert [rung for _, rung in climb(ladder, 0, 90000)] == ["resync", "reinit", "sleep_wake"]
    assert ladder.full == 1


def test_for_ever_with_pauses_up_to_ten_minutes():
    ladder = Ladder(can_switch=True)
    ladder.expect(0)
    day = climb(ladder, 0, 24 * 3600 * 1000)
    tops = [at for at, rung in day if rung == "power_cycle"]
    pauses = [next(at for at, _ in day if at > top) - top for top in tops[:-1]]
    assert pauses[:5] == [60000, 120000, 240000, 480000, 600000]
    assert set(pauses[5:]) == {600000}
    assert len(pauses) > 120
    assert ladder.full == len(pauses) + 1
    late = climb(ladder, 24 * 3600 * 1000, 25 * 3600 * 1000)
    assert len(late) >= 4 * 5


def test_a_sensor_that_talks_is_left_alone():
    ladder = Ladder(can_switch=True)
    ladder.expect(0)
    for now in range(0, 3600000, 1000):
        ladder.heard(now)
        assert ladder.due(now) is None
        assert ladder.due(now + 999) is None
    assert ladder.counts == {}
    assert ladder.full == 0


def test_hearing_it_starts_the_silence_anew_at_the_lowest_rung():
    ladder = Ladder(can_switch=True)
    ladder.expect(0)
    assert len(climb(ladder, 0, 90000)) == 4
    ladder.heard(90000)
    assert ladder.full == 0
    assert climb(ladder, 90000, 110000) == [(100000, "resync")]
    assert ladder.counts["resync"] == 2


def test_frames_every_nine_seconds_are_no_silence_but_every_eleven_is():
    for gap, expected in ((9000, 0), (11000, 3)):
        ladder = Ladder()
        ladder.expect(0)
        for at in range(gap, 4 * gap, gap):
            climb(ladder, at - gap, at)
            ladder.heard(at)
        assert ladder.counts.get("resync", 0) == expected


def test_asleep_it_may_be_silent():
    ladder = Ladder(can_switch=True)
    assert climb(ladder, 0, 200000) == []
    ladder.expect(200000)
    assert climb(ladder, 200000, 215000) == [(210000, "resync")]
    ladder.rest()
    assert climb(ladder, 215000, 900000) == []
    ladder.heard(900000)  # a late frame while it was told to sleep starts nothing
    assert climb(ladder, 900000, 1000000) == []
    ladder.expect(1000000)
    assert climb(ladder, 1000000, 1011000) == [(1010000, "resync")]


def test_expecting_it_again_does_not_put_the_rungs_off():
    ladder = Ladder()
    for now in range(0, 12000, 1000):
        ladder.expect(now)
    assert ladder.due(12000) == "resync"


def test_what_can_neither_sleep_nor_be_switched_has_two_rungs():
    ladder = Ladder(can_sleep=False)
    ladder.expect(0)
    rungs = [ladder.due(now) for now in range(0, 60000, 1000)]
    assert [rung for rung in rungs if rung] == ["resync", "reinit"]
    assert ladder.full == 1
