"""A DNS server that gives one address for every name, so that a phone finds the portal wherever it looks."""

import asyncio
import socket

from micropython import const

_LONGEST = const(512)
_IDLE_MS = const(40)
_AT_ONCE = const(8)


def answer(query, address):
    """The reply's bytes to a query's, or None for what is none. `address`: four bytes.

    RFC 1035: header, the question as it came, and for type A (or any) one answer that lives for 1 s; for
    other types, as AAAA, none, which means that there is no such record.
    """
    if not 17 <= len(query) <= _LONGEST or query[2] & 0xF8 or query[4:6] != b"\0\1":
        return None  # a reply, no plain query, or not one question
    at = 12
    while query[at]:
        if query[at] > 63:  # a pointer has no place in a question
            return None
        at += 1 + query[at]
        if at > len(query) - 5 or at > 12 + 254:
            return None
    question = query[12 : at + 5]
    kind = question[-3]
    known = question[-4] == 0 and kind in (1, 255) and question[-2:] == b"\0\1"
    head = (
        query[:2]
        + bytes((0x84 | query[2] & 1, 0x80))
        + b"\0\1"
        + (b"\0\1" if known else b"\0\0")
        + b"\0\0\0\0"
    )
    record = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + address if known else b""
    return head + question + record


async def serve(host, port, address):
    """Answer until cancelled. Raises OSError when the port cannot be had."""
    raw = bytes([int(part) for part in address.split(".")])
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        udp.setblocking(False)
        udp.bind(socket.getaddrinfo(host, port, 0, socket.SOCK_DGRAM)[0][-1])
        while True:
            for _ in range(_AT_ONCE):
                try:
                    query, guest = udp.recvfrom(_LONGEST)
                    reply = answer(query, raw)
                    if reply:
                        udp.sendto(reply, guest)
                except OSError:
                    break  # nothing there, or the guest is gone
            await asyncio.sleep_ms(_IDLE_MS)
    finally:
        udp.close()
