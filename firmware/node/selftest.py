"""Look at each part of the node and say how it is, for whoever stands before it. Loaded for a test only.

Sentences are named by number: selftest_en.py and selftest_pl.py have their words, one loaded after the other.
"""

import os

from micropython import const

from node import files, use_once

_FILE = "selftest.new"
_PARTS = ("wiring", "supply", "wifi", "broker", "clock", "storage", "settings")
_KIB = const(1024)
_LEAST_KIB = const(32)
_HOUR_MS = const(3600000)
_DIAGNOSED_MS = const(600000)  # so long a search's result counts
_HELD_MS = const(21600000)  # without a sync for so long, the clock's time is called held
_SHORT = const(10)  # readings of a start that ended soon
_FEW_DAMAGED = const(20)


async def answer(app, name):
    """Reply to the command of this id."""
    try:
        results = await results_of(app)
        reply = {"v": 1, "id": name, "ok": not any(one["ok"] is False for one in results), "results": results}
    except Exception as error:  # noqa: BLE001 - somebody waits for a reply
        print("selftest: cannot be done:", repr(error))
        reply = {"v": 1, "id": name, "ok": False, "text": "the test itself failed: " + repr(error)[:100]}
    await use_once("commands", "send", app, reply)


async def results_of(app):
    """What was found, as the contract's `reply` has it."""
    async with app._room:
        found = await _look(app)
        english = use_once("selftest_en", "say", found)
        polish = use_once("selftest_pl", "say", found)
        return [
            {"part": part, "ok": ok, "en": english[i], "pl": polish[i]}
            for i, (part, ok, _, _) in enumerate(found)
        ]


async def _look(app):
    """[(part, True, False or None for not to be known, number of the sentence, what stands in it), ...]"""
    found = []
    for sensor in app.sensors:
        part = "sensor_" + sensor.slot
        try:
            if sensor.state == "silent":
                await _diagnose(app, sensor)
            found.append((part,) + _sensor(sensor))
        except Exception as error:  # noqa: BLE001 - the other parts are looked at all the same
            found.append(_failed(part, error))
    if not found:
        found.append(("sensor", False, 0, ()))
    looks = (_wiring, _supply, _wifi, _broker, _clock, _storage, _settings)
    for i, part in enumerate(_PARTS):
        try:
            found.append((part,) + looks[i](app))
        except Exception as error:  # noqa: BLE001 - as above
            found.append(_failed(part, error))
    return found


def _failed(part, error):
    print(f"selftest: {part} cannot be looked at: {error!r}")
    return part, False, 44, (repr(error)[:100],)


async def _diagnose(app, sensor):
    """Find out why a sensor is silent; up to 35 s. What is still to be found has just been searched for."""
    now = app.now()
    if sensor.driver.model == "auto" or "pin" in sensor.entry:
        return
    if sensor.diagnosed is not None and now - sensor.diagnosed < _DIAGNOSED_MS:
        return
    sensor.diagnosed = now
    entry, driver, port = sensor.entry, sensor.driver, sensor.port
    taken = ()
    sensor.port = None  # its own task leaves it alone meanwhile
    try:
        if "uart" in entry:
            port.close()
        else:
            taken = [address for address in port.bus.taken if address != port.address]
        state, _ = await use_once("detect", "diagnose", app.board, entry, driver, app.now, taken)
    finally:
        sensor.port = port  # whatever comes: others count on it
        if "uart" in entry:
            port.uart = app.board.open_uart(
                entry["uart"], entry["tx"], entry["rx"], driver.baud, driver.rxbuf
            )
        else:
            port.bus.open()
    driver.reset()
    if hasattr(driver, "wake"):
        driver.wake(app.now())
    sensor.state = state


def _pins(entry):
    return "/".join([str(entry[name]) for name in ("tx", "rx", "sda", "scl", "pin") if name in entry])


def _sensor(sensor):
    driver, state = sensor.driver, sensor.state
    who = (sensor.slot, driver.model)
    frames = driver.frames
    damaged = sum(driver.rejects.values())
    if state == "failed":
        return False, 12, who + (_most(sensor.faults),)
    number = {"silent": 6, "swapped": 8, "wrong_speed": 9, "not_found": 10, "bus_stuck": 11}.get(state)
    if number:
        return False, number, who
    if damaged > _FEW_DAMAGED and damaged * 10 > frames:
        return False, 2, who + (damaged, _most(driver.rejects))
    if state == "asleep":
        return True, 5, who + (frames,)
    if not frames:
        return None, 7 if state == "ok" else 4, who
    return True, 3 if state == "warming_up" else 1, who + (frames,)


def _most(counts):
    """The reason that was counted most often."""
    return max(counts, key=lambda name: counts[name]) if counts else "?"


def _wiring(app):
    for state, ok, number in (
        ("swapped", False, 14),
        ("bus_stuck", False, 15),
        ("silent", None, 16),
        ("not_found", None, 16),
    ):
        for sensor in app.sensors:
            if sensor.state == state:
                return ok, number, (sensor.slot, _pins(sensor.entry))
    for sensor in app.sensors:
        if not sensor.driver.frames and sensor.state != "wrong_speed":
            return None, 43, ()
    return (True, 13, ()) if app.sensors else (None, 43, ())


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
