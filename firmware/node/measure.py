"""One sensor slot: wake it, let it warm up, average a window, hand the reading on, let it sleep.

What is done at the seams of its time is in window.py. A climate sensor's slot (climate.py) is one in this: it
has a driver, a port it is read through (ports.py), and what is tried when it is mute (ladder.py, rungs.py).
"""

# pyright: reportAttributeAccessIssue=false
# slots.py gives them their attributes, so that this code need not stay.

import asyncio

from micropython import const

from node import use_once

POLL_MS = 50
# A wake command that took effect this much after the first counts as the first: frames may be slow to come.
_SLACK_MS = const(5000)
_WARMUP_S = const(30)
_FIRST_MS = const(10000)  # the rungs come at 10, 20, 40, 80 s of silence: each waits as long as all before it


sleep_ms = getattr(asyncio, "sleep_ms", None)  # CPython has none: tests put theirs


class Measurement:
    """Runs one particle sensor; readings are born here. health.py tells how it is.

    entry       the sensor's entry of the settings: slot and wiring
    driver      see node.duty
    port        step(driver, now, take), resync(), `recoveries`; see node.ports
    settings    live attributes warmup_s, window_s, sleep_s, measure. warmup_s None = nobody set it: the
                driver's, which is its datasheet's, and at least 30 s. What somebody set is taken as it is.
    on_reading  called with each reading: slot, model, up, dt, n, values, flags
    now         () -> ms since boot, growing
    odometer    keeps the hours of the laser
    agree       Seldom of node.agree when the node has several particle sensors, else None
    climate     Climate of a climate sensor, whose values then take the place of this sensor's own, else None
    ladder      Seldom of node.ladder
    state       ok warming_up asleep silent bus_stuck failed, or as diagnosed: swapped wrong_speed not_found

    Exceptions of port and on_reading leave run(): whoever started it restarts it.
    """

    # Until there is one: 29 attributes that an instance has are 128 bytes less than 30.
    diagnosed = None  # ms of the last diagnosis
    faults = ()  # what the device reported of itself -> frames that said so

    def __init__(self, *parts):
        """entry, driver, port, settings, on_reading, now, odometer"""
        use_once("slots", "measurement", self, *parts)

    def fit(self, driver, port):
        """Go on with another driver: what was to be found has been found. It is woken at once.
        None, None: run() ends."""
        self.driver = driver
        self.port = port
        self._awake = self._asleep = False

    def fault(self, event):
        """The device says that its values are not to be trusted."""
        if not self.faults:
            self.faults = {}
        self.faults[event["what"]] = self.faults.get(event["what"], 0) + 1
        self.state = "failed"

    def heard(self, now):
        """A frame with values came. Damaged bytes and garbage are silence too."""
        ladder = self.ladder
        ladder.full = ladder.rung = 0
        if ladder.since is not None:
            ladder.since = now

    def due(self, now):
        """The rung of the ladder to try now, each once, or None. Ask at least every second."""
        ladder = self.ladder
        if ladder.since is None or now - ladder.since < _FIRST_MS << ladder.rung:
            return None
        return ladder.climb(now - _FIRST_MS)

    def step(self, take):
        """One step on the port. `take` is given each event. Returns the rung of the ladder that is due."""
        self.beat += 1
        if not self.port:  # taken away meanwhile
            return None
        now = self.now()
        self.port.step(self.driver, now, take)
        if getattr(self.driver, "cleaning", False):
            self.heard(now)  # its fan is being cleaned: no values come, and none are missed
        return self.due(now)

    async def run(self):
        """Measure for ever. `measure` = False drops the window under way and puts the sensor to sleep."""
        settings = self._settings
        take = self.take  # a bound method made anew for each step would be garbage
        stage = None
        self._start = self.now()
        self.driver.reset()  # an exception, of full memory for one, may have left it in the middle of a frame
        while self.driver:
            stage = use_once("window", "turn", self, stage)
            if self._reading:
                reading = self._reading
                self._reading = None
                self._on_reading(reading)
            driver = self.driver
            # Until that setting's time is over, `measure` is switched or another driver is fitted.
            while settings.measure != (stage is None) and self.driver is driver:
                if stage and self.now() - self._start >= self._ms(stage):
                    break
                await sleep_ms(POLL_MS)
                rung = self.step(take)
                if rung:
                    await self.rescue(self, rung)

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
        self.heard(now)
        self._sampler.see(event, now)
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
        self._sampler.add(event, 0)
