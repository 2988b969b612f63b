"""The node's application: sensors in, MQTT messages out."""

import gc
import sys

VERSION = "0.1.0"


def use_once(name, function, *arguments):
    """Call a function of node.NAME, and let go of the module again: what is needed now and then only must not
    fill the heap for years. NAME may have a folder before it: "mqtt.words"."""
    __import__("node." + name)
    try:
        return getattr(sys.modules["node." + name], function)(*arguments)
    finally:
        forget(name)


class Seldom:
    """An object whose methods are loaded for each call: the functions of node.NAME, which take it first. For
    what is asked once a minute or more rarely; what it knows are its attributes."""

    def __init__(self, name, *arguments):
        self.name = name
        self.load(*arguments)

    def __getattr__(self, function):
        return lambda *arguments: use_once(self.name, function, self, *arguments)


def forget(name):
    """Let go of node.NAME. Who still has something of it keeps that."""
    name = "node." + name
    folder, _, file = name.rpartition(".")
    if sys.modules.pop(name, None) and hasattr(sys.modules[folder], file):
        delattr(sys.modules[folder], file)
    gc.collect()
