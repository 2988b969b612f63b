"""The recovery ladder of a mute sensor, on CPython and on MicroPython alike."""

from node import Seldom
from node.measure import Measurement


class Slot(Measurement):
    def __init__(self, can_switch=False, can_sleep=True):
        self.ladder = Seldom("ladder", can_switch, can_sleep)


def climb(it, start, end, step=500):
    """[(ms, rung)] of all that is due while nothing comes."""
    out = []
    for now in range(start, end, step):
        rung = it.due(now)
        if rung:
            out.append((now, rung))
    return out


def test_rungs_in_order_at_growing_silence():
    it = Slot(can_switch=True)
    it.ladder.expect(5000)
    assert climb(it, 5000, 100000) == [
        (15000, "resync"),
        (25000, "reinit"),
        (45000, "sleep_wake"),
        (85000, "power_cycle"),
    ]
    assert it.ladder.full == 1
    assert it.ladder.counts == {"resync": 1, "reinit": 1, "sleep_wake": 1, "power_cycle": 1}


def test_without_a_switch_no_power_cycle():
    it = Slot()
    it.ladder.expect(0)
    assert [rung for _, rung in climb(it, 0, 90000)] == ["resync", "reinit", "sleep_wake"]
    assert it.ladder.full == 1


def test_for_ever_with_pauses_up_to_ten_minutes():
    it = Slot(can_switch=True)
    it.ladder.expect(0)
    day = climb(it, 0, 24 * 3600 * 1000)
    tops = [at for at, rung in day if rung == "power_cycle"]
    pauses = [next(at for at, _ in day if at > top) - top for top in tops[:-1]]
    assert pauses[:5] == [60000, 120000, 240000, 480000, 600000]
    assert set(pauses[5:]) == {600000}
    assert len(pauses) > 120
    assert it.ladder.full == len(pauses) + 1
    late = climb(it, 24 * 3600 * 1000, 25 * 3600 * 1000)
    assert len(late) >= 4 * 5


def test_a_sensor_that_talks_is_left_alone():
    it = Slot(can_switch=True)
    it.ladder.expect(0)
    for now in range(0, 3600000, 1000):
        it.heard(now)
        assert it.due(now) is None
        assert it.due(now + 999) is None
    assert it.ladder.counts == {}
    assert it.ladder.full == 0


def test_hearing_it_starts_the_silence_anew_at_the_lowest_rung():
    it = Slot(can_switch=True)
    it.ladder.expect(0)
    assert len(climb(it, 0, 90000)) == 4
    it.heard(90000)
    assert it.ladder.full == 0
    assert climb(it, 90000, 110000) == [(100000, "resync")]
    assert it.ladder.counts["resync"] == 2


def test_frames_every_nine_seconds_are_no_silence_but_every_eleven_is():
    for gap, expected in ((9000, 0), (11000, 3)):
        it = Slot()
        it.ladder.expect(0)
        for at in range(gap, 4 * gap, gap):
            climb(it, at - gap, at)
            it.heard(at)
        assert it.ladder.counts.get("resync", 0) == expected


def test_asleep_it_may_be_silent():
    it = Slot(can_switch=True)
    assert climb(it, 0, 200000) == []
    it.ladder.expect(200000)
    assert climb(it, 200000, 215000) == [(210000, "resync")]
    it.ladder.rest()
    assert climb(it, 215000, 900000) == []
    it.heard(900000)  # a late frame while it was told to sleep starts nothing
    assert climb(it, 900000, 1000000) == []
    it.ladder.expect(1000000)
    assert climb(it, 1000000, 1011000) == [(1010000, "resync")]


def test_expecting_it_again_does_not_put_the_rungs_off():
    it = Slot()
    for now in range(0, 12000, 1000):
        it.ladder.expect(now)
    assert it.due(12000) == "resync"


def test_what_can_neither_sleep_nor_be_switched_has_two_rungs():
    it = Slot(can_sleep=False)
    it.ladder.expect(0)
    rungs = [it.due(now) for now in range(0, 60000, 1000)]
    assert [rung for rung in rungs if rung] == ["resync", "reinit"]
    assert it.ladder.full == 1
