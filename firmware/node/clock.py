"""Time without trusting the chip's clock: uptime in ms, and UTC as an offset to it that NTP gives."""

from micropython import const

_HELD_AFTER_MS = const(21600000)  # without a sync for so long, a time is called `held`
_LONGEST_HOLD_S = const(3600)


class Clock:
    """`now` returns ms since boot, a growing int. `utc_ms` is known once `sync` was called."""

    def __init__(self, now):
        self.now = now
        self.offset = None  # utc_ms - uptime_ms
        self.synced_at = None
        self.step_ms = 0  # how far the last sync moved the clock
        self._last = {}  # slot -> t of its last reading

    @property
    def known(self):
        return self.offset is not None

    def sync(self, utc_ms, at):
        """Take `utc_ms` as the time at uptime `at` (ms)."""
        offset = utc_ms - at
        self.step_ms = 0 if self.offset is None else offset - self.offset
        self.offset = offset
        self.synced_at = at

    def utc(self):
        """UTC seconds, or None before the first sync."""
        return None if self.offset is None else (self.now() + self.offset) // 1000

    def birth(self, up, slot):
        """(t, tq) for a reading whose window ended at `up` seconds. No two readings of a slot get the same t,
        and none goes back when a sync set the clock back a little; such a time is called `held`. A clock that
        was wrong by more than an hour is not followed into its future."""
        if self.offset is None:
            return None, "none"
        t = up + self.offset // 1000
        fresh = self.now() - self.synced_at < _HELD_AFTER_MS
        last = self._last.get(slot, 0)
        if t <= last < t + _LONGEST_HOLD_S:
            t = last + 1
            fresh = False
        self._last[slot] = t
        return t, "ntp" if fresh else "held"

    def afterwards(self, up):
        """(t, tq) for a reading of this boot that was born before the clock was known."""
        if self.offset is None:
            return None, "none"
        return up + self.offset // 1000, "back"
