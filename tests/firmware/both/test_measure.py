"""The duty cycle of one slot, on a fake clock and a scripted sensor (a mock, not the emulator)."""

from node import health, measure, rungs
from node.absent import Absent
from node.drivers.plantower import Plantower
from node.drivers.sds011 import Sds011
from node.ladder import Ladder
from node.measure import Measurement
from node.ports import UartPort

CONTRACT = {"slot", "model", "up", "dt", "n", "pm25", "pm10", "pm25_sd", "pm10_sd", "flags"}


class Over(Exception):
    """The scripted time is over."""


class Settings:
    def __init__(self, warmup_s=30, window_s=60, sleep_s=0, is_on=True):
        self.warmup_s = warmup_s
        self.window_s = window_s
        self.sleep_s = sleep_s
        self.measure = is_on


def sds(kind, payload):
    return bytes([0xAA, kind]) + payload + bytes([sum(payload) & 0xFF, 0xAB])


def good(second):
    """PM2.5 10.0, 10.1 .. 10.9 by turns, PM10 20.0."""
    tenths = 100 + second % 10
    return sds(0xC0, bytes([tenths, 0, 200, 0, 1, 2]))


def pms(pm25=8, error=0):
    body = bytearray(b"\x42\x4d\x00\x1c" + bytes(26))
    for at in (6, 8, 12, 14):
        body[at], body[at + 1] = pm25 >> 8, pm25 & 255
    body[29] = error
    total = sum(body)
    return bytes(body) + bytes([total >> 8, total & 255])


class Odometer:
    """Counts, and remembers how often it was to be written."""

    def __init__(self):
        self.seconds = self.saved = 0

    def hours(self, slot, id):
        return self.seconds / 3600

    def add(self, slot, id, seconds):
        assert seconds == int(seconds)
        self.seconds += seconds

    def save_if_due(self, now):
        pass

    def save(self):
        self.saved += 1


class MockSds:
    """Scripted: awake it gives one frame a second, `frame(second)`; answers work and sleep commands."""

    def __init__(self, frame=good):
        self.now = 0
        self.frame = frame
        self.awake = True
        self.out = b""
        self.log = []
        self.deaf_until = 0

    def advance(self, now):
        while self.now < now:
            self.now += 50
            if self.awake and self.now % 1000 == 0:
                self.out += self.frame(self.now // 1000)

    def write(self, data):
        if self.now < self.deaf_until:
            return
        if data[2] == 6:
            self.awake = data[4] == 1
            self.log.append((self.now, "wake" if self.awake else "sleep"))
        said = bytes([7, 15, 7, 10]) if data[2] == 7 else data[2:5] + b"\0"
        self.out += sds(0xC5, said + b"\1\2")

    def readinto(self, buf):
        if not self.out:
            return None
        n = min(len(buf), len(self.out))
        buf[:n] = self.out[:n]
        self.out = self.out[n:]
        return n


class MockPms(MockSds):
    def write(self, data):
        if data[2] == 0xE4:
            self.awake = data[4] == 1
            self.log.append((self.now, "wake" if self.awake else "sleep"))


class Node:
    """What a Measurement's rescue needs of the App."""


def new(driver, device, settings, take, now, entry=None):
    it = Measurement(entry or {"slot": "a"}, driver, UartPort(device), settings, take, now, Odometer())

    async def rescue(sensor, rung):
        await rungs.climb(Node(), sensor, rung)

    it.rescue = rescue
    return it


def play(device, settings, seconds, driver=None, at=(), on_reading=None, late_ms=0, prepare=None):
    """Run a Measurement for so many fake seconds; `at` holds (second, action). Returns (readings, it)."""
    clock = [0]
    readings = []
    at = list(at)
    take = on_reading or readings.append
    it = new(driver or Sds011(), device, settings, take, lambda: clock[0])
    if prepare:
        prepare(it)

    async def fake_sleep(ms):
        clock[0] += ms + late_ms
        device.advance(clock[0])
        while at and clock[0] >= at[0][0] * 1000:
            at.pop(0)[1](it)
        if clock[0] >= seconds * 1000:
            raise Over

    kept = measure.sleep_ms
    measure.sleep_ms = rungs.sleep_ms = fake_sleep
    running = it.run()
    try:
        running.send(None)
    except (Over, StopIteration):
        pass
    finally:
        measure.sleep_ms = rungs.sleep_ms = kept
    return readings, it


def switch(settings, value):
    def act(it):
        settings.measure = value

    return act


def test_warm_up_window_sleep():
    device = MockSds()
    readings, it = play(device, Settings(30, 60, 110), 401)
    assert [reading["up"] for reading in readings] == [90, 290]
    for reading in readings:
        assert set(reading) == CONTRACT
        assert reading["slot"] == "a"
        assert reading["model"] == "sds011"
        assert (reading["dt"], reading["n"], reading["flags"]) == (60, 60, [])
        assert reading["pm25"] == 10.45
        assert reading["pm10"] == 20
        assert reading["pm25_sd"] == 0.29
        assert reading["pm10_sd"] == 0
    assert [what for _, what in device.log] == ["wake", "sleep", "wake", "sleep", "wake"]
    for i, planned in enumerate((0, 90000, 200000, 290000, 400000)):
        assert abs(device.log[i][0] - planned) <= 100, device.log
    assert health.of_sensor(it)["frames"] > 180
    assert health.errors(it) == {}
    assert health.of_sensor(it)["laser_h"] == 0.05  # 180 s: two warm-ups and windows; the third is under way


def test_without_sleep_windows_join_without_gap_or_drift():
    device = MockSds()
    readings, _ = play(device, Settings(30, 7, 0), 30 + 7 * 50 + 1)
    assert [reading["up"] for reading in readings] == [37 + 7 * i for i in range(50)]
    assert sum(reading["n"] for reading in readings) == 350
    assert [what for _, what in device.log] == ["wake"]


def test_late_polls_do_not_make_windows_drift():
    seen = []  # not the readings themselves: a hundred of them fill a small heap

    def keep(reading):
        seen.append((reading["up"], reading["dt"]))

    play(MockSds(), Settings(0, 7, 0), 7 * 100 + 1, on_reading=keep, late_ms=37)
    assert seen == [(7 * i, 7) for i in range(1, 101)]


def test_first_window_leaves_warm_up_frames_out():
    def rising(second):
        return sds(0xC0, bytes([250 if second <= 30 else 10, 0, 200, 0, 1, 2]))

    readings, _ = play(MockSds(rising), Settings(30, 10), 41)
    assert readings[0]["pm25"] == 1.0
    assert readings[0]["pm25_sd"] == 0


def test_switched_off_sleeps_and_makes_no_reading():
    settings = Settings(30, 60, 0)
    device = MockSds()
    readings, it = play(
        device, settings, 300, at=[(60, switch(settings, False)), (200, switch(settings, True))]
    )
    assert [reading["up"] for reading in readings] == [290]
    assert readings[0]["n"] == 60
    assert [what for _, what in device.log] == ["wake", "sleep", "wake"]
    assert device.log[1][0] <= 60100
    assert abs(it.odometer.seconds - 150) <= 1  # 60 s, then 30 s and a window
    assert it.odometer.saved == 1


def test_switched_off_from_the_start_puts_a_running_sensor_to_sleep():
    device = MockSds()
    readings, it = play(device, Settings(is_on=False), 20)
    assert readings == []
    assert [what for _, what in device.log] == ["sleep"]
    assert not it.measuring


def test_measuring_tells_whether_a_reading_may_come():
    """True in warm-up, window and sleep; False once switched off has taken effect."""
    settings = Settings(5, 5, 10)
    seen = []

    def look(it):
        seen.append(it.measuring)

    acts = [(2, look), (8, look), (15, look), (22, switch(settings, False)), (23, look)]
    acts += [(40, switch(settings, True)), (41, look)]
    readings, _ = play(MockSds(), settings, 43, at=acts)
    assert seen == [True, True, True, False, True]
    assert len(readings) == 1


def test_settings_change_at_run_time():
    settings = Settings(5, 10, 0)

    def shorter(it):
        settings.window_s = 2

    readings, _ = play(MockSds(), settings, 20, at=[(14, shorter)])
    assert readings[0]["up"] == 14
    assert readings[0]["dt"] == 9
    assert [reading["dt"] for reading in readings[1:]] == [2, 2]


def one_flag(frame, settings=None, driver=None, device=MockSds):
    readings, it = play(device(frame), settings or Settings(5, 10, 0), 16, driver)
    assert len(readings) == 1
    return readings[0], it


def test_silence_gives_a_reading_with_a_reason():
    reading, _ = one_flag(lambda second: b"")
    assert reading == {
        "n": 0,
        "slot": "a",
        "model": "sds011",
        "up": 15,
        "dt": 10,
        "pm25": None,
        "pm10": None,
        "flags": ["no_frame"],
    }


def test_only_damaged_frames():
    reading, it = one_flag(lambda second: b"\xaa\xc0\x06\x00\x06\x00\x58\xd9\x3e\xab")
    assert (reading["n"], reading["pm25"], reading["flags"]) == (0, None, ["bad_checksum"])
    assert health.errors(it)["checksum"] >= 10
    assert health.of_sensor(it)["errors"] == health.errors(it)


def test_only_impossible_values():
    reading, _ = one_flag(lambda second: sds(0xC0, b"\xff\xff\x00\x01\x01\x02"))
    assert (reading["n"], reading["pm25"], reading["flags"]) == (0, None, ["out_of_range"])


def test_damage_before_the_window_is_not_its_reason():
    def frame(second):
        return b"\xaa\xc0\x06\x00\x06\x00\x58\xd9\x3e\xab" if second < 5 else b""

    reading, _ = one_flag(frame)
    assert reading["flags"] == ["no_frame"]


def test_one_good_frame_among_damaged_ones_counts():
    def frame(second):
        return good(0) if second == 8 else b"\xaa\xc0\x06\x00\x06\x00\x58\xd9\x3e\xab"

    reading, _ = one_flag(frame)
    assert (reading["n"], reading["pm25"], reading["flags"]) == (1, 10, [])
    assert "pm25_sd" not in reading


def test_ceiling_is_flagged():
    reading, _ = one_flag(lambda second: sds(0xC0, b"\x0f\x27\x0f\x27\x01\x02"))
    assert (reading["pm25"], reading["flags"]) == (999.9, ["saturated"])


def test_clean_air_is_a_value():
    reading, _ = one_flag(lambda second: sds(0xC0, b"\x00\x00\x00\x00\x01\x02"))
    assert (reading["n"], reading["pm25"], reading["pm10"], reading["flags"]) == (10, 0, 0, [])


def test_device_error_alone_and_among_good_frames():
    reading, it = one_flag(lambda second: pms(error=2), None, Plantower(), MockPms)
    assert (reading["n"], reading["pm25"], reading["flags"]) == (0, None, ["device_error"])
    assert health.errors(it)["device"] >= 10
    reading, _ = one_flag(lambda second: pms(error=2 if second == 9 else 0), None, Plantower(), MockPms)
    assert (reading["n"], reading["pm25"], reading["flags"]) == (9, 8, ["device_error"])


def test_sensor_that_woke_late_is_still_warming_up():
    device = MockSds()
    device.awake = False
    device.deaf_until = 24500  # the try at 24 s is lost, the one at 34 s is heard
    readings, it = play(device, Settings(30, 15, 0), 91)
    assert [reading["flags"] for reading in readings] == [["warming_up"], [], [], []]
    # 30 s after 34 s, less the 5 s that a slow first frame may take: from second 59 on.
    assert [reading["n"] for reading in readings] == [0, 1, 15, 15]
    assert health.errors(it)["retries"] >= 7
    assert (health.errors(it)["resync"], health.errors(it)["reinit"]) == (
        1,
        1,
    )  # at 10 and at 20 s of silence


def test_a_failing_reader_ends_the_task_loudly():
    def full(reading):
        raise OSError(28)

    swallowed = True
    try:
        play(MockSds(), Settings(5, 5, 0), 60, on_reading=full)
    except OSError:
        swallowed = False
    assert not swallowed


def test_a_task_started_again_goes_on():
    calls = []

    def full_once(reading):
        calls.append(reading)
        if len(calls) == 1:
            raise OSError(28)

    device = MockSds()
    settings = Settings(5, 5, 0)
    clock = [0]
    ends = []
    it = new(Sds011(), device, settings, full_once, lambda: clock[0])

    async def fake_sleep(ms):
        clock[0] += ms
        device.advance(clock[0])
        if clock[0] >= 21000:
            raise Over

    kept = measure.sleep_ms
    measure.sleep_ms = rungs.sleep_ms = fake_sleep
    try:
        for _ in range(2):
            try:
                it.run().send(None)
            except (OSError, Over) as error:
                ends.append(type(error))
    finally:
        measure.sleep_ms = rungs.sleep_ms = kept
    assert ends == [OSError, Over]
    assert [(reading["up"], reading["n"]) for reading in calls] == [(10, 5), (15, 5), (20, 5)]


def test_pms_cycle():
    device = MockPms(lambda second: pms(17))
    readings, it = play(device, Settings(30, 60, 60), 100, Plantower())
    assert len(readings) == 1
    assert readings[0]["n"] == 60
    assert readings[0]["pm25_cf1"] == readings[0]["pm25"] == 17
    assert readings[0]["n03"] == 0
    assert [what for _, what in device.log] == ["wake", "sleep", "sleep", "sleep"]
    assert it.driver.settled  # a sleep that is not answered is taken for done when the sensor is silent


class Switch:
    """The pin of a supply's switch: without power a hung sensor forgets that it hangs."""

    def __init__(self, device):
        self.device = device
        self.levels = []

    def value(self, level):
        self.levels.append(level)
        if level:
            self.device.hung = False


class HangingSds(MockSds):
    hung = False

    def advance(self, now):
        super().advance(now)
        if self.hung:
            self.out = b""

    def write(self, data):
        if not self.hung:
            super().write(data)


def test_a_mute_sensor_climbs_the_ladder():
    device = HangingSds()
    switch = Switch(device)

    def prepare(it):
        it.ladder = Ladder(True)
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
