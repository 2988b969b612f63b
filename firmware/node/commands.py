"""Do what a `command` message asks, once. Loaded when one comes, and dropped again."""

import asyncio
import json

from micropython import const

from node import files, use_once

_FILE = "commands.json"  # the last ids of what was done
_REMEMBERED = const(8)
_OLD_S = const(600)  # and as long as a deep sleep lasts, in which none could come
_BLINK_S = const(60)
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
    elif what not in ("identify", "reboot", "selftest", "update"):
        _say(app, name, False, f"this node knows no command {what[:32]}")
    elif not isinstance(seconds, int) or not 1 <= seconds <= 3600:
        _say(app, name, False, "seconds must be a whole number from 1 to 3600")
    else:
        _remember(app, done, name)
        if what == "update":
            _say(app, name, *use_once(".update.take", "take", app, message))
        elif what != "identify":
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
    _begin(app, what, name)


def _say(app, name, ok, text):
    _begin(app, "say", name, ok, text)


def _begin(app, what, *arguments):
    work = use_once("commands_do", what, app, *arguments)
    app.commands += 1
    asyncio.create_task(work)
