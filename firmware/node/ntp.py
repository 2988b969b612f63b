"""One question to one NTP server. Loaded while it is asked: once an hour is too rare to fill the heap."""

import asyncio
import os
import socket

from micropython import const

from node import use_once

_REPLY_MS = const(2000)


def host_and_port(server):
    """("pool.ntp.org", 123) from `pool.ntp.org` or `pool.ntp.org:123`."""
    host, _, port = server.partition(":")
    return host, int(port or 123)


async def ask(now, server, take):
    """Ask, and give the answer to take(utc_ms, at): `at` in ms of now(). The reply's time is that of its
    sending, half a round trip ago. Returns None, or why there was no answer."""
    try:
        address = socket.getaddrinfo(*host_and_port(server), 0, socket.SOCK_DGRAM)[0][-1]
    except (OSError, ValueError) as error:
        return "cannot be resolved: " + str(error)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        udp.setblocking(False)
        cookie = os.urandom(8)
        request = use_once("sntp", "request", cookie)
        sent = now()
        udp.sendto(request, address)
        problem = "no reply"
        while now() - sent < _REPLY_MS:
            try:
                packet = udp.recv(64)
            except OSError:  # nothing there yet
                await asyncio.sleep_ms(10)
                continue
            at = now()
            utc_ms, problem = use_once("sntp", "parse", packet, cookie)
            if utc_ms is not None:
                take(utc_ms + (at - sent) // 2, at)
                return None
        return problem
    except OSError as error:
        return "cannot be asked: " + str(error)
    finally:
        udp.close()
