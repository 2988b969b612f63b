"""Whether all tasks get on. Loaded some times within the watchdog's time, and dropped again.

Each task has a counter, `beat`, that grows when its loop turns. How long it may rest is what the task may
wait for by its settings, and the watchdog's time on top. A task that waits for the network is not judged
without it; one that may wait for the room, which what loads much code takes in turn, not while that is taken.
"""

from micropython import const

from node import use_once

_GOOD_MS = const(600000)
_SAFE_MS = const(3600000)
_ROOM_S = const(900)  # searches and diagnoses of several sensors, one after the other
_SESSION_S = const(180)  # to resolve a name, connect, subscribe, with a pause before
_CLOCK_S = const(900)  # the longest pause after a failure
_PUBLISH_S = const(40)  # two waits for a PUBACK


def look(app):
    """Returns when all is well; restarts the node when a task is stuck, or when safe mode has lasted long
    enough. To be called again and again."""
    now = app.now()
    text = app.config.watchdog_s and stuck(app, now)
    if text:
        use_once("crash", "restart", app, None, text)
    if app.safe and (now > _SAFE_MS or app.config.version != app.safe_version):
        print("safe mode is over, starting anew")
        app.board.restart()
    if app.crashes and now > _GOOD_MS and not app.safe:
        use_once("crash", "forgive", app)


def stuck(app, now):
    """Which task rests for too long, in words, or None."""
    for name, beat, limit_s in signs(app):
        known = app.lives.get(name)
        if known is None or limit_s is None or known[0] != beat:
            app.lives[name] = (beat, now)
        elif now - known[1] > limit_s * 1000:
            return f"task {name} did nothing for {(now - known[1]) // 1000} s"
    return None


def signs(app):
    """[(task, its sign of life, s that it may stay the same or None for ever), ...]"""
    config = app.config
    slack = config.watchdog_s
    busy = app._room.locked()
    up = app.link.up.is_set()
    joined = app.link.joined.is_set()
    link_s = config.spread_s + _SESSION_S + slack
    clock_s = config.ntp_every_s + _CLOCK_S + slack
    sender_s = 2 * config.ack_timeout_s + _PUBLISH_S + slack
    found = [
        ("room", 0, _ROOM_S if busy else None),
        ("link", app.link.beat, None if busy or app.dozing else link_s),
        ("clock", app.timekeeper.beat, clock_s if joined and not busy else None),
        ("sender", app.sender.beat, sender_s if up and not busy else None),
        ("health", app.beat, config.health_s + _PUBLISH_S + slack if up and not busy else None),
    ]
    for sensor in app.sensors:
        found.append(("sensor " + sensor.slot, sensor.beat, None if busy else slack))
    return found
