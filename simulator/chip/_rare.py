"""Parts of `machine` that most firmware never asks for, loaded when it does."""

import time

import _chip

_FREQUENCIES = (20000000, 40000000, 80000000, 160000000, 240000000)
_freq = 160000000


def soft_reset():
    """Leaves Wi-Fi up, as on the chip."""
    _chip.end("soft")


def deepsleep(time_ms=None):
    """Ends the process; the runner starts it again after `time_ms` (never by itself when not given)."""
    _chip.end("deepsleep", -1.0 if time_ms is None else time_ms / 1000)


def freq(hertz=None):
    global _freq
    _chip.tick()
    if hertz is None:
        return _freq
    if hertz not in _FREQUENCIES:
        raise ValueError("frequency must be 20MHz, 40MHz, 80Mhz, 160MHz or 240MHz")
    _freq = hertz
    return None


def idle():
    _chip.tick()
    time.sleep_ms(1)


class WDT:
    """Task watchdog. It cannot be stopped once started. See _chip.tick for what it does not see."""

    def __init__(self, id=0, timeout=5000):
        if id != 0:
            raise ValueError("invalid watchdog")
        if timeout <= 0:
            raise ValueError("WDT timeout too short")
        _chip.watch(timeout)

    def feed(self):
        _chip.feed()
