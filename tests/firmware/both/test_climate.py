"""The climate sensor's values in the readings of the particle sensors, on a fake clock."""

from node import climate as climate_module
from node import health, measure
from node.climate import Climate
from node.measure import Measurement
from node.rungs import mute


class Over(Exception):
    """The scripted time is over."""


class Settings:
    warmup_s = 0
    window_s = 60
    sleep_s = 0
    measure = True


class Odometer:
    def add(self, slot, id, seconds):
        pass

    def save_if_due(self, now):
        pass

    def hours(self, slot, id):
        return 0


class Driver:
    """Gives `event(second)` each `every` ms, if that is not None."""

    id = fw = None
    retries = 0
    awake_since = -60000
    settled = True
    warmup_s = 1
    climate_flag = None

    def __init__(self, model, every, event):
        self.model = model
        self.every = every
        self.event = event
        self.frames = 0
        self.rejects = {}
        self.ceiling = {}
        self.resets = 0

    def wake(self, now):
        pass

    sleep = wake

    def reset(self):
        self.resets += 1


class Port:
    recoveries = 0
    stuck = False

    def __init__(self):
        self.at = 0
        self.resyncs = 0

    def resync(self):
        self.resyncs += 1

    def step(self, driver, now, take):
        if now - self.at >= driver.every:
            self.at += driver.every
            event = driver.event(now // 1000)
            if event:
                driver.frames += 1
                take(dict(event))


def pm(second):
    return {"kind": "data", "pm25": 10.0 + second % 2, "pm10": 20.0}


def pm_with_own(second):
    return {"kind": "data", "pm25": 10.0, "temp": 40.0, "rh": 10.0}


def rising(second):
    return {"kind": "data", "temp": 20.0 + second // 60, "rh": 50.0, "press": 1000.0}


def nothing(second):
    return None


def play(climate_driver, seconds, pms=(pm,), window_s=60, at=()):
    clock = [0]
    readings = []
    slots = []
    settings = Settings()
    settings.window_s = window_s
    for i, event in enumerate(pms):
        driver = Driver("sps30", 1000, event)
        it = Measurement(
            {"slot": "ab"[i]}, driver, Port(), settings, readings.append, lambda: clock[0], Odometer()
        )
        slots.append(it)
    climate = Climate({"slot": "m"}, climate_driver, Port(), lambda: clock[0], slots)
    rungs = []

    async def rescue(sensor, rung):
        rungs.append((sensor.slot, rung))
        mute(sensor)

    for it in slots:
        it.climate = climate
        it.rescue = rescue
    climate.rescue = rescue
    at = list(at)

    class Pause:
        """One turn for each task: MicroPython and CPython alike."""

        def __await__(self):
            yield

        __iter__ = __await__

    async def fake_sleep(ms):
        await Pause()

    kept = measure.sleep_ms
    measure.sleep_ms = climate_module.sleep_ms = fake_sleep
    tasks = [it.run() for it in slots] + [climate.run()]
    try:
        for task in tasks:
            task.send(None)
        while clock[0] < seconds * 1000:
            clock[0] += 50
            while at and clock[0] >= at[0][0] * 1000:
                at.pop(0)[1](climate)
            for task in tasks:
                task.send(None)
    finally:
        measure.sleep_ms = climate_module.sleep_ms = kept
        for task in tasks:
            task.close()
    return readings, climate, rungs


def test_means_over_the_window_and_n_of_the_particles():
    readings, climate, _ = play(Driver("bme280", 5000, rising), 181)
    assert len(readings) == 3
    for i, reading in enumerate(readings):
        assert reading["flags"] == []
        assert 59 <= reading["n"] <= 60
        assert abs(reading["temp"] - (20 + i)) < 0.2  # the value of the minute's very end belongs to the next
        assert (reading["rh"], reading["press"]) == (50, 1000)
    assert climate.state == "ok"
    assert health.of_sensor(climate)["model"] == "bme280"
    assert "laser_h" not in health.of_sensor(climate)


def test_all_slots_get_it_and_it_wins_over_a_sensors_own():
    readings, _, _ = play(
        Driver("sht4x", 5000, lambda s: {"kind": "data", "temp": 5.0, "rh": 90.0}), 61, (pm, pm_with_own)
    )
    assert [reading["slot"] for reading in readings] == ["a", "b"]
    assert [(reading["temp"], reading["rh"]) for reading in readings] == [(5, 90)] * 2


def test_a_silent_climate_sensor_is_flagged_and_its_ladder_has_two_rungs():
    readings, climate, rungs = play(Driver("bme280", 5000, nothing), 121)
    for reading in readings:
        assert reading["flags"] == ["climate_error"]
        assert "temp" not in reading
        assert reading["pm25"] == 10.5
    assert {rung for _, rung in rungs} == {"resync", "reinit"}
    assert climate.state == "silent"


def test_a_particle_sensor_that_brings_its_own_does_not_step_in():
    """The series would change its meaning without a word: inside a sensor it is degrees warmer."""
    readings, _, _ = play(Driver("bme280", 5000, nothing), 61, (pm_with_own,))
    assert "temp" not in readings[0]
    assert readings[0]["flags"] == ["climate_error"]


def test_what_the_driver_flags_is_flagged_and_the_value_stays():
    for flag in ("climate_error", "climate_stuck"):
        driver = Driver("dht22", 5000, rising)
        driver.climate_flag = flag
        readings, climate, _ = play(driver, 61)
        assert readings[0]["flags"] == [flag]
        assert readings[0]["temp"] == 20
        assert climate.state == ("failed" if flag == "climate_error" else "ok")


def test_windows_shorter_than_its_pace_take_the_newest_value():
    readings, _, _ = play(Driver("bme280", 5000, rising), 30, window_s=1)
    late = [reading for reading in readings if reading["up"] > 7]
    assert len(late) > 20
    for reading in late:
        assert reading["temp"] == 20
        assert reading["flags"] == []


def test_but_not_an_old_one():
    def ends(second):
        return rising(second) if second < 20 else None

    readings, _, _ = play(Driver("bme280", 5000, ends), 60, window_s=2)
    assert "temp" in next(r for r in readings if r["up"] == 24)
    assert next(r for r in readings if r["up"] == 44)["flags"] == ["climate_error"]


def test_a_climate_sensor_that_comes_back():
    def away(second):
        return None if 58 < second < 185 else rising(second)

    readings, climate, _ = play(Driver("bme280", 5000, away), 241)
    assert [reading["flags"] for reading in readings] == [[], ["climate_error"], ["climate_error"], []]
    assert climate.state == "ok"
