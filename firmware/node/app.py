"""The node: what it consists of, and what runs side by side."""

# pyright: reportAttributeAccessIssue=false
# start.py gives an App its attributes, so that this code need not stay.

import asyncio
import gc
import json

from micropython import const

from node import VERSION, use_once
from node.mqtt.errors import MqttError

_AGAIN_MS = const(2000)
_LOOK_MS = const(300000)  # between searches for a sensor that is still to be found
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
        for sensor in self.sensors:
            self.run_sensor(sensor)
        if self.unfound:
            # Before the connection: what it takes and what a search takes need not be there at once.
            asyncio.create_task(self.keep("search", self._look))
            await self.looked.wait()
        self.running = True
        await asyncio.gather(
            self.keep("link", self.link.run),
            self.keep("clock", self.timekeeper.run),
            self.keep("sender", self.sender.run),
            self.keep("health", self._report_health),
        )

    def run_sensor(self, sensor):
        asyncio.create_task(self.keep("sensor " + sensor.slot, sensor.run))

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
            asyncio.create_task(self._keep_status())

    async def keep(self, name, run):
        """Run a task until it ends by itself: when it dies, say why, count it and start it again."""
        while True:
            try:
                return await run()
            except Exception as error:  # noqa: BLE001 - the point: whatever a task dies of, it is told and mended
                print("task", name, "died and is started again:", repr(error))
                self.counters["task_restarts"] += 1
            await asyncio.sleep_ms(_AGAIN_MS)

    def on_reading(self, reading):
        """A measurement has finished a window."""
        t, tq = self.clock.birth(reading["up"], reading["slot"])
        try:
            self.outbox.append(reading, t, tq)
        except (OSError, MemoryError) as error:
            self.counters["flash_errors"] += 1
            print("outbox: cannot store a reading:", error)
        self.sender.news.set()
        gc.collect()

    def on_message(self, kind, message):
        """The gateway has said something."""
        try:
            trial = self.config.trial
            if trial and not trial[3] and kind != "config":
                use_once("config_remote", "reached", self)
            if kind == "ack":
                self.sender.on_ack(message)
            elif kind == "config":
                use_once("config_remote", "take", self, message)
            elif kind == "command":
                use_once("commands", "take", self, message)
        except OSError as error:
            self.counters["flash_errors"] += 1
            print("flash: cannot keep what", kind, "says:", error)

    async def _keep_status(self):
        """Tell the new state; when the connection has gone, the next one tells it anyway."""
        try:
            await self.link.publish_status()
        except MqttError as error:
            print("status not sent:", error)

    def status(self):
        """The contract's `status` message."""
        return {
            "v": 1,
            "online": True,
            "boot": self.outbox.boot,
            "fw": VERSION,
            "reset": self.reset,
            "config": self.config.version,
            "sensors": [{"slot": m.slot, "model": m.driver.model} for m in self.sensors],
        }

    async def _report_health(self):
        """Publish `health` at each connection and every `health_s` seconds. Never returns."""
        while True:
            await self.link.up.wait()
            async with self._room:
                message = json.dumps(use_once("health", "message", self)).encode()
            try:
                await self.link.publish("health", message)
            except MqttError as error:
                print("health not sent:", error)
            self.health_now.clear()
            try:
                await asyncio.wait_for_ms(self.health_now.wait(), self.config.health_s * 1000)
            except asyncio.TimeoutError:
                pass
