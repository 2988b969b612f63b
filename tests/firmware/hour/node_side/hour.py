"""The node's side of an hour: one sensor of the settings as the node itself fits and runs it.

DUSTLINE_HOUR: {"entry": the sensor's settings, "minutes", "leak"}. Told to the other side: each reading with
the extremes of its window's events; the heap at 5 minutes and every 10; what was allocated while the
collector was off; at the end the sensor's health.
"""

import asyncio
import gc
import json
import os
import time

import line
import micropython

from node import Seldom, use_once
from node.sampler import Sampler

_SETTLED_S = micropython.const(300)
_WEIGH_S = micropython.const(335)  # within one window, which end at 90 s and every 60 s
_COLLECT_BYTES = micropython.const(8192)  # as node.app has it
_SPARE_BYTES = micropython.const(12288)


class Config:
    warmup_s = None
    window_s = 60
    sleep_s = 0
    measure = True

    def __init__(self, entry):
        self.sensors = [entry]

    def problem(self, text):
        raise RuntimeError(text)


class Listener:
    """Stands in for the particle sensor's slot that a climate sensor gives its values to."""

    def __init__(self, app):
        self.app = app
        self.sampler = Sampler()
        self.end = 90

    def take_climate(self, event):
        self.sampler.add(event, 0)
        if time.uptime_ms() >= self.end * 1000:
            self.end += 60
            reading = use_once("window", "close", self.sampler)
            reading["flags"] = []
            self.app.on_reading(reading)


class App:
    """What node.fit needs of the node."""

    board = line

    def __init__(self, entry):
        self.now = time.uptime_ms
        self.config = Config(entry)
        self.sensors = []
        self.measurements = []
        self.climate = self.agree = None
        self.unfound = []
        self.buses = {}
        self.odometer = Seldom("odometer")
        if entry["slot"] == "m":
            self.measurements.append(Listener(self))

    async def rescue(self, sensor, rung):
        await use_once("rungs", "climb", self, sensor, rung)

    def on_reading(self, reading):
        line.tell({"reading": reading, "extremes": watch.extremes})
        watch.extremes = {}


class Watch:
    """Looks at each event that the driver gives."""

    def __init__(self, driver):
        self.events = 0
        self.extremes = {}  # name -> [lowest, highest]
        self.weighing = False
        self.weight = 0  # bytes that feed() allocated
        self._feed = driver.feed
        driver.feed = self.feed

    def feed(self, data):
        if self.weighing:
            before = gc.mem_alloc()
            events = self._feed(data)
            self.weight += gc.mem_alloc() - before
        else:
            events = self._feed(data)
        for event in events:
            if event["kind"] == "data":
                self.events += 1
                self._see(event)
        return events

    def _see(self, event):
        for name in event:
            if name == "kind":
                continue
            value = event[name]
            if name not in self.extremes:
                self.extremes[name] = [value, value]
            elif not value >= self.extremes[name][0]:  # NaN is in no range
                self.extremes[name][0] = value
            elif value > self.extremes[name][1]:
                self.extremes[name][1] = value


async def blocks():
    """A second each minute, two more every ten, in which the node does something else."""
    minute = 0
    while True:
        await asyncio.sleep_ms(60000 * (minute + 1) + 500 - time.uptime_ms())
        minute += 1
        time.sleep_ms(2000 if minute % 10 == 0 else 1000)


async def leak():
    """Keep the smallest piece of the heap that there is, each minute: to see that it is seen."""
    kept = [None] * 60
    for minute in range(60):
        await asyncio.sleep_ms(60000)
        kept[minute] = bytearray(8)


async def weigh():
    """Let the node run for a while without the collector."""
    gc.collect()
    gc.disable()
    start = time.uptime_ms()
    events = watch.events
    watch.weight = 0
    watch.weighing = True
    before = gc.mem_alloc()
    while gc.mem_free() > _SPARE_BYTES and time.uptime_ms() - start < 50000:
        await asyncio.sleep_ms(100)
    after = gc.mem_alloc()
    watch.weighing = False
    gc.enable()
    line.tell(
        {
            "weighed": after - before,
            "feed": watch.weight,
            "events": watch.events - events,
            "ms": time.uptime_ms() - start,
        }
    )


def look():
    gc.collect()
    line.tell({"heap": gc.mem_alloc(), "s": time.uptime_ms() // 1000, "events": watch.events})
    micropython.mem_info()


def fill_names():
    """MicroPython keeps names in tables that double, at 300 of them by 3.6 KB. A sensor that comes to its
    300th late, by an error's name, would seem to grow: 100 names more, and each is past it at the start."""
    for number in range(100):
        setattr(watch, f"n{number}", None)
        delattr(watch, f"n{number}")


async def main(minutes, sensor):
    fill_names()
    tasks = [asyncio.create_task(sensor.run()), asyncio.create_task(blocks())]
    if settings["leak"]:
        tasks.append(asyncio.create_task(leak()))
    await asyncio.sleep_ms(_SETTLED_S * 1000 - time.uptime_ms())
    look()
    await asyncio.sleep_ms(_WEIGH_S * 1000 - time.uptime_ms())
    await weigh()
    for end in range(10, minutes + 1, 10):
        await asyncio.sleep_ms(end * 60000 - time.uptime_ms())
        look()
        if tasks[0].done():
            raise RuntimeError("the sensor's task has ended")
    line.tell({"end": use_once("health", "of_sensor", sensor), "events": watch.events})


settings = json.loads(os.getenv("DUSTLINE_HOUR"))
app = App(settings["entry"])
use_once("fit", "start", app)
watch = Watch(app.sensors[0].driver)
gc.threshold(_COLLECT_BYTES)
asyncio.run(main(settings["minutes"], app.sensors[0]))
