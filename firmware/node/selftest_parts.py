"""What the selftest says of all but the sensors. Loaded for it, then dropped."""

import os

from micropython import const

from node import files, use_once

_FILE = "selftest.new"
_KIB = const(1024)
_LEAST_KIB = const(32)
_HOUR_MS = const(3600000)
_HELD_MS = const(21600000)  # without a sync for so long, the clock's time is called held
_SHORT = const(10)  # readings of a start that ended soon


def look(app, found):
    """Add what is found, as selftest.py has it."""
    for part, its in (
        ("supply", _supply),
        ("wifi", _wifi),
        ("broker", _broker),
        ("clock", _clock),
        ("storage", _storage),
        ("settings", _settings),
    ):
        try:
            found.append((part,) + its(app))
        except Exception as error:  # noqa: BLE001 - the other parts are looked at all the same
            found.append(use_once("selftest", "failed", part, error))


def _supply(app):
    """The ESP32 tells a brown-out as a power-on, so only what repeats is a hint."""
    up = app.now()
    if up > 24 * _HOUR_MS:
        return True, 19, (up // _HOUR_MS,)
    if app.reset not in ("power", "unknown"):
        return None, 20, ()
    short = 0
    for _, last in app.outbox.born[1:]:
        if last >= _SHORT:
            break
        short += 1
    if short > 1:
        return False, 17, (short + 1,)
    return None, 18, (up // 60000,)


def _wifi(app):
    if not app.link.wifi.is_up():
        return False, 25, (", ".join([network["ssid"] for network in app.config.wifi]),)
    rssi = app.link.wifi.rssi()
    if rssi is None:
        return None, 26, ()
    number = 21 if rssi >= -60 else 22 if rssi >= -70 else 23 if rssi >= -80 else 24
    return number != 24, number, (rssi,)


def _broker(app):
    broker = app.config.broker
    host = broker["host"]
    if not host:
        return False, 31, ()
    if app.link.up.is_set():
        return True, 27 if broker["tls"] else 28, (host,)
    return (False, 29, (host,)) if app.link.wifi.is_up() else (None, 30, (host,))


def _clock(app):
    clock = app.clock
    if clock.offset is None:
        return False, 35, ()
    if clock.synced_at is None:
        return None, 33, ()
    age = app.now() - clock.synced_at
    if age > _HELD_MS:
        return False, 34, (age // _HOUR_MS,)
    return True, 32, (age // 60000,)


def _storage(app):
    pattern = bytes([i * 37 & 255 for i in range(256)])
    try:
        files.write(_FILE, pattern)
        same = files.read(_FILE) == pattern
        files.remove(_FILE)
        if not same:
            return False, 37, ("other bytes",)
        room = os.statvfs(".")
    except OSError as error:
        return False, 37, (error,)
    free = room[1] * room[4] // _KIB
    outbox = app.outbox
    if free < _LEAST_KIB:
        return False, 38, (free,)
    if outbox.aside:
        return False, 40, (outbox.aside,)
    if outbox.thinned:
        return False, 39, (outbox.depth,)
    return True, 36, (free, outbox.depth)


def _settings(app):
    problems = app.config.problems
    return (False, 42, (len(problems), problems[0][:150])) if problems else (True, 41, ())
