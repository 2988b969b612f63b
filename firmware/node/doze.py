"""Deep sleep: wake, warm up, measure one window, send, sleep. For nodes with `deep_sleep` only.

A boot goes on over its sleeps: its number, its uptime, its seqs and its clock. What that needs is in the
memory of the chip's clock, which a power cut empties: then the next start is a new boot, as after a crash or
a reset. It is taken out at each wake, so that no state is used twice.
"""

import asyncio

from micropython import const

from node import use_once

_LOOK_MS = const(100)
_JOIN_MS = const(10000)  # for Wi-Fi, per known network and once more
_CONNECT_MS = const(15000)  # for the broker, after it
_ACK_MS = const(30000)  # without one reading less in the outbox
_LISTEN_MS = const(2000)  # for settings and commands, which come once the connection is there
_DRAIN_MS = const(300000)  # to send a backlog, per wake
_COMMAND_MS = const(180000)  # for a command that is under way: a selftest looks for what ails each sensor
_EXTRA_MS = const(60000)  # for a sensor that is slow to wake or to sleep
_LONGEST_PAUSE_S = const(3600)  # between two tries of a network that is away
_LONGEST_SLEEP_MS = const(172800000)
_SHORTEST_MS = const(1000)


def resume(app):
    """(boot, last seq) of the boot that goes on, else None. Sets app.slept, what the last wake has left."""
    board = app.board
    app.slept = use_once("rtcstate", "load", board).get("sleep") or {}
    if not app.slept:
        return None
    kept = app.slept
    # What is used once is not there any more, even if this wake ends by a crash.
    use_once("rtcstate", "put", board, "sleep", {"miss": kept["miss"], "skip": kept["skip"]})
    if app.reset != "deepsleep" or "boot" not in kept:
        app.slept = {}
        return None
    slept = board.rtc_ms() - kept["rtc"]
    if not 0 <= slept <= _LONGEST_SLEEP_MS:
        print("the chip's clock is not what it was before the sleep: a new boot")
        app.slept = {}
        return None
    board.set_uptime(kept["up"] + slept)
    app.health_due = kept["health"]
    return kept["boot"], kept["seq"]


def begin(app):
    """At the start's end: hold the network back until there is something to send, and watch for the sleep."""
    config = app.config
    if app.safe or not config.deep_sleep:
        return
    if config.sleep_s <= 0:
        config.problem("deep_sleep: needs sleep_s above 0; the board stays awake")
        return
    kept = app.slept
    go = asyncio.Event()
    if kept:
        app.dozing = True
        if "laser" in kept:  # counted, and not yet written: flash is not worn at each wake
            app.odometer.slots, app.odometer.saved = kept["laser"]
            app.odometer.changed = True
    else:
        go.set()  # somebody has just switched it on, or it crashed
    run = app.link.run

    async def hold():
        await go.wait()
        await run()

    app.link.run = hold
    asyncio.create_task(app.keep("doze", lambda: _run(app, go, kept)))


async def _run(app, go, kept):
    config, now = app.config, app.now
    miss, skip = kept.get("miss", 0), kept.get("skip", 0)
    while not app.running:  # it searches for a sensor
        await asyncio.sleep_ms(_LOOK_MS)
    while True:
        await _measure(app)
        born = now()
        if skip and not go.is_set():
            skip -= 1
        else:
            app.dozing = False
            go.set()
            if await _send(app):
                miss = 0
            else:
                # Twice as long after each failure: radio is what empties a battery while the network is away.
                miss = min(miss + 1, 8)
                skip = min((1 << miss >> 1) - 1, max(0, _LONGEST_PAUSE_S // max(1, config.sleep_s) - 1))
                print("sleep: no answer from the gateway, next try after", skip, "more wakes")
        until = now() + _COMMAND_MS
        while now() < app.blink_until or app.awake or (app.commands and now() < until):
            await asyncio.sleep_ms(_LOOK_MS)
        if config.sleep_s > 0 and not app.outbox.ring:
            break
        # What flash did not take would be lost. The next reading that it takes brings these along.
        print("sleep: not now,", "readings wait in memory" if app.outbox.ring else "sleep_s is 0")
        app.dozing = False
        go.set()
        while config.sleep_s <= 0 or app.outbox.ring:
            await asyncio.sleep_ms(_LOOK_MS)
    if app.link.client:
        await app.link.client.disconnect()  # a goodbye, so that the broker does not declare the node lost
    _sleep(app, born, miss, skip)


async def _measure(app):
    """Wait until each sensor has had its window and sleeps, as long as that may take."""
    until = app.now() + _EXTRA_MS
    if app.measurements:
        until += max([m._ms("warmup_s") + m._ms("window_s") for m in app.measurements])
    while not all(m._asleep and m.driver.settled for m in app.measurements) and app.now() < until:
        await asyncio.sleep_ms(_LOOK_MS)


async def _send(app):
    """Have the outbox acked, and health if it is due. False when that did not work in time."""
    now, outbox = app.now, app.outbox
    start = now()
    depth = outbox.depth
    until = start + _JOIN_MS * (1 + len(app.config.wifi))
    while not app.link.up.is_set():
        if now() > until + (_CONNECT_MS if app.link.joined.is_set() else 0):
            return False
        await asyncio.sleep_ms(_LOOK_MS)
    up = last = now()
    while outbox.depth or now() >= app.health_due or now() - up < _LISTEN_MS:
        if outbox.depth < depth:
            depth = outbox.depth
            last = now()
        if now() - last > _ACK_MS or now() - start > _DRAIN_MS:
            return not outbox.depth
        await asyncio.sleep_ms(_LOOK_MS)
    return True


def _sleep(app, born, miss, skip):
    board, outbox = app.board, app.outbox
    for sensor in app.sensors:
        if sensor.switch:
            sensor.switch.value(1 - sensor.entry.get("power_on", 1))
            board.hold(sensor.switch)
    kept = {"miss": miss, "skip": skip}
    if app.odometer.changed:
        kept["laser"] = app.odometer.slots, app.odometer.saved
    # Without network nobody was asked for the time: then what an earlier wake has waited still counts.
    kept["hope"] = app.slept.get("hope") if app.dozing else app.clock.give_up_at
    kept["failed"] = app.timekeeper.failed
    use_once("epochs", "freeze", app)
    kept["boot"] = outbox.boot
    kept["seq"] = outbox.seq
    kept["health"] = app.health_due
    kept["rtc"] = board.rtc_ms()
    kept["up"] = app.now()
    try:
        use_once("rtcstate", "put", board, "sleep", kept)
    except ValueError as error:
        print("sleep: not all of it can be kept, the next wake is a new boot:", error)
    rest = max(_SHORTEST_MS, app.config.sleep_s * 1000 - (app.now() - born))
    print("sleep: for", rest // 1000, "s")
    board.deepsleep(rest)
