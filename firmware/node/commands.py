"""Do what a `command` message asks, once. Loaded when one comes, and dropped again."""

import asyncio
import json

from micropython import const

from node import files, use_once
from node.mqtt.errors import MqttError

_FILE = "commands.json"  # the last ids of what was done
_REMEMBERED = const(8)
_OLD_S = const(600)  # and as long as a deep sleep lasts, in which none could come
_BLINK_S = const(60)
_REPLY_MS = const(8000)  # a restart waits so long for its reply to be sent
_RESTART_MS = const(2000)  # and so long after it, for the broker to hear that the command has come
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"


def take(app, message):
    """Take a message. Each command that can be read is answered, whether it is done or not."""
    name = message.get("id")
    what = message.get("do")
    sent = message.get("t")
    if message.get("v") != 1 or not _is_id(name) or not isinstance(what, str) or not isinstance(sent, int):
        app.counters["bad_messages"] = app.counters.get("bad_messages", 0) + 1
        print("command: not of the contract's form, left alone")
        return
    print("command:", what, name)
    done = _done(app)
    now = app.clock.utc()
    seconds = message.get("seconds", _BLINK_S)
    old_s = _OLD_S + (app.config.sleep_s if app.config.deep_sleep else 0)
    if name in done:
        # MQTT may deliver it again, for one after a restart before the broker heard that it has come.
        _say(app, name, True, "it came again and was done already")
    elif now is not None and now - sent > old_s:
        _say(app, name, False, f"too old: sent {now - sent} s ago")
    elif what not in ("identify", "reboot", "selftest"):
        _say(app, name, False, f"this node knows no command {what[:32]}")
    elif not isinstance(seconds, int) or not 1 <= seconds <= 3600:
        _say(app, name, False, "seconds must be a whole number from 1 to 3600")
    else:
        _remember(app, done, name)
        if what != "identify":
            _spawn(app, name, what)
        elif app.identify(seconds):
            _say(app, name, True, f"the LED blinks for {seconds} s")
        else:
            _say(app, name, False, "this node has no LED that it knows of: set led in its config.json")


def _is_id(name):
    return isinstance(name, str) and 0 < len(name) <= 32 and all(letter in _LETTERS for letter in name)


def _done(app):
    """Ids of what was done lately."""
    try:
        names = json.loads(files.read(_FILE) or b"[]")
    except ValueError:
        names = []
    more = use_once("rtcstate", "load", app.board).get("done", [])
    return (names if isinstance(names, list) else []) + more


def _remember(app, names, name):
    """Before it is done: what is done twice at most once is a restart."""
    names = (names + [name])[-_REMEMBERED:]
    try:
        files.write(_FILE, json.dumps(names).encode())
    except OSError as error:
        app.counters["flash_errors"] += 1
        print("command: cannot be remembered in flash:", error)
        use_once("rtcstate", "put", app.board, "done", names[-2:])  # that is short


def _spawn(app, name, what):
    _begin(app, _reboot(app, name) if what == "reboot" else use_once("selftest", "answer", app, name))


def _say(app, name, ok, text):
    _begin(app, send(app, {"v": 1, "id": name, "ok": ok, "text": text}))


def _begin(app, work):
    app.commands += 1
    asyncio.create_task(_counted(app, work))


async def _counted(app, work):
    """What a command has begun: the board does not sleep before it is over."""
    try:
        await work
    finally:
        app.commands -= 1


async def send(app, reply):
    """Publish a reply. It goes out while there is a connection, or not at all."""
    try:
        await app.link.publish("reply", json.dumps(reply).encode())
    except MqttError as error:
        print("command: the reply is not sent:", error)


async def _reboot(app, name):
    if app.config.trial:
        use_once("config_remote", "asked", app)
    try:
        reply = {"v": 1, "id": name, "ok": True, "text": "starting anew in 2 s"}
        await asyncio.wait_for_ms(send(app, reply), _REPLY_MS)
    except asyncio.TimeoutError:
        print("command: the broker does not take the reply")
    await asyncio.sleep_ms(_RESTART_MS)
    app.link.drop()  # so that the broker declares the node offline now, and not when it misses it
    app.board.restart()
