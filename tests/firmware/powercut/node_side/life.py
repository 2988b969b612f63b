"""One start of the real firmware on a stand-in disk: App(board) and its sender, with the test's gateway."""

import asyncio
import builtins
import json

import simtime
from chip import BEGAN_MS, Board

import node

said = []  # the last lines that the firmware printed
true_print = builtins.print


def _print(*words, **_):
    said.append(" ".join([str(word) for word in words]))
    if len(said) > 40:
        del said[:20]


def prepare():
    """Keep modules that are loaded once at a start: they are code only, and a start is then cheap. The node's
    prints are kept for a report. Collecting garbage is left to MicroPython."""
    node.forget = lambda name: None
    builtins.print = _print


class _NoCollector:
    """Stands in for `gc` in the firmware: the heap here is large, and to collect it is slow."""

    def collect(self):
        pass

    def mem_free(self):
        return 100000

    def mem_alloc(self):
        return 28000

    def threshold(self, *_):
        pass


class Life:
    """A start of the node; OSError and every other exception of the start leave this constructor.

    heard   called with (boot, list of readings) for each message of readings that the node publishes
    utc_ms  the true time of this start
    """

    def __init__(self, disk, heard, utc_ms=BEGAN_MS):
        import sys

        from node.app import App

        disk.use()
        simtime.fresh()
        self.disk = disk
        self.heard = heard
        self.utc_ms = utc_ms
        self.online = False
        self.replies = {}  # id of a command -> its reply
        self.died = None
        self.board = Board(disk)
        self.app = App(self.board)
        for module in sys.modules.values():
            if hasattr(module, "gc"):
                module.gc = _NoCollector()
        link = self.app.link
        link.publish = self._publish
        link.drop = lambda: None
        link.joined.set()
        self.task = asyncio.create_task(self._run())

    async def _run(self):
        try:
            await self.app.sender.run()
        except Exception as error:  # noqa: BLE001 - told by the judge
            self.died = error

    def connect(self, online):
        self.online = online
        if online:
            self.app.link.up.set()
        else:
            self.app.link.up.clear()

    async def _publish(self, kind, payload):
        from node.mqtt.errors import MqttError

        if not self.online:
            raise MqttError("offline")
        if kind == "readings":
            message = json.loads(bytes(payload))
            self.heard(message["boot"], message["readings"])
        elif kind == "reply":
            reply = json.loads(payload)
            self.replies[reply["id"]] = reply["text"]

    def utc(self):
        """True UTC in seconds."""
        return (self.utc_ms + simtime.now()) // 1000

    def know_time(self):
        """NTP servers have agreed."""
        self.app.timekeeper._set(self.utc_ms + simtime.now(), self.board.uptime_ms())

    def measure(self, mark):
        """A reading, recognised by its mark. Whether it was stored."""
        before = self.app.outbox.seq
        reading = {"slot": "a", "model": "sds011", "up": self.board.uptime_ms() // 1000, "dt": 60, "n": 58}
        reading.update({"pm25": 9.7, "pm10": 20.1, "temp": 21.5, "rh": 40.25, "n03": mark, "flags": []})
        self.app.on_reading(reading)
        return self.app.outbox.seq > before

    def report_health(self):
        """As the node does every 10 minutes; a note of a crash is then told, and let go."""
        node.use_once("health", "message", self.app)
        if self.app.crash:
            node.use_once("crash", "told", self.app)

    def ask(self, name):
        """A command with this id."""
        self.hear("command", {"v": 1, "id": name, "t": self.utc(), "do": "identify", "seconds": 1})

    def hear(self, kind, message):
        """The gateway says something."""
        self.app.on_message(kind, message)
