"""What befalls a slot in its life: a mute sensor, another driver, hours of a laser, a cleaning."""

from slot_bench import HangingSds, MockSds, Odometer, Settings, Switch, good, play

from node import Seldom, health, rungs
from node.absent import Absent
from node.drivers.sds011 import Sds011
from node.ports import UartPort


def test_a_mute_sensor_climbs_the_ladder():
    device = HangingSds()
    switch = Switch(device)

    def prepare(it):
        it.ladder = Seldom("ladder", True)
        it.switch = switch

    def hang(it):
        device.hung = True

    settings = Settings(0, 60, 0)
    readings, it = play(device, settings, 241, at=[(60, hang)], prepare=prepare)
    errors = health.errors(it)
    assert [errors[rung] for rung in ("resync", "reinit", "sleep_wake", "power_cycle")] == [1, 1, 1, 1]
    assert switch.levels == [0, 1]
    assert [reading["flags"] for reading in readings] == [[], ["no_frame"], [], []]
    assert readings[-1]["n"] == 60
    assert it.state == "ok"


def test_a_sensor_that_was_well_is_diagnosed_when_it_stays_mute():
    explained = []

    def once(name, function, *arguments):
        async def explain():
            explained.append(arguments[1].now() // 1000)

        return explain()

    def hang(it):
        it.port.uart.hung = True

    kept = rungs.use_once
    rungs.use_once = once
    try:
        play(HangingSds(), Settings(0, 60, 0), 7200, at=[(60, hang)])
    finally:
        rungs.use_once = kept
    assert 900 < explained[0] < 2400
    assert len(explained) == 2  # and again each hour


def test_what_was_diagnosed_stands_until_values_come():
    def hang(it):
        it.port.uart.hung = True

    def diagnosed(it):
        it.state = "swapped"

    _, it = play(HangingSds(), Settings(0, 60, 0), 200, at=[(60, hang), (90, diagnosed)])
    assert it.state == "swapped"
    assert it.ladder.full


def test_asleep_is_not_mute():
    _, it = play(MockSds(), Settings(5, 10, 600), 900)
    assert health.errors(it) == {}
    assert it.state == "asleep"


def test_states():
    device = HangingSds()
    states = []

    def look(it):
        states.append(it.state)

    def hang(it):
        device.hung = True

    at = [(3, look), (20, look), (30, hang), (55, look)]
    play(device, Settings(10, 10, 0), 60, at=at)
    assert states == ["warming_up", "ok", "silent"]


def test_a_warm_up_that_nobody_set_is_the_drivers_and_at_least_30_s():
    for warmup_s, first in ((5, 40), (30, 40), (55, 65)):
        driver = Sds011()
        driver.warmup_s = warmup_s
        readings, _ = play(MockSds(), Settings(None, 10, 0), 70, driver)
        assert readings[0]["up"] == first, warmup_s
    driver.warmup_s = 55
    assert play(MockSds(), Settings(5, 10, 0), 16, driver)[0][0]["up"] == 15  # what is set is set


def test_a_value_that_repeats_itself_is_flagged_and_kept():
    readings, _ = play(MockSds(lambda second: good(3)), Settings(0, 300, 0), 1201)
    assert readings[0]["flags"] == []
    assert readings[-1]["flags"] == ["stuck"]
    assert readings[-1]["pm25"] == 10.3


class Agree:
    def __init__(self):
        self.added = []

    def add(self, slot, pm25, now, seconds):
        self.added.append((slot, pm25, seconds))

    def disagrees(self, slot):
        return len(self.added) > 1


class Humid(Sds011):
    """An SDS011 that tells humidity, as some Plantowers and SEN5x do."""

    rh = 99.9

    def feed(self, data):
        events = super().feed(data)
        for event in events:
            event["rh"] = self.rh
        return events


def test_humidity_at_its_end_for_an_hour_is_flagged_and_kept():
    driver = Humid()

    def dry(it):
        driver.rh = 99.8

    readings, _ = play(MockSds(), Settings(30, 60, 240), 5700, driver, ((4800, dry),))
    flagged = [reading["up"] for reading in readings if reading["flags"] == ["climate_stuck"]]
    assert flagged == [up for up in range(90, 4800, 330) if up > 90 + 3600]
    assert len(flagged) == 4
    assert all(reading["flags"] == [] for reading in readings if reading["up"] not in flagged)
    assert readings[12]["rh"] == 99.9


def test_disagreement_is_asked_for_each_window_with_a_value():
    agree = Agree()

    def prepare(it):
        it.agree = agree

    def frame(second):
        return good(0) if second < 22 else b""

    readings, _ = play(MockSds(frame), Settings(0, 10, 0), 41, prepare=prepare)
    assert [reading["flags"] for reading in readings] == [[], ["disagree"], ["disagree"], ["no_frame"]]
    assert agree.added == [("a", 10, 10)] * 3


def nothing_there(it):
    it.port = it.driver


def test_another_driver_is_fitted_while_it_runs():
    """What was searched for has been found."""
    device = MockSds()

    def found(it):
        it.fit(Sds011(), UartPort(device))

    readings, _ = play(device, Settings(5, 60, 0), 130, Absent(), at=[(50, found)], prepare=nothing_there)
    assert [(reading["model"], reading["up"]) for reading in readings] == [("sds011", 115)]
    assert readings[0]["flags"] == []


def test_until_it_is_found_readings_say_so():
    readings, it = play(MockSds(), Settings(5, 10, 0), 40, Absent(), prepare=nothing_there)
    assert len(readings) == 3
    for reading in readings:
        assert (reading["model"], reading["n"], reading["flags"]) == ("auto", 0, ["no_frame"])
    assert health.errors(it) == {}
    assert "laser_h" not in health.of_sensor(it)


def test_hours_of_a_laser_that_never_spoke_are_not_counted():
    device = HangingSds()
    device.hung = True
    _, it = play(device, Settings(0, 10, 0), 31)
    assert it.odometer.seconds == 0


def test_hours_while_a_sensor_is_unplugged_are_not_counted():
    def pull(it):
        it.port.uart.hung = True

    _, it = play(HangingSds(), Settings(0, 10, 0), 400, at=((101, pull),))
    assert 100 <= it.odometer.seconds <= 115


def test_a_stand_in_that_is_taken_away_ends():
    absent = Absent()
    at = ((5, lambda it: it.fit(None, None)),)
    readings, it = play(
        MockSds(), Settings(10, 20, 0), 60, absent, at, prepare=lambda it: setattr(it, "port", absent)
    )
    assert (readings, it.port) == ([], None)


class CleanSds(Sds011):
    """An SDS011 with a fan to be cleaned, as Sensirion's sensors have: 12 s without values."""

    def __init__(self):
        super().__init__()
        self.run_s_since_clean = 0
        self.cleaning = False
        self.woken_with = []

    def wake(self, now):
        self.woken_with.append(self.run_s_since_clean)
        super().wake(now)


class CleanOdometer(Odometer):
    def __init__(self, seconds):
        super().__init__()
        self.clean = [seconds]

    def since_clean(self, slot):
        return self.clean[-1]

    def keep_clean(self, slot, seconds):
        self.clean.append(seconds)


def cleaned(it):
    it.driver.cleaning = False
    it.driver.run_s_since_clean = 0


def start_cleaning(it):
    it.driver.cleaning = True
    it.driver.parser.feed = lambda data: []


def test_the_time_since_a_cleaning_is_kept_and_given_back():
    odometer = CleanOdometer(500)
    driver = CleanSds()

    def prepare(it):
        it.odometer = odometer

    def more(it):
        it.driver.run_s_since_clean += 100

    at = ((40, more), (90, cleaned))
    play(MockSds(), Settings(10, 20, 10), 130, driver, at, prepare=prepare)
    assert driver.woken_with[:2] == [500, 600]
    assert 600 in odometer.clean
    assert odometer.clean[-1] == 0
    assert driver.woken_with[-1] == 0


def test_a_cleaning_that_ends_while_the_sensor_sleeps_is_not_repeated():
    odometer = CleanOdometer(600000)
    driver = CleanSds()

    def prepare(it):
        it.odometer = odometer

    play(MockSds(), Settings(10, 20, 10), 55, driver, ((35, cleaned),), prepare=prepare)
    assert driver.woken_with == [600000, 0]


def test_a_fan_that_is_cleaned_is_not_mute():
    device = MockSds()
    driver = CleanSds()

    def prepare(it):
        it.odometer = CleanOdometer(0)

    readings, it = play(device, Settings(5, 20, 0), 70, driver, ((10, start_cleaning),), prepare=prepare)
    assert it.ladder.counts == {}
    assert readings[-1]["flags"] == ["warming_up"]
