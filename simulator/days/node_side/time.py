"""The node's end of its line to the other side: ../world.py has the rules. It stands in for MicroPython's
`time`, `select`, `gc`, `machine` and `network`, all in one, as little as can be: it lies in the node's heap.

The clock is one that only waiting moves. It runs half a day ahead of the true ticks: asyncio's C part stamps
what is due at once with those, and must find them past, also where the true time goes on and this clock is
held. Sockets are the true ones. Before the clock moves past the instant that the other side has named, the
other side is asked to carry all that is under way on the network to its end. In between nothing comes, so
sockets are looked at no more: a look at one with TLS takes the Unix port a true millisecond.

The chip is played at the other end: as simulator/chip/machine.py, whose answers these are, and two more.
Little here leaves garbage, so that what is counted is the firmware's own.
"""

import builtins
import gc as _gc
import io
import json
import os
import struct
import sys
from gc import mem_alloc, mem_free, threshold  # noqa: F401 - as they are

import micropython
import uselect
import utime
from uselect import POLLERR, POLLHUP, POLLIN, POLLOUT  # noqa: F401
from utime import gmtime, localtime, mktime, sleep_us, ticks_add, ticks_diff, time  # noqa: F401

_port = open(int(os.getenv("DUSTLINE_DAYS_FD")), "r+b")  # noqa: SIM115 - an inherited socket, open to the end
_stride = int(os.getenv("DUSTLINE_DAYS_STRIDE") or 0)
_lax = bool(os.getenv("DUSTLINE_DAYS_LAX"))
_leak = [] if os.getenv("DUSTLINE_DAYS_LEAK") else None
_head = bytearray(8)
_two = bytearray(2)
_began = _now = utime.ticks_ms() + 43200000
_next = 0  # instant until which the other side need not be asked
_peak = 0
_carried = 0  # times that the other side was asked


def ticks_ms():
    return _now


def sleep_ms(ms):
    """Nothing else runs meanwhile."""
    global _now
    _now += ms


def sleep(seconds):
    sleep_ms(int(seconds * 1000))


def _send(kind, n=0, value=0):
    struct.pack_into("<BBHI", _head, 0, kind, n, value, _now - _began)
    _port.write(_head)


def _go_on(ms):
    """Let time pass, at most `ms` (-1: as long as you like), or less. Returns what is left of it."""
    global _carried, _next, _peak, _now
    room = _next - _now
    if room <= 0:
        _carried = (_carried + 1) & 0xFFFF
        _peak = max(_peak, mem_alloc())
        _send(4)
        _port.readinto(_two)
        _next = _now + (_two[0] | (_two[1] & 0x7F) << 8)
        if _two[1] & 0x80:
            # The heap: what is alive, the most that was in use since the last look, and the runtime's words.
            if _leak is not None:
                _leak.append(bytearray(224))
            _gc.collect()
            used = mem_alloc()
            micropython.mem_info()
            micropython.qstr_info()
            _send(5)
            _port.write(struct.pack("<II", used, _peak))
            _peak = 0
        return max(ms, 0)
    step = room if ms < 0 else min(max(ms, _stride), room)
    _now += step
    return max(ms - step, 0)


class _Poll:
    """Its own iterator: who waits leaves no garbage behind that a chip would not."""

    def __init__(self):
        self._poll = uselect.poll()
        self._first = None
        self._seen = -1  # `_carried` when nothing was ready, and nothing was added since
        self.unregister = self._poll.unregister
        self.poll = self._poll.poll

    def register(self, thing, events=POLLIN | POLLOUT):
        self._seen = -1
        self._poll.register(thing, events)

    def modify(self, thing, events):
        self._seen = -1
        self._poll.modify(thing, events)

    def ipoll(self, ms):
        while True:
            if self._seen != _carried:
                self._ready = self._poll.ipoll(0)
                self._first = next(self._ready, None)
                self._seen = -1 if self._first else _carried
            if self._first or not ms:
                return self if self._first else ()
            ms = _go_on(ms)

    def __iter__(self):
        return self

    def __next__(self):
        first, self._first = self._first, None
        return first or next(self._ready)


poll = _Poll


def collect():
    """The heap is looked at before it is collected."""
    global _peak
    _peak = max(_peak, mem_alloc())
    return _gc.collect()


def _ask(*request):
    answer = f"{request!r}\n"
    _send(3, 0, len(answer))
    _port.write(answer)
    answer = _port.readline()
    kind = answer[0]
    answer = answer[1:-1]
    if kind == 35:  # "#"
        return _Thing(answer)
    if kind == 60:  # "<"
        return _port.readinto(memoryview(request[1][1])[: int(answer)])
    if kind == 36:  # "$"
        return _port.read(int(answer))
    if kind == 61:  # "="
        return eval(answer)  # from our own side
    if kind == 64:  # "@"
        path, number = answer.split()
        return _Thing(path, int(path if number == b"s" else number))
    answer = json.loads(answer)  # ":"
    if kind == 33:  # "!"
        raise getattr(builtins, answer[0])(*answer[1:])
    return answer


class _Thing(io.IOBase):
    """Something at the other end: a module, a class, a function, an object. What is called often has a
    `number`, and asks for no answer: a watchdog or a pin, which are switched, and a UART. Of that the other
    side says for how long nothing can come, so that most polls ask nobody."""

    def __init__(self, path, number=None):
        self.__path__ = path
        self._number = number
        self._next = 0

    def __getattr__(self, name):
        thing = _ask(self.__path__, name)
        if _lax and isinstance(thing, _Thing):
            setattr(self, name, thing)  # half of the questions, where the heap is not the subject
        return thing

    def __call__(self, *args, **more):
        if args and self._number is not None:
            return _send(6, self._number, 1 if args[0] else 0)
        return _ask(self.__path__, args, more)

    def __repr__(self):
        return "{" + repr(self.__path__) + "}"

    def feed(self):
        self(1)

    def write(self, data):
        self._next = 0
        _send(2, self._number, len(data))
        _port.write(data)
        return len(data)

    def readinto(self, buf):
        if _now < self._next:
            return None
        _send(1, self._number, len(buf))
        _port.readinto(_two)
        n = _two[0] | _two[1] << 8
        if n and not n & 0x8000:
            return _port.readinto(buf, n)
        self._next = _now + (n & 0x7FFF)
        return None


sys.modules["select"] = sys.modules["gc"] = sys.modules["time"]
for _name in ("machine", "network", "esp32"):
    sys.modules[_name] = _Thing(_name)
if _lax:
    import lax  # noqa: F401 - it takes the place of gc
