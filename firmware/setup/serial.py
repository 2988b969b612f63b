"""Set-up over the console's own line: Improv, beside whatever else is typed or printed there.

While this runs the chip does not stop at a Ctrl-C by itself, since each Improv request has that byte in it.
One that begins a line outside of packets, as a key or as mpremote sends it, stops the node here as there.
"""

import asyncio
import select
import sys

from micropython import const

from node import VERSION, use_once
from setup import core, improv

_CTRL_C = const(3)
_QUIET_MS = const(300)  # as long between two bytes: what has begun does not go on
_LOOK_MS = const(100)
_AT_ONCE = const(64)  # bytes; the chip's buffer has 260 and the host waits for each answer


class Serial:
    """run() answers until it is cancelled. `session` is mode.py's, which the page shares: whoever asks first
    is tried first, and the other waits."""

    def __init__(self, session):
        self._session = session
        self._parser = improv.Parser()
        self._pieces = improv.Pieces()
        self._why = []
        self._last = 10  # byte outside of packets
        self._write = sys.stdout.buffer.write

    async def run(self, stream, data):
        """Answer at `stream`, from which `data` was read."""
        quiet = False
        while True:
            for kind, part in self._parser.quiet() if quiet else self._parser.feed(data):
                if kind is None:
                    self._keys(part)
                elif kind == improv.RPC:
                    await self._answer(part)
            if quiet:
                self._last = 10
            try:
                data = await asyncio.wait_for_ms(_read(stream), _QUIET_MS)
                quiet = False
            except asyncio.TimeoutError:
                quiet = True
            if not quiet and not data:
                return  # there is no console any more

    def _keys(self, data):
        for byte in data:
            # In the rest of a damaged packet it follows some other byte at once. mpremote sends a CR before.
            if byte == _CTRL_C and self._last in (10, 13):
                raise KeyboardInterrupt
            self._last = byte

    async def _answer(self, data):
        command = improv.command_of(data)
        if command is None:
            self._fail(improv.BAD_PACKET)
            return
        command, data = command
        session = self._session
        session.seen = session.app.now()
        if command == improv.CURRENT:
            state = self._tell_state()
            if state == improv.PROVISIONED:
                self._write(improv.result(command, []))
        elif command == improv.INFO:
            name = session.app.config.node or "Dustline"
            self._write(improv.result(command, ["Dustline", VERSION, _chip(), name]))
        elif command == improv.WHY:
            self._write(improv.result(command, self._why))
        elif command not in (improv.WIFI, improv.NETWORKS, improv.KIT):
            self._fail(improv.UNKNOWN_COMMAND)
        elif session.step or session.saved or session.app.setup == 2:
            self._why = ["busy"]
            self._fail(improv.NOT_CONNECTED)
        elif command == improv.NETWORKS:
            self._scan()
        elif command == improv.KIT:
            self._take_piece(data)
        else:
            wifi = improv.wifi_of(data)
            if wifi is None:
                self._fail(improv.BAD_PACKET)
            else:
                await self._try(*wifi)

    def _scan(self):
        self._session.look()
        for one in self._session.networks:
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
                self._session.kit = kit
                words += ["ok", kit["node"]]
            else:
                words += [wrong]
        self._write(improv.result(improv.KIT, words))

    async def _try(self, ssid, password):
        """Let the session try, and say how it went. Whoever types at the console waits meanwhile."""
        session = self._session
        why = core.check_wifi(ssid, password)
        if not why:
            session.ssid, session.password = ssid, password
            why = self._begin()
        if not why:
            self._tell_state()
            while session.step:
                await asyncio.sleep_ms(_LOOK_MS)
            session.seen = session.app.now()
            why = session.why or (None if session.saved else "failed")
        self._tell_state()
        if why:
            detail = session.notes.get("detail")
            self._why = [why, detail] if detail else [why]
            self._fail(improv.NOT_CONNECTED)
            return
        session.shown = True
        # No phone is to find the old network again: the self-test is shown in that of the label.
        use_once("rtcstate", "put", session.app.board, "setup", None)
        self._write(improv.result(improv.WIFI, []))

    def _begin(self):
        """Begin the try. Returns why not, None when it is under way."""
        session = self._session
        session.notes = {}
        try:
            if not core.is_whole(session.settings()):
                return "no_code"
        except OSError as error:
            session.notes = {"detail": str(error)}
            return "flash"
        session.begin()
        return None

    def _tell_state(self):
        session = self._session
        state = improv.READY
        if session.step:
            state = improv.PROVISIONING
        elif session.saved or session.app.setup == 2:
            state = improv.PROVISIONED
        self._write(improv.packet(improv.STATE, bytes((state,))))
        return state

    def _fail(self, code):
        self._write(improv.packet(improv.ERROR, bytes((code,))))


async def _read(stream):
    """What is there of the console's input, once there is something. The chip waits for each byte that it is
    asked for, so they are asked for one by one."""
    data = await stream.read(1)
    poll = select.poll()
    poll.register(sys.stdin, select.POLLIN)
    while 0 < len(data) < _AT_ONCE and poll.poll(0):
        data += sys.stdin.buffer.read(1)
    return data


def _chip():
    """The chip's family as Improv's clients know it."""
    name = sys.implementation._machine.split()[-1]
    return name if not name.startswith("ESP32") or len(name) == 5 else "ESP32-" + name[5:]
