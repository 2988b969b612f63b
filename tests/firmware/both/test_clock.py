"""Time within a boot: its quality, its order, its drift."""

import random

from node.clock import Clock
from node.sender_batch import stamp_of

NOW = 1763900000


class Uptime:
    ms = 0

    def __call__(self):
        return self.ms


def test_unknown_before_the_first_sync_then_worked_out():
    now = Uptime()
    clock = Clock(now)
    assert clock.birth(5, "a") == (None, "none")
    assert stamp_of(clock, clock.boot)(5) == (None, "none")
    now.ms = 10000
    clock.sync((NOW + 10) * 1000, now.ms)
    assert stamp_of(clock, clock.boot)(5) == (NOW + 5, "back")
    assert clock.birth(11, "a") == (NOW + 11, "ntp")
    assert clock.utc() == NOW + 10


def test_long_without_a_sync_is_called_held():
    now = Uptime()
    clock = Clock(now)
    clock.sync(NOW * 1000, 0)
    now.ms = 6 * 3600 * 1000 + 1000
    assert clock.birth(now.ms // 1000, "a")[1] == "held"


def test_what_a_restart_left_is_called_held_until_the_next_sync():
    now = Uptime()
    clock = Clock(now)
    clock.restore(NOW * 1000, NOW * 1000, {"a": NOW + 5})
    assert clock.birth(5, "a") == (NOW + 6, "held"), "before the sleep a reading had this second"
    assert clock.birth(60, "a") == (NOW + 60, "held")
    clock.sync((NOW + 70) * 1000, 70000)
    assert clock.birth(120, "a") == (NOW + 120, "ntp")


def test_a_clock_set_back_never_repeats_a_time():
    now = Uptime()
    clock = Clock(now)
    clock.sync(NOW * 1000, 0)
    first, _ = clock.birth(100, "a")
    clock.sync((NOW - 50) * 1000, 0)
    assert clock.birth(101, "a") == (first + 1, "held")
    assert clock.step_ms == -50000
    assert clock.birth(200, "a")[1] == "ntp"


def test_two_sensors_end_their_windows_in_the_same_second():
    clock = Clock(Uptime())
    clock.sync(NOW * 1000, 0)
    assert clock.birth(60, "a") == clock.birth(60, "b") == (NOW + 60, "ntp")
    assert clock.birth(60, "b") == (NOW + 61, "held")


def test_a_lie_of_a_year_is_not_followed_once_the_clock_is_right_again():
    clock = Clock(Uptime())
    clock.sync(NOW * 1000, 0)
    clock.sync((NOW + 365 * 86400) * 1000, 0)
    assert clock.birth(60, "a")[0] > NOW + 364 * 86400
    clock.sync(NOW * 1000, 0)
    assert clock.birth(120, "a") == (NOW + 120, "ntp")


def test_drift_is_told_between_two_syncs_that_are_far_enough_apart():
    clock = Clock(Uptime())
    clock.sync(NOW * 1000, 0)
    clock.sync(NOW * 1000 + 60000 + 100, 60000)
    assert clock.drift_ppm is None, "a minute says nothing"
    clock.sync(NOW * 1000 + 60000 + 100 + 3600000 + 72, 60000 + 3600000)
    assert clock.drift_ppm == 20
    clock.sync(NOW * 1000 + 60000 + 100 + 7200000 + 0, 60000 + 7200000)
    assert clock.drift_ppm == -20


def test_a_reading_waits_for_its_time_as_long_as_there_is_hope():
    now = Uptime()
    clock = Clock(now)
    now.ms = 14 * 86400 * 1000
    assert clock.hopeful, "without a network nobody was asked"
    clock.give_up_at = now.ms + 600000
    assert clock.hopeful
    now.ms += 600000
    assert not clock.hopeful
    clock.sync(NOW * 1000, now.ms)
    assert not clock.hopeful, "it is known"


def test_times_within_a_boot_grow_whatever_the_clock_does():
    """Syncs that jump by up to half an hour, either way, at random; readings before the first one, too. Those
    are stamped when they are sent, which may be after any of the syncs."""
    seed = random.getrandbits(30)
    print("seed", seed)
    random.seed(seed)
    for _ in range(30):
        now = Uptime()
        clock = Clock(now)
        born = []  # (up, t or None)
        for _ in range(60):
            now.ms += random.randint(1000, 90000)
            if random.getrandbits(3) == 0:
                clock.sync(NOW * 1000 + now.ms + random.randint(-900000, 900000), now.ms)
            up = now.ms // 1000
            born.append((up, clock.birth(up, "a")[0]))
        if not clock.known:
            continue
        times = [t if t is not None else stamp_of(clock, clock.boot)(up)[0] for up, t in born]
        for i in range(1, len(times)):
            assert times[i - 1] < times[i], (i, times)
