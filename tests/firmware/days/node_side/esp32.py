"""Stand-in for MicroPython's `esp32`; see machine.py."""

import machine

__getattr__ = machine._Thing("esp32").__getattr__
