"""One sensor slot: wake it, let it warm up, average a window, hand the reading on, let it sleep.

Sensor is what a particle sensor's slot shares with a climate sensor's (climate.py): a driver, the port it is
read through (ports.py), and what is tried when it is mute (ladder.py, rungs.py).
"""

import asyncio

from micropython import const

from node import use_once
from node.ladder import Ladder
from node.sampler import Sampler
from node.stuck import Stuck

POLL_MS = 50
# A wake command that took effect this much after the first counts as the first: frames may be slow to come.
_SLACK_MS = const(5000)
_WARMUP_S = const(30)


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
    agree       Seldom of node.agree when the node has several particle sensors, else None
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
        self._damaged = self._ranged = 0  # rejects by when the window began; window.py's
        use_once("window", "begin", self)

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
                use_once("window", "sleep", self)
                if ran:
                    self.odometer.save()  # it may rest for months
                await self._stay(None)
                continue
            self.measuring = True
            if not self._awake:
                use_once("window", "wake", self)
                await self._stay("warmup_s")
                if not self._awake:
                    continue
                self._start = self.now()
            use_once("window", "begin", self)
            self._open = True
            await self._stay("window_s")
            self._open = False
            if not settings.measure or not self._awake:
                continue
            use_once("window", "publish", self)
            if settings.sleep_s > 0:
                use_once("window", "sleep", self)
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
