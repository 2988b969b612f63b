"""What happens once in a window of a Measurement (`it`): begin, publish, wake, sleep. Loaded for that."""

from micropython import const

_FRESH_MS = const(15000)  # climate sensors are read every 5 s
_WET = 99.9  # %
_WET_S = const(3600)
# Rejects that say frames came and were damaged; garbage alone may be a wrong speed or noise.
_DAMAGED = ("checksum", "tail", "length", "truncated", "crc")


def begin(it):
    """A window begins."""
    it._sampler.close()
    it._damaged, it._ranged = _rejected(it)
    it._failed = it._cold = 0  # frames with a device error; frames of a fan not up to speed
    it._saturated = it._weather = False


def _rejected(it):
    rejects = it.driver.rejects
    return sum([rejects.get(name, 0) for name in _DAMAGED]), rejects.get("out_of_range", 0)


def wake(it):
    """The sensor shall run."""
    it._start = it._counted = now = it.now()
    driver = it.driver
    it._framed = driver.frames
    if not driver.frames and hasattr(driver, "run_s_since_clean"):
        driver.run_s_since_clean = it.odometer.since_clean(it.slot)
    driver.wake(now)
    it._awake = True
    it._asleep = False
    if it.state == "asleep":
        it.state = "warming_up"
    if driver.warmup_s:
        it.ladder.expect(now)


def sleep(it):
    """The sensor shall rest."""
    it._start = now = it.now()
    _count(it, now)
    it._awake = False
    if not it._asleep:
        it.driver.sleep(now)
        it._asleep = True
        it.ladder.rest()
        if it.state in ("ok", "warming_up"):
            it.state = "asleep"


def _count(it, now):
    """Add what the laser ran since the last time, if frames show that it did."""
    driver = it.driver
    seconds = (now - it._counted) // 1000
    if it._awake and seconds:
        it._counted += seconds * 1000
        if driver.frames != it._framed:
            it._framed = driver.frames
            it.odometer.add(it.slot, driver.id, seconds)
            if hasattr(driver, "run_s_since_clean"):
                it.odometer.keep_clean(it.slot, driver.run_s_since_clean)
    it.odometer.save_if_due(now)


def publish(it):
    """A window has ended: hand its reading on."""
    now = it.now()
    # The planned end when about on time, so that windows join without drift.
    end = it._start + it._ms("window_s")
    if now - end >= 1000:
        end = now
    _count(it, now)
    driver = it.driver
    climate = it.climate
    if climate and climate.last and not it._weather and now - climate.last_at < _FRESH_MS:
        it.take_climate(climate.last)  # the window was shorter than the climate sensor's pace
    reading = it._sampler.close()
    reading["slot"] = it.slot
    reading["model"] = driver.model
    reading["up"] = end // 1000
    reading["dt"] = (end - it._start + 500) // 1000
    reading["flags"] = flags = []
    it._start = end
    if it._failed:
        flags.append("device_error")
    if it._saturated:
        flags.append("saturated")
    if not reading["n"]:
        reading["pm25"] = reading["pm10"] = None
        if not flags:
            flags.append(_why_nothing(it))
    else:
        if it._stuck.stuck:
            flags.append("stuck")
        if it.agree:
            it.agree.add(it.slot, reading.get("pm25"), now, reading["dt"])
            if it.agree.disagrees(it.slot):
                flags.append("disagree")
    _judge_climate(it, reading, flags)
    it._on_reading(reading)


def _judge_climate(it, reading, flags):
    """A temperature that is missing though expected has a reason, and so has one not to be trusted."""
    source = it.climate or it
    flag = getattr(source.driver, "climate_flag", None)
    if not flag and it.climate and "temp" not in reading:
        flag = "climate_error"
    # A particle sensor's own humidity; climate_check.py does it for the others.
    up = reading["up"]
    it._wet = (it._wet or up) if reading.get("rh", 0) >= _WET else 0
    if it._wet and up - it._wet > _WET_S and not flag:
        flag = "climate_stuck"
    if flag:
        flags.append(flag)


def _why_nothing(it):
    damaged, ranged = _rejected(it)
    if it._cold or getattr(it.driver, "cleaning", False):
        return "warming_up"
    if ranged > it._ranged:
        return "out_of_range"
    if damaged > it._damaged:
        return "bad_checksum"
    return "no_frame"
