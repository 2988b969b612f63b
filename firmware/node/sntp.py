"""SNTP requests and replies as bytes (RFC 4330), checked before they are believed."""

from micropython import const

_UNIX_FROM_NTP = const(2208988800)  # seconds from 1900 to 1970
_EARLIEST = const(1735689600)  # 2025-01-01: older than this firmware, so a lie
_LATEST = const(4102444800)  # 2100-01-01


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
