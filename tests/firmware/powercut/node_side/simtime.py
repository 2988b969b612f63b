"""asyncio on a clock that only waiting moves: a day passes as fast as the node can work."""

import asyncio.core as core
import time

_began = time.ticks_ms() + 43200000
_now = 0  # ms


class _Queue:
    """In the place of asyncio's sockets: nothing ever comes from them."""

    def __init__(self):
        self.map = {0: 0}  # asyncio waits as long as something is in it

    def wait_io_event(self, ms):
        if ms < 0:
            raise RuntimeError("every task waits for ever")
        skip(ms)

    def remove(self, _task):
        pass


def now():
    """ms since fresh()."""
    return _now


def skip(ms):
    """Let time pass in which nothing runs."""
    global _now
    _now += ms


def _ticks():
    # Ahead of the true ticks, with which asyncio's C part stamps what is due at once.
    return time.ticks_add(_began, _now)


def fresh():
    """A new loop without tasks, and time begins anew: a start."""
    global _now
    _now = 0
    core.new_event_loop()
    core._io_queue = _Queue()


def run(ms):
    """Let all tasks run for so long."""
    core.run_until_complete(core.create_task(asyncio_sleep(ms)))


def hold():
    """Put this node's tasks and time by, for another to run meanwhile."""
    return _now, (core._task_queue, core._io_queue)


def release(now, loop):
    """Go on with those."""
    global _now
    _now = now
    core._task_queue, core._io_queue = loop


async def asyncio_sleep(ms):
    await core.sleep_ms(ms)


core.ticks = _ticks
