"""Time without trusting the chip's clock: uptime in ms, and UTC as an offset to it that NTP gives.

What is done with it once a minute is loaded for that, from stamps.py; epochs.py keeps what it must know over
restarts.
"""

from node import Seldom


class Clock(Seldom):
    """`now` returns ms since boot, a growing int. `utc_ms` is known once `sync` was called. stamps.py says
    what attributes a Clock has, and what else it can do."""

    def __init__(self, now):
        super().__init__("stamps", now)

    @property
    def known(self):
        return self.offset is not None

    @property
    def hopeful(self):
        """Whether a reading without a time should wait for one."""
        return self.offset is None and (self.give_up_at is None or self.now() < self.give_up_at)

    def utc(self):
        """UTC seconds, or None before the first sync."""
        return None if self.offset is None else (self.now() + self.offset) // 1000
