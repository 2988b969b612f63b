"""`gc` where the heap is large and not the subject: collecting each 8 KB is half of a node's work."""

import sys
from gc import mem_alloc, mem_free  # noqa: F401 - as they are


def threshold(*_bytes):
    pass


def collect():
    pass


sys.modules["gc"] = sys.modules["lax"]
