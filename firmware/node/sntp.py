"""SNTP (RFC 4330): requests and replies as bytes, replies checked before they are believed, servers that must
agree. Loaded while they are asked: once an hour is too rare to fill the heap.
"""

import asyncio
import os
import socket

from micropython import const

_REPLY_MS = const(2000)
_UNIX_FROM_NTP = const(2208988800)  # seconds from 1900 to 1970
_EARLIEST = const(1735689600)  # 2025-01-01: older than this firmware, so a lie
_LATEST = const(4102444800)  # 2100-01-01
_AGREE_MS = const(500)
_DRIFT_MS = const(1000)
_DRIFT_PART = const(2000)  # a crystal is wrong by less than one part in so many
_ALONE = const(3)


def request(cookie):
    """A 48-byte client request. The server must echo `cookie` (8 bytes), which ties its reply to us."""
    packet = bytearray(48)
    packet[0] = 0x23  # version 4, mode 3 (client)
    packet[40:48] = cookie
    return bytes(packet)


def _seconds(packet, at):
    return int.from_bytes(packet[at : at + 4], "big")


def parse(packet, cookie):
    """(utc_ms, None) from a reply, or (None, reason)."""
    if len(packet) < 48:
        return None, "short reply"
    if packet[0] & 7 != 4:
        return None, "not a server's reply"
    if packet[0] >> 6 == 3:
        return None, "server's clock is not set"
    if not 1 <= packet[1] <= 15:
        return None, "stratum " + str(packet[1])
    if bytes(packet[24:32]) != bytes(cookie):
        return None, "reply to another request"
    seconds = _seconds(packet, 40)
    if seconds < 1 << 31:  # era 1 begins in 2036
        seconds += 1 << 32
    seconds -= _UNIX_FROM_NTP
    if not _EARLIEST <= seconds < _LATEST:
        return None, "implausible time"
    return seconds * 1000 + (_seconds(packet, 44) * 1000 >> 32), None


async def agreed(app, counters, failed, take):
    """Ask the configured servers in turn until two agree, and give what they say to take(utc_ms, at), `at` in
    ms of app.now(). True when that was done; `failed`: rounds in a row before this one that were not.

    The node's own clock, once set, is a witness too. One server alone is believed when it is the only one
    configured, and after _ALONE rounds with no other answer by a node that no server has told the time since
    it started: what a restart or a sleep left is no witness, as the chip's clock may have run wrong in it.
    """
    clock, servers = app.clock, app.config.ntp
    heard = []  # (UTC ms - uptime ms, by how many ms that may be wrong)
    for server in servers:
        # To resolve a name blocks for seconds: between two, the others get their turn, and the watchdog.
        await asyncio.sleep_ms(0)
        answer = await _ask(app.now, server)
        if isinstance(answer, str):
            counters["ntp_failures"] += 1
            print("clock:", server, "-", answer)
            continue
        witnesses = list(heard)
        if clock.synced_at is not None:
            age = app.now() - clock.synced_at
            witnesses.append((clock.offset, _DRIFT_MS + age // _DRIFT_PART))
        heard.append(answer)
        if any(_agree(answer, other) for other in witnesses):
            break
    else:
        if len(heard) > 1:
            counters["ntp_disagree"] = counters.get("ntp_disagree", 0) + 1
            print("clock: the time servers disagree, none is believed")
        if len(heard) != 1 or not (len(servers) == 1 or (failed >= _ALONE and clock.synced_at is None)):
            return False
    now = app.now()
    take(now + heard[-1][0], now)
    return True


def _agree(one, other):
    return abs(one[0] - other[0]) <= _AGREE_MS + one[1] + other[1]


async def _ask(now, server):
    """Ask `pool.ntp.org` or `pool.ntp.org:123`. (UTC ms - uptime ms, by how many ms that may be wrong), or
    why there was no answer. Its time is that of its sending, half a round trip ago."""
    host, _, port = server.partition(":")
    try:
        address = socket.getaddrinfo(host, int(port or 123), 0, socket.SOCK_DGRAM)[0][-1]
    except (OSError, ValueError) as error:
        return "cannot be resolved: " + str(error)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        udp.setblocking(False)
        cookie = os.urandom(8)
        packet = request(cookie)
        sent = now()
        udp.sendto(packet, address)
        problem = "no reply"
        while now() - sent < _REPLY_MS:
            try:
                packet = udp.recv(64)
            except OSError:  # nothing there yet
                await asyncio.sleep_ms(10)
                continue
            at = now()
            utc_ms, problem = parse(packet, cookie)
            if utc_ms is not None:
                return utc_ms + (at - sent) // 2 - at, (at - sent) // 2
        return problem
    except OSError as error:
        return "cannot be asked: " + str(error)
    finally:
        udp.close()
