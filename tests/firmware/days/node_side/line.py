"""The node's end of its line to the other side: ../world.py has the rules.

Little here leaves garbage, so that what is counted is the firmware's own.
"""

import gc as _gc
import os
import struct
import sys
import time

import micropython

_port = open(int(os.getenv("DUSTLINE_DAYS_FD")), "r+b")  # noqa: SIM115 - an inherited socket, open to the end
_stride = int(os.getenv("DUSTLINE_DAYS_STRIDE") or 0)
LAX = bool(os.getenv("DUSTLINE_DAYS_LAX"))
_leak = [] if os.getenv("DUSTLINE_DAYS_LEAK") else None
_head = bytearray(8)
_two = bytearray(2)
_next = 0  # ms since the start: until then the other side need not be asked
_peak = 0


def _send(kind, n=0, value=0):
    struct.pack_into("<BBHI", _head, 0, kind, n, value, time.uptime_ms())
    _port.write(_head)


def go_on(ms):
    """Let time pass, at most `ms` (-1: as long as you like), or less. Returns how much."""
    global _next
    room = _next - time.uptime_ms()
    if room <= 0:
        _see_peak()
        _send(4)
        _port.readinto(_two)
        _next = time.uptime_ms() + (_two[0] | (_two[1] & 0x7F) << 8)
        if _two[1] & 0x80:
            look()
        return 0
    if ms < 0:
        ms = room
    elif ms < _stride:
        ms = _stride
    if ms > room:
        ms = room
    time.sleep_ms(ms)
    return ms


def ask(text):
    """A request to the chip; returns the answer's first line."""
    _send(3, 0, len(text))
    _port.write(text)
    return _port.readline()


def read(n):
    return _port.read(n)


def readinto(buf):
    return _port.readinto(buf)


def switch(number, value):
    _send(6, number, 1 if value else 0)


def uart_write(number, data):
    _send(2, number, len(data))
    _port.write(data)
    return len(data)


def uart_read(number, buf):
    """Bytes read; 0 and below: nothing, and for so many ms nothing can come."""
    _send(1, number, len(buf))
    _port.readinto(_two)
    n = _two[0] | _two[1] << 8
    if n & 0x8000:
        return -(n & 0x7FFF)
    return _port.readinto(buf, n)


def _see_peak():
    global _peak
    used = _gc.mem_alloc()
    if used > _peak:
        _peak = used


def look():
    """Tell the heap: what is alive, the most that was in use since the last look, and the runtime's words."""
    global _peak
    _see_peak()
    if _leak is not None:
        _leak.append(bytearray(224))
    _gc.collect()
    used = _gc.mem_alloc()
    micropython.mem_info()
    micropython.qstr_info()
    _send(5)
    _port.write(struct.pack("<II", used, _peak))
    _peak = 0


class _Gc:
    """`gc`, that looks at the heap before it is collected."""

    mem_alloc = _gc.mem_alloc
    mem_free = _gc.mem_free
    threshold = _gc.threshold

    def collect(self):
        _see_peak()
        return _gc.collect()


sys.modules["gc"] = _Gc()
if LAX:
    import lax  # noqa: F401 - it takes the place of gc
