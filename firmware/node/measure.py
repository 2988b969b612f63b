"""One sensor slot: wake it, let it warm up, average a window, hand the reading on, let it sleep.

Sensor is what a particle sensor's slot shares with a climate sensor's (climate.py): a driver, the port it is
read through (ports.py), and what is tried when it is mute (ladder.py, rungs.py).
"""

import asyncio

from micropython import const

from node.ladder import Ladder
from node.sampler import Sampler
from node.stuck import Stuck

POLL_MS = 50
# A wake command that took effect this much after the first counts as the first: frames may be slow to come.
_SLACK_MS = const(5000)
_WARMUP_S = const(30)
_FRESH_MS = const(15000)  # climate sensors are read every 5 s
_WET = 99.9  # %
_WET_S = const(3600)
# Rejects that say frames came and were damaged; garbage alone may be a wrong speed or noise.
_DAMAGED = ("checksum", "tail", "length", "truncated", "crc")


async def _sleep_ms(ms):
    await asyncio.sleep(ms / 1000)


sleep_ms = getattr(asyncio, "sleep_ms", _sleep_ms)  # CPython has none


class Sensor:
    """A driver on a port. health.py tells how it is.

    entry   the sensor's entry of the settings: slot and wiring
    driver  see node.drivers.duty
    port    step(driver, now, take), resync(), `recoveries`; see node.ports
    now     () -> ms since boot, growing
    state   ok warming_up asleep silent bus_stuck failed, or as diagnosed: swapped wrong_speed not_found
    """

    def __init__(self, entry, driver, port, now, can_sleep=True):
        self.entry = entry
        self.slot = entry["slot"]
        self.driver = driver
        self.port = port
        self.now = now
        self.beat = 0  # grows while run() gets on, see guard.py
        self.odometer = None
        self.state = "warming_up"
        self.switch = None  # the pin that switches its supply
        self.rescue = None  # async (sensor, rung of the ladder): do what the rung says, see rungs.py
        self.diagnosed = None  # ms of the last diagnosis
        self.faults = {}  # what the device reported of itself -> frames that said so
        self.ladder = Ladder("power" in entry, can_sleep)

    def fault(self, event):
        """The device says that its values are not to be trusted."""
        self.faults[event["what"]] = self.faults.get(event["what"], 0) + 1
        self.state = "failed"

    async def poll(self, take):
        """A pause, then one step on the port. `take` is given each event."""
        await sleep_ms(POLL_MS)
        self.beat += 1
        if not self.port:  # taken away meanwhile
            return
        now = self.now()
        self.port.step(self.driver, now, take)
        if getattr(self.driver, "cleaning", False):
            self.ladder.heard(now)  # its fan is being cleaned: no values come, and none are missed
        rung = self.ladder.due(now)
        if rung:
            await self.rescue(self, rung)
            if self.state in ("ok", "warming_up", "silent", "bus_stuck"):
                self.state = "bus_stuck" if self.port.stuck else "silent"


class Measurement(Sensor):
    """Runs one particle sensor; readings are born here.

    settings    live attributes warmup_s, window_s, sleep_s, measure. warmup_s None = nobody set it: the
                driver's, which is its datasheet's, and at least 30 s. What somebody set is taken as it is.
    on_reading  called with each reading: slot, model, up, dt, n, values, flags
    odometer    keeps the hours of the laser
    agree       node.agree.Agree when the node has several particle sensors, else None
    climate     Sensor of a climate sensor, whose values then take the place of this sensor's own, else None

    Exceptions of port and on_reading leave run(): whoever started it restarts it.
    """

    def __init__(self, entry, driver, port, settings, on_reading, now, odometer):
        super().__init__(entry, driver, port, now)
        self.measuring = True  # False: no reading is born until `measure` is switched on again
        self.agree = self.climate = None
        self._settings = settings
        self._on_reading = on_reading
        self.odometer = odometer
        self._stuck = Stuck()
        self._sampler = Sampler()
        self._take = self.take  # kept: a bound method made anew for each step would be garbage
        self._start = 0  # ms since boot when warm-up, window or sleep began
        self._asleep = False  # told to sleep; false at first, as a sensor runs when it gets power
        self._awake = False  # told to wake
        self._counted = 0  # ms since boot up to which the laser's seconds are counted
        self._framed = 0  # the driver's frames by then
        self._open = False  # within a window
        self._wet = 0  # s since boot of the first of the windows in a row with humidity at its end
        self._begin()

    def fit(self, driver, port):
        """Go on with another driver: what was to be found has been found. It is woken at once.
        None, None: run() ends."""
        self.driver = driver
        self.port = port
        self._awake = self._asleep = False

    async def run(self):
        """Measure for ever. `measure` = False drops the window under way and puts the sensor to sleep."""
        settings = self._settings
        self._start = self.now()
        self.driver.reset()  # an exception, of full memory for one, may have left it in the middle of a frame
        while self.driver:
            if not settings.measure:
                self.measuring = False
                ran = self._awake
                self._sleep()
                if ran:
                    self.odometer.save()  # it may rest for months
                await self._stay(None)
                continue
            self.measuring = True
            if not self._awake:
                self._wake()
                await self._stay("warmup_s")
                if not self._awake:
                    continue
                self._start = self.now()
            self._begin()
            self._open = True
            await self._stay("window_s")
            self._open = False
            if not settings.measure or not self._awake:
                continue
            self._publish()
            if settings.sleep_s > 0:
                self._sleep()
                await self._stay("sleep_s")

    async def _stay(self, name):
        """Poll until that setting's time is over, `measure` is switched or another driver is fitted;
        None = until `measure` is on again."""
        settings = self._settings
        driver = self.driver
        while settings.measure != (name is None) and self.driver is driver:
            if name and self.now() - self._start >= self._ms(name):
                return
            await self.poll(self._take)

    def _ms(self, name):
        seconds = getattr(self._settings, name)
        if seconds is None:
            seconds = max(_WARMUP_S, self.driver.warmup_s)
        return seconds * 1000

    def _wake(self):
        self._start = self._counted = now = self.now()
        driver = self.driver
        self._framed = driver.frames
        if not driver.frames and hasattr(driver, "run_s_since_clean"):
            driver.run_s_since_clean = self.odometer.since_clean(self.slot)
        driver.wake(now)
        self._awake = True
        self._asleep = False
        if self.state == "asleep":
            self.state = "warming_up"
        if driver.warmup_s:
            self.ladder.expect(now)

    def _sleep(self):
        self._start = now = self.now()
        self._count(now)
        self._awake = False
        if not self._asleep:
            self.driver.sleep(now)
            self._asleep = True
            self.ladder.rest()
            if self.state in ("ok", "warming_up"):
                self.state = "asleep"

    def _count(self, now):
        """Add what the laser ran since the last time, if frames show that it did."""
        driver = self.driver
        seconds = (now - self._counted) // 1000
        if self._awake and seconds:
            self._counted += seconds * 1000
            if driver.frames != self._framed:
                self._framed = driver.frames
                self.odometer.add(self.slot, driver.id, seconds)
                if hasattr(driver, "run_s_since_clean"):
                    self.odometer.keep_clean(self.slot, driver.run_s_since_clean)
        self.odometer.save_if_due(now)

    def _begin(self):
        self._sampler.close()
        self._damaged, self._ranged = self._rejected()
        self._failed = self._cold = 0  # frames with a device error; frames of a fan not up to speed
        self._saturated = self._weather = False

    def _rejected(self):
        rejects = self.driver.rejects
        return sum([rejects.get(name, 0) for name in _DAMAGED]), rejects.get("out_of_range", 0)

    def take(self, event):
        """An event of the driver."""
        if not self._awake:
            return
        if event["kind"] == "error":
            self.fault(event)
            self._failed += 1
            return
        now = self.now()
        self.ladder.heard(now)
        self._stuck.see(event, now)
        awake = self.driver.awake_since
        if awake is None or now - awake + _SLACK_MS < self._ms("warmup_s"):
            self._cold += 1
            self.state = "warming_up"
            return
        self.state = "ok"
        if not self._open:
            return
        ceiling = self.driver.ceiling
        for name in ceiling:
            if event.get(name, 0) >= ceiling[name]:
                self._saturated = True
        if self.climate:
            for name in ("temp", "rh", "press"):
                event.pop(name, None)
        self._sampler.add(event)

    def take_climate(self, event):
        """What the node's climate sensor gives, for the window under way."""
        self._weather = True
        self._sampler.add(event, 0)

    def _publish(self):
        now = self.now()
        # The planned end when about on time, so that windows join without drift.
        end = self._start + self._ms("window_s")
        if now - end >= 1000:
            end = now
        self._count(now)
        driver = self.driver
        climate = self.climate
        if climate and climate.last and not self._weather and now - climate.last_at < _FRESH_MS:
            self.take_climate(climate.last)  # the window was shorter than the climate sensor's pace
        reading = self._sampler.close()
        reading["slot"] = self.slot
        reading["model"] = driver.model
        reading["up"] = end // 1000
        reading["dt"] = (end - self._start + 500) // 1000
        reading["flags"] = flags = []
        self._start = end
        if self._failed:
            flags.append("device_error")
        if self._saturated:
            flags.append("saturated")
        if not reading["n"]:
            reading["pm25"] = reading["pm10"] = None
            if not flags:
                flags.append(self._why_nothing())
        else:
            if self._stuck.stuck:
                flags.append("stuck")
            if self.agree:
                self.agree.add(self.slot, reading.get("pm25"), now, reading["dt"])
                if self.agree.disagrees(self.slot):
                    flags.append("disagree")
        self._judge_climate(reading, flags)
        self._on_reading(reading)

    def _judge_climate(self, reading, flags):
        """A temperature that is missing though expected has a reason, and so has one not to be trusted."""
        source = self.climate or self
        flag = getattr(source.driver, "climate_flag", None)
        if not flag and self.climate and "temp" not in reading:
            flag = "climate_error"
        # A particle sensor's own humidity; climate_check.py does it for the others.
        up = reading["up"]
        self._wet = (self._wet or up) if reading.get("rh", 0) >= _WET else 0
        if self._wet and up - self._wet > _WET_S and not flag:
            flag = "climate_stuck"
        if flag:
            flags.append(flag)

    def _why_nothing(self):
        damaged, ranged = self._rejected()
        if self._cold or getattr(self.driver, "cleaning", False):
            return "warming_up"
        if ranged > self._ranged:
            return "out_of_range"
        if damaged > self._damaged:
            return "bad_checksum"
        return "no_frame"
