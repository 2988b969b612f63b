"""MicroPython's `time` on a clock that only asyncio's sleeps move (select.py). `utime` is still the true one.

It begins at the true ticks: asyncio's C part stamps what is due at once with those, and must find them past.
"""

import utime

_began = _now = utime.ticks_ms()
ticks_diff = utime.ticks_diff
ticks_add = utime.ticks_add


def ticks_ms():
    return _now


def sleep_ms(ms):
    """Nothing else runs meanwhile, as when a TLS handshake or a flash erasure holds up the node."""
    global _now
    _now += ms


def uptime_ms():
    return _now - _began
