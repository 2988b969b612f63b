"""MicroPython's `time` on a clock that only waiting moves (select.py). `utime` is still the true one.

It runs half a day ahead of the true ticks: asyncio's C part stamps what is due at once with those, and must
find them past, also where the true time goes on and this clock is held.
"""

import utime
from utime import gmtime, localtime, mktime, ticks_add, ticks_diff, time  # noqa: F401 - as they are

_began = _now = utime.ticks_ms() + 43200000


def ticks_ms():
    return _now


def sleep_ms(ms):
    """Nothing else runs meanwhile."""
    global _now
    _now += ms


def sleep(seconds):
    sleep_ms(int(seconds * 1000))


sleep_us = utime.sleep_us  # shorter than this clock's step


def uptime_ms():
    return _now - _began
