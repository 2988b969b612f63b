"""Stand-in for MicroPython's `machine` on the ESP32, for the Unix port. Values as in the ESP32 port.

What is not here raises AttributeError, as it should: no pretending.
"""

import binascii

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


def reset():
    """As the reset button does: no `finally` runs, no buffer is flushed, RAM is lost."""
    _chip.end("hard")


def reset_cause():
    _chip.tick()
    return _CAUSES[_chip.description.get("reset_cause", "power")]


def unique_id():
    return binascii.unhexlify(_chip.description["unique_id"])


# Parts that take memory only when they are used: the stand-ins lie in the heap that the firmware has to
# live in, while the chip's own modules are in its ROM.
_LATER = {"UART": "_uart", "RTC": "_rtc", "Pin": "_pin"}
_RARE = ("WDT", "soft_reset", "deepsleep", "freq", "idle")


def __getattr__(name):
    module = "_rare" if name in _RARE else _LATER.get(name)
    if module is None:
        raise AttributeError(name)
    found = getattr(__import__(module), name)
    globals()[name] = found
    return found
