"""Time without trusting the chip's clock: uptime in ms, and UTC as an offset to it that NTP gives.

epochs.py keeps what this one must know over restarts.
"""

from micropython import const

from node import use_once

_HELD_AFTER_MS = const(21600000)  # without a sync for so long, a time is called `held`
_LONGEST_HOLD_S = const(3600)
_DRIFT_MS = const(600000)  # below, the jitter of a reply says more than the drift


class Clock:
    """`now` returns ms since boot, a growing int. `utc_ms` is known once `sync` was called."""

    def __init__(self, now):
        self.now = now
        self.boot = 0
        self.offset = None  # utc_ms - uptime_ms
        self.synced_at = None  # None also while the time is only what a restart left
        self.step_ms = 0  # how far the last sync moved the clock
        self.drift_ppm = None  # by how much uptime ran slow between the last two syncs
        self.give_up_at = None  # ms: from then on readings are sent without a time; None = no network yet
        self.first = None  # the offset with which this boot first knew the time
        self.last = {}  # slot -> t of its last reading
        self.origin = ()  # epochs.py's
        self._old = (0, None)  # an earlier boot, and the UTC ms of its start

    @property
    def known(self):
        return self.offset is not None

    @property
    def hopeful(self):
        """Whether a reading without a time should wait for one."""
        return self.offset is None and (self.give_up_at is None or self.now() < self.give_up_at)

    def sync(self, utc_ms, at):
        """Take `utc_ms` as the time at uptime `at` (ms)."""
        offset = utc_ms - at
        if self.first is None:
            self.first = offset
        if self.offset is not None:
            self.step_ms = offset - self.offset
            if self.synced_at is not None and at - self.synced_at >= _DRIFT_MS:
                self.drift_ppm = self.step_ms * 1000 // ((at - self.synced_at) // 1000)
        self.offset = offset
        self.synced_at = at
        self._old = (0, None)

    def restore(self, offset, first, last):
        """Go on with the time that a restart or a deep sleep left, until the next sync."""
        self.offset = offset
        self.first = first
        self.last = last

    def utc(self):
        """UTC seconds, or None before the first sync."""
        return None if self.offset is None else (self.now() + self.offset) // 1000

    def birth(self, up, slot):
        """(t, tq) for a reading whose window ended at `up` seconds. No two readings of a slot get the same t,
        and none goes back when a sync set the clock back a little; such a time is called `held`. A clock that
        was wrong by more than an hour is not followed into its future: timekeeper.py then ends the boot."""
        if self.offset is None:
            return None, "none"
        t = up + self.offset // 1000
        fresh = self.synced_at is not None and self.now() - self.synced_at < _HELD_AFTER_MS
        last = self.last.get(slot, 0)
        if t <= last < t + _LONGEST_HOLD_S:
            t = last + 1
            fresh = False
        self.last[slot] = t
        return t, "ntp" if fresh else "held"

    def afterwards(self, up):
        """(t, tq) for a reading of this boot that was born before the clock was known. Later syncs do not
        move it: it stays before those that were born after it."""
        if self.first is None:
            return None, "none"
        return up + self.first // 1000, "back"

    def stamp_of(self, boot):
        """stamp(up) -> (t, tq), for readings of a boot that were born without a time."""
        if boot == self.boot:
            return self.afterwards
        if self._old[0] != boot:
            self._old = (boot, use_once("epochs", "start_of", self, boot))
        return self._then

    def _then(self, up):
        start = self._old[1]
        return (None, "none") if start is None else (up + start // 1000, "back")
