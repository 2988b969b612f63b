"""What happens at the seams of a Measurement's (`it`) time: of warm-up, window and sleep. Loaded for that."""

from micropython import const

from node.sampler import FIELDS

_FRESH_MS = const(15000)  # climate sensors are read every 5 s
_WET = 99.9  # %
_WET_S = const(3600)
# Rejects that say frames came and were damaged; garbage alone may be a wrong speed or noise.
_DAMAGED = ("checksum", "tail", "length", "truncated", "crc")
_FRAMES = const(30)
_MS = const(600000)
_LOW_MS = const(3600000)
_LOW = const(10)  # ug/m3
_TEMP = const(15)  # from here on FIELDS are the climate's


def turn(it, stage):
    """That stage is over; returns the next: the setting that says how long it lasts, or None for until
    `measure` is on. A window's reading is left in `_reading`."""
    it._open = False
    it.measuring = it._settings.measure
    if not it.measuring:
        ran = it._awake
        _sleep(it)
        if ran:
            it.odometer.save()  # it may rest for months
        return None
    if not it._awake:
        _wake(it)
        return "warmup_s"
    if stage == "window_s":
        _publish(it)
        if it._settings.sleep_s > 0:
            _sleep(it)
            return "sleep_s"
    else:
        it._start = it.now()
    begin(it)
    it._open = True
    return "window_s"


def begin(it):
    """A window begins."""
    close(it._sampler)
    it.rejects = _rejected(it)
    it._failed = it._cold = 0  # frames with a device error; frames of a fan not up to speed
    it._saturated = False


def close(sampler):
    """Return {"n", means, "pm25_sd", "pm10_sd"} and start anew. No spread below two samples."""
    out = {"n": sampler.n}
    sampler.n = 0
    counts = sampler.counts
    sums = sampler.sums
    for i in range(len(FIELDS)):
        count = counts[i]
        if not count:
            continue
        name = FIELDS[i]
        mean = sums[i]
        if name in ("pm25", "pm10"):
            at = FIELDS.index(name + "_sd")
            if count > 1:
                out[FIELDS[at]] = round((max(sums[at], 0.0) / (count - 1)) ** 0.5, 2)
            sums[at] = 0
        else:
            mean /= count
        out[name] = int(mean + 0.5) if name[0] == "n" else round(float(mean), 2)
        counts[i] = sums[i] = 0
    return out


def is_stuck(sampler):
    """Does the sensor repeat itself? True while every PM value and count has been the same for at least 30
    frames and 10 minutes; for an hour, when all of them are zero, or when there are no counts and no value
    is above 10 ug/m3. One value that differs ends it. Sleep between the frames counts as time.

    Why this takes no healthy sensor for a stuck one, in clean air either (the limits are judgements):
    - Plantower: whole ug/m3 rest for minutes in clean air, but the counts per 0.1 L come along and move: n03
      is some hundreds there, and chance alone spreads a count of 100 by 10. A PMS3003 has no counts, so its
      small integers get the hour.
    - SDS011: steps of 0.1 ug/m3, of which even calm air spans several within minutes; near its limit of
      detection it may rest at 0.0 or 0.3, so it gets the hour there as well.
    - SPS30, SEN5x: floats or tenths of five sizes together, which move with every frame.
    - An hour of nothing but zeros is rare outdoors: it is a blocked inlet, a fan that stands still or a dead
      laser. In air below 1 ug/m3, a sensor that reads low may give it as well (of four emulated units of
      each model, half did at 0 and a quarter at 0.5 ug/m3, none at 1.5): it is a flag, the values stay.
    """
    if sampler.frames < _FRAMES:
        return False
    low = zero = True
    for i in range(len(sampler.last)):
        value = sampler.last[i]
        if value:
            zero = False
            if FIELDS[i][0] == "n" or value > _LOW:
                low = False
    return sampler.newest - sampler.since >= (_LOW_MS if zero or low else _MS)


def _rejected(it):
    rejects = it.driver.rejects
    return sum([rejects.get(name, 0) for name in _DAMAGED]), rejects.get("out_of_range", 0)


def _wake(it):
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


def _sleep(it):
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


def _publish(it):
    """A window has ended: make its reading."""
    now = it.now()
    # The planned end when about on time, so that windows join without drift.
    end = it._start + it._ms("window_s")
    if now - end >= 1000:
        end = now
    _count(it, now)
    driver = it.driver
    climate = it.climate
    if climate and climate.last and not any(it._sampler.counts[_TEMP:]) and now - climate.last_at < _FRESH_MS:
        it.take_climate(climate.last)  # the window was shorter than the climate sensor's pace
    it._reading = reading = close(it._sampler)
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
        if is_stuck(it._sampler):
            flags.append("stuck")
        if it.agree:
            it.agree.add(it.slot, reading.get("pm25"), now, reading["dt"])
            if it.agree.disagrees(it.slot):
                flags.append("disagree")
    _judge_climate(it, reading, flags)


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
    if ranged > it.rejects[1]:
        return "out_of_range"
    if damaged > it.rejects[0]:
        return "bad_checksum"
    return "no_frame"
