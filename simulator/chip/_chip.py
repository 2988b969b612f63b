"""The chip that this process plays: read from the JSON file that DUSTLINE_CHIP names. Runs on MicroPython.

Shared by the stand-ins machine, network and esp32. Beside that file lie, with its name and one more ending:
  .end   written when the chip ends itself: {"cause": "hard", "wake_s": 0.0, "wifi": true}, read by the runner
  .rtc   what the RTC domain keeps over resets but not over a power cut: clock offset and user memory
  .nvs   non-volatile storage
The process then ends by signal SIGUSR1, not by an exception: a chip in reset runs no `finally` either.
"""

import json
import os
import sys
import time

PATH = os.getenv("DUSTLINE_CHIP")
if not PATH:
    raise ImportError("DUSTLINE_CHIP is not set: it names the JSON file that describes the simulated chip")
with open(PATH) as _file:
    description = json.load(_file)

# What a shell sees when the signal could not be sent (no `kill` on this machine).
EXIT_RESET = 64
EXIT_GONE = 65

_dog_ms = 0
_dog_fed = 0
wlan = None  # set by network to its WLAN class: a soft reset leaves Wi-Fi up


def say(text):
    """A line on the serial console, as the chip's ROM and IDF print them."""
    sys.stderr.write(text + "\n")


def tick():
    """Called by every stand-in at every call: a watchdog that was not fed in time ends the process.

    A loop that never calls into the chip is not caught; on the board it would be.
    """
    if _dog_ms and time.ticks_diff(time.ticks_ms(), _dog_fed) > _dog_ms:
        say("E task_wdt: not fed for %d ms, the chip resets" % _dog_ms)
        end("watchdog")


def watch(timeout_ms):
    global _dog_ms
    feed()
    _dog_ms = timeout_ms


def feed():
    global _dog_fed
    tick()
    _dog_fed = time.ticks_ms()


def end(cause, wake_s=0.0):
    """End this process at once; the runner starts it again with reset_cause `cause`."""
    global _dog_ms
    _dog_ms = 0
    joined = wlan is not None and wlan._connected
    with open(PATH + ".end", "w") as file:
        json.dump({"cause": cause, "wake_s": wake_s, "wifi": cause == "soft" and joined}, file)
    os.system("kill -USR1 $PPID")  # noqa: S605 - a fixed command; this port has no os.kill
    for _ in range(100):
        time.sleep_ms(10)
    sys.exit(EXIT_RESET)


def gone(what):
    """The simulator's side of something vanished: nothing that firmware could handle."""
    say("simulator: %s is gone (did the simulator end?); this node ends too" % what)
    sys.exit(EXIT_GONE)


def load(ending):
    try:
        with open(PATH + ending) as file:
            return json.load(file)
    except OSError:
        return {}


def save(ending, content):
    with open(PATH + ending + ".new", "w") as file:
        json.dump(content, file)
    os.rename(PATH + ending + ".new", PATH + ending)
