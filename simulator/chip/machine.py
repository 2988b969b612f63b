"""Stand-in for MicroPython's `machine`: simulator/board/machine.py, and UART in _uart.py."""

import _chip

__getattr__ = _chip.Thing("machine").__getattr__
