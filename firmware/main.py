"""Dustline node. MicroPython runs this at power-on. No update changes it; what runs then is run.py."""

import gc
import sys
import time

import machine

try:
    # In here: a file that flash did not give whole must not leave the board standing.
    __import__("stage").begin()  # and not by a name: it must not stay in the heap
    gc.collect()
    import run  # noqa: F401 - of the version that the stage has chosen

    raise RuntimeError("run.py has ended")
except Exception as error:  # noqa: BLE001 - a board that stops is a board that somebody must visit
    sys.print_exception(error)  # pyright: ignore[reportAttributeAccessIssue]
    print("node: cannot start, trying anew in 5 s")
    time.sleep(5)
    machine.reset()
