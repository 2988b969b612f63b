"""The node's application: sensors in, MQTT messages out."""

import gc
import sys

VERSION = "0.1.0"


def use_once(name, function, *arguments):
    """Call a function of node.NAME, and let go of the module again: what is needed now and then only must not
    fill the heap for years. NAME may have a folder before it: "mqtt.words"."""
    __import__("node." + name)
    folder, _, file = ("node." + name).rpartition(".")
    try:
        return getattr(sys.modules["node." + name], function)(*arguments)
    finally:
        sys.modules.pop("node." + name, None)
        if hasattr(sys.modules[folder], file):
            delattr(sys.modules[folder], file)
        gc.collect()
