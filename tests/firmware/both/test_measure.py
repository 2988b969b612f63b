"""The duty cycle of one slot: windows, what is in a reading, and its flags."""

from slot_bench import CONTRACT, MockPms, MockSds, Over, Settings, good, new, play, pms, sds, switch

from node import health, measure, rungs
from node.drivers.plantower import Plantower
from node.drivers.sds011 import Sds011


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
