"""Whether the node is to be set up. Loaded at each start, and when somebody holds the boot button.

In NVS as `setup`: 1 somebody asked for it; 2 it was just set up, and shows how each part does. Both hold for
one start only.
"""

import sys

_WIRES = ("tx", "rx", "sda", "scl", "pin", "power")


def begin(app):
    """Set app.setup: 0 measure as ever; 1 be set up; 2 measure and show the self-test. And app.button, the
    boot button's pin: 0 while it is pressed; None when a sensor has that pin."""
    board, config = app.board, app.config
    wanted = board.nvs_get("setup") or 0
    if wanted:
        # Taken back first: what goes wrong in set-up mode must not bring it back.
        try:
            board.nvs_set("setup", 0)
        except OSError as error:
            print("nvs: cannot end set-up mode:", error)
            wanted = 0
    if not config.wifi or not config.broker["host"]:
        wanted = 1
    app.setup = wanted
    if wanted:
        config.deep_sleep = False
    pin = 9 if "C3" in getattr(sys.implementation, "_machine", "") else 0
    app.button = None
    if not any(entry.get(wire) == pin for entry in config.sensors for wire in _WIRES):
        # Through board.py's module: a function of its own there would be loaded for years.
        app.button = board.machine.Pin(pin, board.machine.Pin.IN, board.machine.Pin.PULL_UP)


def ask(app):
    """The button was held: be set up at the next start, which is now."""
    print("setup: the boot button was held, starting anew for set-up")
    app.board.nvs_set("setup", 1)
    app.board.restart()
