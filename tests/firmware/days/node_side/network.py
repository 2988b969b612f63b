"""Stand-in for MicroPython's `network`, for firmware that imports it before machine; see there."""

import sys

import machine  # noqa: F401 - it makes the one that is used here

__getattr__ = sys.modules["network"].__getattr__
