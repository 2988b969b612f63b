"""Stand-in for MicroPython's `network`: simulator/board/network.py."""

import _chip

__getattr__ = _chip.Thing("network").__getattr__
