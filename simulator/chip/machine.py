"""Stand-in for MicroPython's `machine` on the ESP32, for the Unix port. Values as in the ESP32 port.

What is not here raises AttributeError, as it should: no pretending.
"""

import binascii
import time

import _chip

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

_CAUSES = {
    "power": PWRON_RESET,
    "hard": HARD_RESET,
    "watchdog": WDT_RESET,
    "deepsleep": DEEPSLEEP_RESET,
    "soft": SOFT_RESET,
}
_FREQUENCIES = (20000000, 40000000, 80000000, 160000000, 240000000)
_freq = 160000000


def reset():
    """As the reset button does: no `finally` runs, no buffer is flushed, RAM is lost."""
    _chip.end("hard")


def soft_reset():
    """Leaves Wi-Fi up, as on the chip."""
    _chip.end("soft")


def deepsleep(time_ms=None):
    """Ends the process; the runner starts it again after `time_ms` (never by itself when not given)."""
    _chip.end("deepsleep", -1.0 if time_ms is None else time_ms / 1000)


def reset_cause():
    _chip.tick()
    return _CAUSES[_chip.description.get("reset_cause", "power")]


def unique_id():
    return binascii.unhexlify(_chip.description["unique_id"])


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


# Classes that take memory only when they are used: the stand-ins lie in the heap that the firmware has to
# live in, while the chip's own modules are in its ROM.
_LATER = {"UART": "_uart", "RTC": "_rtc", "Pin": "_pin"}


def __getattr__(name):
    if name not in _LATER:
        raise AttributeError(name)
    found = getattr(__import__(_LATER[name]), name)
    globals()[name] = found
    return found
