"""What a Clock does now and then: take the time, give it to readings. Loaded for it, then dropped."""

from micropython import const

from node import use_once

_HELD_AFTER_MS = const(21600000)  # without a sync for so long, a time is called `held`
_LONGEST_HOLD_S = const(3600)
_DRIFT_MS = const(600000)  # below, the jitter of a reply says more than the drift
_BACK_MS = const(3600000)


def load(clock, now):
    """What a Clock begins with."""
    clock.now = now
    clock.boot = 0
    clock.offset = None  # utc_ms - uptime_ms
    clock.synced_at = None  # None also while the time is only what a restart left
    clock.step_ms = 0  # how far the last sync moved the clock
    clock.drift_ppm = None  # by how much uptime ran slow between the last two syncs
    clock.give_up_at = None  # ms: from then on readings are sent without a time; None = no network yet
    clock.first = None  # the offset with which this boot first knew the time
    clock.last = {}  # slot -> t of its last reading
    clock.origin = ()  # epochs.py's
    clock._old = (0, None)  # an earlier boot, and the UTC ms of its start


def sync(clock, utc_ms, at):
    """Take `utc_ms` as the time at uptime `at` (ms)."""
    offset = utc_ms - at
    if clock.first is None:
        clock.first = offset
    if clock.offset is not None:
        clock.step_ms = offset - clock.offset
        if clock.synced_at is not None and at - clock.synced_at >= _DRIFT_MS:
            clock.drift_ppm = clock.step_ms * 1000 // ((at - clock.synced_at) // 1000)
    clock.offset = offset
    clock.synced_at = at
    clock._old = (0, None)


def told(app, utc_ms, at):
    """The time servers say that it is `utc_ms` at uptime `at` (ms)."""
    clock = app.clock
    known = clock.known
    sync(clock, utc_ms, at)
    step = clock.step_ms
    print("clock: set, moved by", step, "ms")
    use_once("epochs", "synced", app, utc_ms, at)
    if known and step < -_BACK_MS:
        # Within a boot times never run back. What was measured is in flash.
        print("clock: it was ahead by more than an hour, starting anew")
        app.board.restart()


def restore(clock, offset, first, last):
    """Go on with the time that a restart or a deep sleep left, until the next sync."""
    clock.offset = offset
    clock.first = first
    clock.last = last


def birth(clock, up, slot):
    """(t, tq) for a reading whose window ended at `up` seconds. No two readings of a slot get the same t, and
    none goes back when a sync set the clock back a little; such a time is called `held`. A clock that was
    wrong by more than an hour is not followed into its future: told() then ends the boot."""
    if clock.offset is None:
        return None, "none"
    t = up + clock.offset // 1000
    fresh = clock.synced_at is not None and clock.now() - clock.synced_at < _HELD_AFTER_MS
    last = clock.last.get(slot, 0)
    if t <= last < t + _LONGEST_HOLD_S:
        t = last + 1
        fresh = False
    clock.last[slot] = t
    return t, "ntp" if fresh else "held"
