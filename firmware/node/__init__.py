"""The node's application: sensors in, MQTT messages out."""

import sys

VERSION = "0.1.0"


def use_once(name):
    """Import node.NAME and let go of it again: what only the start needs must not fill the heap for years.
    Returns the module; its memory is free once the caller drops it."""
    package = sys.modules["node"]
    module = getattr(__import__("node." + name), name)
    del sys.modules["node." + name]
    delattr(package, name)
    return module
