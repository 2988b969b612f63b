"""Set-up over the console's own line: Improv, beside whatever else is typed or printed there.

While this runs the chip does not stop at a Ctrl-C by itself, since each Improv request has that byte in it. One
that stands outside of packets, as a key or as mpremote sends it, stops the node here as it would there.
"""

import asyncio
import select
import sys

import micropython
from micropython import const
from node import VERSION
from setup import core, improv

_CTRL_C = const(3)
_QUIET_MS = const(300)  # as long between two bytes: what has begun does not go on
_AT_ONCE = const(64)  # bytes; the chip's buffer has 260 and the host waits for each answer


class Serial:
    """run() answers until it is cancelled. `done()` is called once the node is set up and its settings are
    kept. `busy` is True while settings are tried: whoever else tries must wait."""

    def __init__(self, app, done=None, read=None, write=None):
        self._app = app
        self._done = done
        self._parser = improv.Parser()
        self._pieces = improv.Pieces()
        self._kit = None
        self._why = []
        self._trying = None  # the task
        self._last = 10  # byte outside of packets
        self._read = read or _read
        self._write = write or sys.stdout.buffer.write
        self.busy = False
        self.state = improv.PROVISIONED if core.is_whole(core.stored()) else improv.READY

    async def run(self):
        micropython.kbd_intr(-1)
        stream = asyncio.StreamReader(sys.stdin.buffer)
        try:
            while True:
                try:
                    data = await asyncio.wait_for_ms(self._read(stream), _QUIET_MS)
                    found, quiet = self._parser.feed(data), False
                except asyncio.TimeoutError:
                    found, quiet = self._parser.quiet(), True
                for kind, data in found:
                    if kind is None:
                        self._keys(data)
                    elif kind == improv.RPC:
                        await self._answer(data)
                if quiet:
                    self._last = 10
        finally:
            micropython.kbd_intr(_CTRL_C)
            if self._trying:
                self._trying.cancel()

    def _keys(self, data):
        for byte in data:
            # In the rest of a damaged packet it follows some other byte at once.
            if byte == _CTRL_C and self._last in (10, 13, _CTRL_C):
                raise KeyboardInterrupt
            self._last = byte

    async def _answer(self, data):
        command = improv.command_of(data)
        if command is None:
            self._fail(improv.BAD_PACKET)
            return
        command, data = command
        if command == improv.CURRENT:
            self._tell_state()
            if self.state == improv.PROVISIONED:
                self._write(improv.result(command, []))
        elif command == improv.INFO:
            name = self._app.config.node or "Dustline"
            self._write(improv.result(command, ["Dustline", VERSION, _chip(), name]))
        elif command == improv.WHY:
            self._write(improv.result(command, self._why))
        elif self.busy or command not in (improv.WIFI, improv.NETWORKS, improv.KIT):
            self._fail(improv.UNKNOWN_COMMAND if not self.busy else improv.NOT_CONNECTED)
        elif command == improv.NETWORKS:
            self._scan()
        elif command == improv.KIT:
            self._take_piece(data)
        else:
            wifi = improv.wifi_of(data)
            if wifi is None:
                self._fail(improv.BAD_PACKET)
                return
            self.busy = True
            self._trying = asyncio.create_task(self._try(*wifi))

    def _scan(self):
        try:
            self._app.link.wifi.start("dustline")
            found = core.scan(self._app.link.wifi)
        except OSError as error:
            print("setup: cannot look for networks:", error)
            found = []
        for one in found:
            words = [one["ssid"], str(one["rssi"]), "NO" if one["open"] else "YES"]
            self._write(improv.result(improv.NETWORKS, words))
        self._write(improv.result(improv.NETWORKS, []))

    def _take_piece(self, data):
        whole = self._pieces.put(data)
        if whole is None:
            self._fail(improv.BAD_PACKET)
            return
        words = [str(data[0])]
        if whole:
            kit, wrong = core.check_kit(whole)
            if kit:
                self._kit = kit
                words += ["ok", kit["node"]]
            else:
                words += [wrong]
        self._write(improv.result(improv.KIT, words))

    async def _try(self, ssid, password):
        """Try, keep what works, and say how it went."""
        self._why = []
        before = self.state
        self._set_state(improv.PROVISIONING)
        try:
            why = core.check_wifi(ssid, password) or await self._reach(ssid, password)
        except OSError as error:
            print("setup: the settings cannot be kept:", error)
            why = "flash"
        finally:
            self.busy = False
            self._trying = None
        if why:
            self._why[:0] = [why]
            print("setup: it did not work:", why)
            self._set_state(before)
            self._fail(improv.NOT_CONNECTED)
            return
        print("setup: connected, the settings are kept")
        self._set_state(improv.PROVISIONED)
        self._write(improv.result(improv.WIFI, []))
        if self._done:
            self._done()

    async def _reach(self, ssid, password):
        raw = core.merged(core.stored(), self._kit, ssid, password)
        if not core.is_whole(raw):
            return "no_code"
        why = await core.try_settings(self._app, raw, self._note)
        if not why:
            core.save(raw)
        return why

    def _note(self, step, value):
        if step == "detail":
            self._why = [str(value)]

    def _set_state(self, state):
        self.state = state
        self._tell_state()

    def _tell_state(self):
        self._write(improv.packet(improv.STATE, bytes((self.state,))))

    def _fail(self, code):
        self._write(improv.packet(improv.ERROR, bytes((code,))))


async def _read(stream):
    """What is there of the console's input, once there is something. The chip waits for each byte that it is
    asked for, so they are asked for one by one."""
    data = await stream.read(1)
    poll = select.poll()
    poll.register(sys.stdin, select.POLLIN)
    while len(data) < _AT_ONCE and poll.poll(0):
        data += sys.stdin.buffer.read(1)
    return data


def _chip():
    """The chip's family as Improv's clients know it."""
    name = sys.implementation._machine.split()[-1]  # noqa: SLF001 - "Generic ESP32 module with ESP32"
    return name if not name.startswith("ESP32") or len(name) == 5 else "ESP32-" + name[5:]
