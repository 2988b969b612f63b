"""Ask NTP servers for the time, at first often, later now and then."""

import asyncio
import os
import socket

from micropython import const

from node import sntp

_REPLY_MS = const(2000)
_RETRY_MS = const(15000)


def host_and_port(server):
    """("pool.ntp.org", 123) from `pool.ntp.org` or `pool.ntp.org:123`."""
    host, _, port = server.partition(":")
    return host, int(port or 123)


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
                problem = await self._ask(server)
                if problem is None:
                    done = True
                    break
                self.counters["ntp_failures"] += 1
                print("clock:", server, "-", problem)
            await asyncio.sleep_ms(self.config.ntp_every_s * 1000 if done else _RETRY_MS)

    async def _ask(self, server):
        """Set the clock by one server. None, or why not."""
        try:
            address = socket.getaddrinfo(*host_and_port(server), 0, socket.SOCK_DGRAM)[0][-1]
        except (OSError, ValueError) as error:
            return "cannot be resolved: " + str(error)
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.setblocking(False)
            cookie = os.urandom(8)
            sent = self.clock.now()
            udp.sendto(sntp.request(cookie), address)
            problem = "no reply"
            while self.clock.now() - sent < _REPLY_MS:
                try:
                    packet = udp.recv(64)
                except OSError:  # nothing there yet
                    await asyncio.sleep_ms(10)
                    continue
                utc_ms, problem = sntp.parse(packet, cookie)
                if utc_ms is not None:
                    self._set(utc_ms, sent)
                    return None
            return problem
        except OSError as error:
            return "cannot be asked: " + str(error)
        finally:
            udp.close()

    def _set(self, utc_ms, sent):
        """The reply's time is that of its sending: half a round trip ago."""
        at = self.clock.now()
        self.clock.sync(utc_ms + (at - sent) // 2, at)
        self.counters["ntp_syncs"] += 1
        print("clock: set, moved by", self.clock.step_ms, "ms")
