"""MicroPython's `select` for asyncio: nothing is ever ready, and waiting takes no time but the clock's."""

import time

POLLIN = 1
POLLOUT = 4


class _Poll:
    def ipoll(self, ms):
        time.sleep_ms(ms)
        return ()


def poll():
    return _Poll()
