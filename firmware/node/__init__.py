"""The node's application: sensors in, MQTT messages out."""

import gc
import os
import sys

from micropython import const

VERSION = "0.1.0"
_PLAIN = const(77)  # M


class Packed:
    """The firmware's folder as a file system of its own, which unpacks what the build has packed. The class
    itself is mounted: an object of it would take as much heap again as a function does.

    A packed file is the window's size (as a power of two), the CRC-32 of all else, and a .mpy file, deflated.
    Any other begins with M and is read as it stands.
    """

    folder = str(__path__)[:-5]  # that of the package "node"
    wanted = ""  # what /node/cold.mpy stands for, see use_once
    mount = max  # whoever mounts it calls this with two booleans

    @staticmethod  # pyright: ignore[reportArgumentType] - the stubs know none with parameters
    def find(path):
        return Packed.folder + (Packed.wanted if path == "/node/cold.mpy" else path)

    @staticmethod  # pyright: ignore[reportArgumentType] - the stubs know none with parameters
    def stat(path):
        return os.stat(Packed.find(path))

    @staticmethod  # pyright: ignore[reportArgumentType] - the stubs know none with parameters
    def open(path, mode):
        """The stream of a .mpy file. What is damaged must not be run."""
        path = Packed.find(path)
        file = open(path, mode)
        head = file.read(1)
        if _PLAIN in head:
            file.seek(-1, 1)
            return file
        import binascii
        import io

        import deflate

        # Whole: byte by byte, as it would be asked for, takes ten times as long. Behind it another file may
        # begin.
        crc = file.read(4)
        body = file.read(max(0, os.stat(path)[6] - 5))
        file.close()
        if crc != binascii.crc32(body, binascii.crc32(head)).to_bytes(4, "little"):
            raise OSError(path + " damaged")
        return deflate.DeflateIO(io.BytesIO(body), deflate.RAW, head[0])


if __file__.endswith(".mpy"):  # nothing is packed among sources
    __import__("vfs").mount(Packed, "/n")
    # Short, since the path of each module that was ever loaded stays in the heap.
    __path__ = "/n/node"  # pyright: ignore[reportAssignmentType]


def use_once(name, function, *arguments):
    """Call a function of node.NAME, and let go of the module again: what is needed now and then only must not
    fill the heap for years. NAME may have a folder before it: "mqtt.words"; ".update.take" is beside node."""
    if __path__ == "/n/node":
        # All of them under one name: three names for each would stay in the heap.
        Packed.wanted = (name if name[0] == "." else "/node/" + name).replace(".", "/") + ".mpy"
        try:
            __import__("node.cold")
            call = getattr(sys.modules["node.cold"], function)
        finally:
            forget("cold")  # also half of one, for want of memory
        try:
            return call(*arguments)
        finally:
            call = None
            gc.collect()
    full = name[1:] if name[0] == "." else "node." + name
    __import__(full)
    try:
        return getattr(sys.modules[full], function)(*arguments)
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
    name = name[1:] if name[0] == "." else "node." + name
    folder, _, file = name.rpartition(".")
    if sys.modules.pop(name, None) and hasattr(sys.modules[folder], file):
        delattr(sys.modules[folder], file)
    gc.collect()
