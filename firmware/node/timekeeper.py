"""Ask NTP servers for the time, at first often, later now and then."""

import asyncio

from micropython import const

from node import use_once

_RETRY_MS = const(15000)


class Timekeeper:
    """Keeps `clock` right while the network is up."""

    def __init__(self, config, clock, joined):
        self.config = config
        self.clock = clock
        self.joined = joined  # event: the network is there
        self.counters = {"ntp_syncs": 0, "ntp_failures": 0}

    async def run(self):
        """Never returns."""
        while True:
            await self.joined.wait()
            done = False
            for server in self.config.ntp:
                problem = await use_once("sntp", "ask", self.clock.now, server, self._set)
                if problem is None:
                    done = True
                    break
                self.counters["ntp_failures"] += 1
                print("clock:", server, "-", problem)
            await asyncio.sleep_ms(self.config.ntp_every_s * 1000 if done else _RETRY_MS)

    def _set(self, utc_ms, at):
        """It is `utc_ms` at uptime `at` (ms)."""
        self.clock.sync(utc_ms, at)
        self.counters["ntp_syncs"] += 1
        print("clock: set, moved by", self.clock.step_ms, "ms")
