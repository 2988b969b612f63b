"""MicroPython's `select`: sockets are the true ones, and waiting takes no time but the simulated clock's.

Before the clock moves past the instant that the other side has named, the other side is asked to carry all
that is under way on the network to its end (line.py).
"""

import line
import uselect
from uselect import POLLERR, POLLHUP, POLLIN, POLLOUT  # noqa: F401 - as they are


class _Poll:
    """Its own iterator: who waits leaves no garbage behind that a chip would not."""

    def __init__(self):
        self._poll = uselect.poll()
        self._first = None
        self.register = self._poll.register
        self.modify = self._poll.modify
        self.unregister = self._poll.unregister
        self.poll = self._poll.poll

    def ipoll(self, ms):
        while not self._look() and ms:
            ms -= line.go_on(ms)
            ms = max(ms, 0)
        return self if self._first else ()

    def _look(self):
        self._ready = self._poll.ipoll(0)
        self._first = next(self._ready, None)
        return self._first

    def __iter__(self):
        return self

    def __next__(self):
        first, self._first = self._first, None
        return first or next(self._ready)


def poll():
    return _Poll()
