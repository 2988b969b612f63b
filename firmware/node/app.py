"""The node: what it consists of, and what runs side by side."""

# pyright: reportAttributeAccessIssue=false
# start.py gives an App its attributes, so that this code need not stay.

import asyncio
import gc

from micropython import const

from node import use_once
from node.mqtt.errors import MqttError

_AGAIN_MS = const(2000)
_PAUSE_MS = const(500)
_LOOK_MS = const(300000)  # between searches for a sensor that is still to be found
_BLINK_MS = const(250)
_HELD = const(20)  # times that
_DEATHS = const(10)  # of a task, within _DEATHS_MS: more than starting it again can mend
_DEATHS_MS = const(600000)
_ALIVE_MS = const(60000)
# Collecting often keeps what lives long together, and so leaves free memory in large pieces.
_COLLECT_BYTES = const(8192)


class App:
    """`board` is the module that knows the hardware. start.py says what attributes an App has."""

    def __init__(self, board):
        self.board = board
        # What loads much code for a while, and gives it back, does so one after the other.
        self._room = asyncio.Lock()
        use_once("start", "start", self)

    async def run(self):
        """Run until power-off."""
        gc.threshold(_COLLECT_BYTES)
        asyncio.create_task(self.keep("guard", self._guard))
        for sensor in self.sensors:
            self.run_sensor(sensor)
        if self.unfound:
            # Before the connection: what it takes and what a search takes need not be there at once.
            asyncio.create_task(self.keep("search", self._look))
            await self.looked.wait()
        if self.setup:
            # Stays until the restart that ends set-up mode; returns when there are results to show only.
            await self.keep("setup", lambda: __import__("setup.mode").mode.run(self))
        self.running = True
        for name, part in (("link", self.link), ("clock", self.timekeeper), ("sender", self.sender)):
            asyncio.create_task(self.keep(name, part.run))
        await self.keep("health", self._report_health)

    def run_sensor(self, sensor):
        asyncio.create_task(self.keep("sensor " + sensor.slot, sensor.run))

    async def _guard(self):
        """Feed the watchdog as long as guard.py finds that all tasks get on; let the LED tell the state. The
        boot button held for 5 s is a wish for set-up mode."""
        due = held = 0
        while True:
            now = self.now()
            if now >= due:
                use_once("guard", "look", self)
                due = now + self.look_ms
            if self.dog:
                self.dog.feed()
            if self.button:
                held = 0 if self.button() else held + 1
                if held == _HELD:
                    use_once(".setup.wanted", "ask", self)
            if self.led:
                self.led(self.light(self, now) == self.config.led_on)
            await asyncio.sleep_ms(_BLINK_MS)

    def identify(self, seconds):
        """Blink for so long, so that somebody finds the node. False when it has no LED."""
        self.blink_until = self.now() + seconds * 1000
        return self.led is not None

    async def _look(self):
        """Search for what is to be found until it is found."""
        while self.unfound:
            try:
                async with self._room:
                    await use_once("fit", "probe", self)
            finally:
                self.looked.set()
            await asyncio.sleep_ms(_LOOK_MS)

    async def rescue(self, sensor, rung):
        """A sensor is mute: do what its ladder says."""
        async with self._room:
            await use_once("rungs", "climb", self, sensor, rung)

    def news(self):
        """The sensors are no longer those that `status` told of."""
        if self.running:
            self.health_now.set()
            asyncio.create_task(use_once("status", "tell", self))

    async def keep(self, name, run):
        """Run a task until it ends by itself: when it dies, say why, count it and start it again. One that
        dies for want of memory is no reason to restart the node: others may hold it for a while. Only when
        it never lived for a minute meanwhile is that memory not coming back."""
        while True:
            began = self.now()
            try:
                return await run()
            except Exception as error:  # noqa: BLE001 - the point: whatever a task dies of, it is told and mended
                self._died(name, error, began)
            await asyncio.sleep_ms(_AGAIN_MS)

    def _died(self, name, error, began):
        print("task", name, "died and is started again:", repr(error))
        self.counters["task_restarts"] += 1
        now = self.now()
        # How often, since when; since when for want of memory only.
        past = self.deaths.setdefault(name, [0, 0, None])
        if isinstance(error, MemoryError):
            if past[2] is None or now - began > _ALIVE_MS:
                past[2] = now
            vain = now - past[2] > _DEATHS_MS
        else:
            past[2] = None
            past[0] += 1
            vain = past[0] % _DEATHS == 0 and now - past[1] < _DEATHS_MS
            if past[0] % _DEATHS == 0:
                past[1] = now
        if vain:
            use_once("crash", "restart", self, error, "task " + name + " died again and again:")

    def on_reading(self, reading):
        """A measurement has finished a window."""
        try:
            t, tq = self.clock.birth(reading["up"], reading["slot"])
            self.outbox.append(reading, t, tq)
        except (OSError, MemoryError) as error:
            self.counters["flash_errors"] += 1
            print("outbox: cannot store a reading:", error)
        gc.collect()

    def on_message(self, kind, message):
        """The gateway has said something."""
        try:
            trial = self.config.trial
            if trial and trial[3] < 2 and kind == "ack":
                use_once("config_trial", "reached", self)
            if kind == "ack":
                self.sender.on_ack(message)
            elif kind == "config":
                use_once("config_remote", "take", self, message)
            elif kind == "command":
                use_once("commands", "take", self, message)
            elif kind == "chunk" and self.update:
                self.update.take(message)
        except OSError as error:
            self.counters["flash_errors"] += 1
            print("flash: cannot keep what", kind, "says:", error)

    def status(self):
        """The contract's `status` message."""
        return use_once("status", "message", self)

    async def _report_health(self):
        """Publish `health` at the start, when there is news and every `health_s` seconds. Never returns."""
        while True:
            while not self.health_now.is_set() and self.now() < self.health_due:
                await asyncio.sleep_ms(_PAUSE_MS)
            await self.link.up.wait()
            self.beat += 1
            self.health_now.clear()
            async with self._room:
                message = use_once("health", "message", self)
            try:
                await self.link.publish("health", message)
                self.health_due = self.now() + self.config.health_s * 1000
                if self.crash:
                    use_once("crash", "told", self)
            except MqttError as error:
                print("health not sent:", error)
                await asyncio.sleep_ms(_AGAIN_MS)  # until the link, too, knows that it is closed
