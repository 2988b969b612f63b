"""Load a bundle into the spare slot, a piece at a time. Stays in the heap until that is done.

What is there is in the file's own length, so that a restart goes on where it was. When all of it is there
and has the announced SHA-256, the node restarts: the first stage verifies it, while the heap is empty.
"""

# pyright: reportOptionalSubscript=false
# A Loader's job is None when it is over, and slots.json is there when there is a Loader.

import asyncio
import binascii
import hashlib
import json
import os

from micropython import const

from node import use_once
from node.mqtt.errors import MqttError

_PIECE = const(2048)
_WAIT_MS = const(20000)
_PAUSE_MS = const(60)  # between pieces: readings go first
_AGAIN_MS = const(1000)
_VAIN = const(120)  # questions without an answer, with a pause after each: some hours
_LONGEST_MS = const(120000)
_ENOUGH = const(3)  # times that flash took no piece


def make(app):
    return Loader(app)


class Loader:
    def __init__(self, app):
        self.app = app
        self.came = asyncio.Event()
        self.client = None  # the connection that `chunk` is subscribed at
        self.again()

    def again(self):
        """Read anew what is to be loaded; it may be another bundle now."""
        state = use_once(".update.state", "load")
        self.job = state.get("load")
        self.path = use_once(".update.state", "spare", state) + ".fw"
        self.at = -1  # of the piece that is waited for
        self.piece = None
        self.resumed = _size(self.path) > 0
        self.vain = self.failed = 0

    def take(self, payload):
        """A `chunk`."""
        if payload == b"\xff\xff\xff\xff" or int.from_bytes(payload[:4], "big") == self.at:
            self.piece = payload
            self.came.set()

    async def run(self):
        app = self.app
        while self.job:
            await app.link.up.wait()
            app.awake += 1
            try:
                await self._next(app)
            except MqttError as error:
                print("update:", error)
                await asyncio.sleep_ms(_AGAIN_MS)
            finally:
                app.awake -= 1
        app.update = None

    async def _next(self, app):
        """Load one piece more, or do what follows the last."""
        job = self.job
        at = _size(self.path)
        if at >= job[1]:
            async with app._room:
                if self.finish(job):
                    await asyncio.sleep_ms(_AGAIN_MS)
                    use_once(".update.state", "restart", app)
            return
        most = min(_PIECE, job[1] - at)
        piece = await self._ask(app.link, job[0], at, most)
        if self.job is not job:
            pass  # another command came meanwhile
        elif piece is None:
            self.vain += 1
            if self.vain >= _VAIN:
                self._end("the gateway sends no pieces of it")
            else:
                print("update: no answer for byte", at)
                await asyncio.sleep_ms(min(_LONGEST_MS, _AGAIN_MS << min(self.vain, 7)))
        elif 4 < len(piece) <= most + 4:
            self.keep(memoryview(piece)[4:])
            await asyncio.sleep_ms(_PAUSE_MS if not self.failed else _AGAIN_MS)
        else:
            self._end("the gateway does not offer it")

    async def _ask(self, link, version, at, most):
        """The `chunk` that answers a `fetch`, or None."""
        client = link.client
        if self.client is not client:
            await use_once("mqtt.hello", "subscribe", client, link.prefix + "chunk")
            self.client = client
        self.came.clear()
        self.piece = None
        self.at = at
        ask = {"v": 1, "version": version, "from": at, "len": most}
        await link.publish("fetch", json.dumps(ask).encode())
        try:
            await asyncio.wait_for_ms(self.came.wait(), _WAIT_MS)
        except asyncio.TimeoutError:
            pass
        piece = self.piece
        self.at = -1
        self.piece = None
        return piece

    def keep(self, data):
        """Append to the spare slot's file."""
        try:
            with open(self.path, "ab") as file:
                file.write(data)
            self.vain = self.failed = 0
        except OSError as error:
            self.app.counters["flash_errors"] += 1
            self.failed += 1
            print("update: flash does not take a piece:", error)
            if self.failed >= _ENOUGH:
                self._end("flash does not take it: " + str(error))

    def finish(self, job):
        """All of it is there. True when it is for the first stage now, which a restart leads to."""
        app = self.app
        if _sha256(self.path) != job[2]:
            if self.resumed:
                # What was there at a start may have been left half by a power cut.
                print("update: what came is not what was announced, loading it anew")
                self.resumed = False
                os.remove(self.path)
                return False
            self._end("what came is not what was announced (SHA-256)")
            return False
        state = use_once(".update.state", "load")
        del state["load"]
        state["new"] = self.path[0]
        # A node that measured well must do so with the new version; one that did not, for want of a sensor
        # or in safe mode, has nothing to show.
        state["reads"] = app.sender.acked == app.outbox.boot
        use_once(".update.state", "save", state)
        print("update:", job[0], "is there, starting anew")
        self.job = None
        return True

    def _end(self, why):
        """Give it up, and the room that it took."""
        use_once(".update.state", "end", self.app, "refused", why)
        try:
            os.remove(self.path)
        except OSError:
            pass  # nothing of it had come
        self.job = None


def _size(path):
    try:
        return os.stat(path)[6]
    except OSError:
        return 0


def _sha256(path):
    done = hashlib.sha256()
    with open(path, "rb") as file:
        piece = file.read(1024)
        while piece:
            done.update(piece)
            piece = file.read(1024)
    return binascii.hexlify(done.digest()).decode()
