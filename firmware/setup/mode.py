"""Set-up mode: the node's own network, its page, and the LED; then the self-test beside the running node.

app.setup is 1: only sensors run, into the outbox, until settings were tried and kept; then the board starts
anew with app.setup 2: the node runs as ever, and its network stays a while longer to show the self-test.
"""

import asyncio
import gc
import os
import sys

import micropython
from micropython import const

from node import use_once
from setup import core, dns, portal, radio
from setup.http import Server

_AGAIN_MS = const(1000)
_ANSWERED_MS = const(500)  # a page is sent and let go of in it
_ALONE_S = const(600)  # a node that has settings already does not wait for longer without a guest
_LONGEST_MS = const(3600000)  # nor for longer with one
_LEAVE_MS = const(6000)  # after the outcome was shown
_UNSEEN_MS = const(40000)  # and when nobody looks
_TEST_MS = const(90000)  # so long the self-test waits for sensors and broker
_SHOW_MS = const(180000)  # its results are shown, after the last look
_SHOW_LONGEST_MS = const(900000)
# As node/led.py has them: a bit for each quarter of a second.
_OPEN = const(0x0F0F)  # 1 s on, 1 s off
_FAILED = const(0x050F)
_TRYING = const(0x3333)
_SAVED = const(0x7777)
_WELL = const(0x0777)
_OTHER = const(0x013F)


class Session:
    """What the page shows, and what it has been told. `kit` and `password` were typed and never go back."""

    def __init__(self, app):
        self.app = app
        self.stored = core.stored()
        self.token = "".join([f"{byte:02x}" for byte in os.urandom(12)])
        self.at = radio.ADDRESS
        self.name = ""
        self.networks = []
        self.kit = None
        self.ssid = None
        self.password = ""
        self.step = None  # what a try does now: "join", "address", "broker", "save"
        self.why = None  # why the last one failed
        self.notes = {}  # see core.try_settings
        self.saved = False
        self.kept = False  # without a try that worked
        self.shown = False  # somebody has seen that
        self.seen = app.now()  # when a guest asked for something last
        self.results = None  # of the self-test
        self.testing = False
        self.usual = None  # what the LED says otherwise

    def look(self):
        """Search for networks anew. Blocks for some seconds."""
        try:
            self.networks = core.scan(self.app.link.wifi)
        except (OSError, MemoryError) as error:
            print("setup: cannot look for networks:", repr(error))

    def settings(self):
        """config.json's object as it will be. Raises OSError."""
        self.stored = core.stored()  # the serial line may have changed it
        return core.merged(self.stored, self.kit, self.ssid, self.password)

    def begin(self, keep=False):
        """Try what was typed, and keep it when it works; with `keep` without a try."""
        self.step, self.why = "join", None
        self.notes = {}
        asyncio.create_task(self._attempt(keep))

    async def _attempt(self, keep):
        # The page that says so needs as much memory as a try: first the one, then the other.
        await asyncio.sleep_ms(_ANSWERED_MS)
        gc.collect()
        try:
            raw = self.settings()
            self.why = None if keep else await core.try_settings(self.app, raw, self.say)
            if self.why is None:
                self.step = "save"
                core.save(raw)
                self.saved, self.kept = True, keep
                print("setup: the settings are kept")
                _hand_on(self)
        except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits for an answer
            print("setup: the try itself failed:", repr(error))
            self.why = "memory" if isinstance(error, MemoryError) else "failed"
            self.notes["detail"] = repr(error)[:100]
        if not self.saved:
            print("setup: not kept:", self.why)
            core.clean(self.stored)
        self.step = None
        gc.collect()

    def say(self, step, value):
        if step in ("join", "address", "broker"):
            self.step = step
        self.notes[step] = value

    def light(self, app, now):
        if app.setup == 2:
            pattern = _verdict(self.results)
            if pattern is None:
                return self.usual(app, now) if self.usual else 0
        elif self.saved:
            pattern = _SAVED
        else:
            pattern = _TRYING if self.step else _FAILED if self.why else _OPEN
        return pattern >> (now // 250 & 15) & 1


def _verdict(results):
    """The LED's pattern for what the self-test found. None: node/led.py has the pattern for that."""
    if not results:
        return None
    for one in results:
        if one["ok"] is False and one["part"][:6] in ("wifi", "broker", "sensor"):
            return None
    return _OTHER if any(one["ok"] is False for one in results) else _WELL


def _hand_on(session):
    """The next start shall show the self-test; in a network of the same name and password, which a kit code
    may have changed: a phone that is on it shall find it again."""
    session.app.board.nvs_set("setup", 2)
    use_once("rtcstate", "put", session.app.board, "setup", [session.name, session.key])


async def run(app):
    """With app.setup 1 this ends by a restart only; with 2 it returns at once, and goes on beside."""
    session = Session(app)
    if app.setup == 2:
        asyncio.create_task(app.keep("setup", lambda: _show(session)))
        return
    app.dozing = True  # no task is to be missed
    app.light = session.light
    print("setup: measuring goes on; readings wait in flash until the settings are there")
    session.look()
    guests = await _open(session)
    begun = app.now()
    whole = core.is_whole(session.stored)
    alone = app.config.portal.get("idle_s", _ALONE_S) * 1000
    while True:
        now = app.now()
        if session.saved and now - session.seen > (_LEAVE_MS if session.shown else _UNSEEN_MS):
            break
        idle = now - session.seen > alone or now - begun > _LONGEST_MS
        if whole and idle and not session.step and not session.saved:
            print("setup: nobody came, closing")
            break
        await asyncio.sleep_ms(_AGAIN_MS)
    _close(session, guests)
    app.board.restart()


async def _open(session):
    """Open network, page and names. Returns the task of the names."""
    app = session.app
    portal_set = app.config.portal
    kept = use_once("rtcstate", "load", app.board).get("setup")
    use_once("rtcstate", "put", app.board, "setup", None)
    if app.setup == 2 and kept:
        session.name, session.key = kept
    else:
        session.name, session.key = radio.name_of(app), _password(session)
    session.radio = radio.open_network(app.board, session.name, session.key)
    print("setup: network", session.name, "is open")
    host, port = radio.ADDRESS, 80
    if "page" in portal_set:  # where nobody may have port 80, as in the simulator
        session.at = portal_set["page"]
        host, _, port = session.at.partition(":")
    session.server = Server(lambda request: portal.handle(session, request))
    await session.server.start(host, int(port))
    print("setup: page http://" + session.at + "/")
    session.serial = asyncio.create_task(app.keep("serial", lambda: _listen(session)))
    names = portal_set.get("dns", 53)
    return asyncio.create_task(app.keep("names", lambda: dns.serve(host, names, radio.ADDRESS)))


async def _listen(session):
    """Answer at the console once somebody writes there. Most set up without a cable, and what answers there
    takes memory."""
    micropython.kbd_intr(-1)  # see serial.py
    try:
        stream = asyncio.StreamReader(sys.stdin.buffer)
        begun = await stream.read(1)
        if begun:
            await __import__("setup.serial").serial.Serial(session).run(stream, begun)
    finally:
        micropython.kbd_intr(3)


def _password(session):
    """That of config.json; else a new one, kept there and printed: there is no label to read it from."""
    password = session.app.config.portal.get("password")
    if isinstance(password, str) and 8 <= len(password.encode()) <= 63:
        return password
    password = radio.new_password()
    kept = session.stored.get("portal")
    session.stored["portal"] = dict(kept) if isinstance(kept, dict) else {}
    session.stored["portal"]["password"] = password
    session.app.config.portal["password"] = password
    try:
        core.save(session.stored)
    except OSError as error:
        print("setup: the password cannot be kept, the next start has another:", error)
    print("setup: the password of this node's network is", password)
    return password


def _close(session, guests):
    guests.cancel()
    session.serial.cancel()
    session.server.close()
    session.radio.active(False)
    print("setup: closed")


async def _show(session):
    """Beside the running node: wait until all is up, test, show it; then start anew, since what set-up has
    loaded would stay in the heap in pieces."""
    app = session.app
    guests = await _open(session)
    session.usual = app.light if app.led else None
    app.light = session.light
    begun = app.now()
    try:
        while app.now() - begun < _TEST_MS and not _is_up(app):
            await asyncio.sleep_ms(_AGAIN_MS)
        session.testing = True
        while session.testing:
            session.results = await use_once("selftest", "results_of", app)
            for one in session.results:
                print("setup:", {True: "ok", False: "BAD", None: "?"}[one["ok"]], one["part"], one["en"])
            session.testing = False
            session.seen = app.now()
            while not session.testing and app.now() - session.seen < _SHOW_MS:
                if app.now() - begun > _SHOW_LONGEST_MS:
                    break
                await asyncio.sleep_ms(_AGAIN_MS)
    finally:
        _close(session, guests)
    app.link.drop()
    app.board.restart()


def _is_up(app):
    heard = all(sensor.driver.frames for sensor in app.sensors)
    return heard and not app.unfound and app.link.up.is_set() and app.clock.known
