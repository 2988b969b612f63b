"""Ask NTP servers for the time, at first often, later now and then."""

import asyncio
import random

from micropython import const

from node import use_once

_RETRY_MS = const(5000)
_LONGEST_MS = const(900000)
_WAKE_MS = const(10000)  # after a deep sleep all servers are asked once, whatever an earlier wake has waited


class Timekeeper:
    """Keeps app.clock right while the network is up."""

    def __init__(self, app):
        self.app = app
        self.counters = {"ntp_syncs": 0, "ntp_failures": 0}
        self.beat = 0  # grows while run() gets on, see guard.py
        self.failed = app.slept.get("failed", 0)  # rounds in a row that gave no time, over deep sleeps
        self.again = False  # set when there is a reason to ask now

    async def run(self):
        """Never returns."""
        app = self.app
        clock = app.clock
        # A wake is too short for hope to end in it: it goes on where the one before it has ended.
        hope = app.slept.get("hope")
        fails = 0
        while True:
            self.beat += 1
            if not app.link.joined.is_set():
                clock.give_up_at = None
                await app.link.joined.wait()
            if clock.give_up_at is None:
                now = app.now()
                clock.give_up_at = max(hope, now + _WAKE_MS) if hope else now + app.config.clock_wait_s * 1000
                hope = None
            self.again = False
            if await use_once("sntp", "agreed", app, self.counters, self.failed, self._set):
                self.failed = fails = 0
                await asyncio.sleep_ms(app.config.ntp_every_s * 1000)
                continue
            self.failed += 1
            fails += 1
            # At most a quarter of an hour, jittered: the servers are others', and shared by many.
            pause = min(_LONGEST_MS, _RETRY_MS << min(fails - 1, 8))
            pause = pause // 2 + random.getrandbits(16) * pause // 131072
            while pause > 0 and not self.again:
                await asyncio.sleep_ms(min(pause, _RETRY_MS))
                pause -= _RETRY_MS

    def _set(self, utc_ms, at):
        use_once("stamps", "told", self.app, utc_ms, at)
        self.counters["ntp_syncs"] += 1
