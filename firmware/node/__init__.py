"""The node's application: sensors in, MQTT messages out."""

import gc
import sys

VERSION = "0.1.0"


def use_once(name, function, *arguments):
    """Call a function of node.NAME, and let go of the module again: what only the start needs must not fill
    the heap for years."""
    module = getattr(__import__("node." + name), name)
    try:
        return getattr(module, function)(*arguments)
    finally:
        module = None
        del sys.modules["node." + name]
        delattr(sys.modules["node"], name)
        gc.collect()
