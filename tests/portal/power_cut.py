"""The MicroPython side of test_power_cut.py: settings kept on littlefs, power cut at each flash operation.

Prints how many operations there were, and how often the old and the new settings were found after a cut.
"""

import os

import vfs
from setup import core

from node import files

BLOCK, BLOCKS = 4096, 24
OLD = {"node": "old-1", "network": "warsaw", "secret": "o", "host": "old.example", "port": 1, "tls": True}
NEW = {"node": "new-1", "network": "warsaw", "secret": "n", "host": "new.example", "port": 2, "tls": True}
OLD["ca"], NEW["ca"] = "T0xE" * 300, "TkVX" * 300


class Flash:
    """Blocks in RAM. After `left` writes and erasures the power fails: the last one is done by half."""

    def __init__(self, data=None):
        self.data = bytearray(data or b"\xff" * (BLOCK * BLOCKS))
        self.left = None
        self.done = 0

    def _spend(self):
        self.done += 1
        if self.left is not None:
            self.left -= 1
            return self.left >= 0
        return True

    # After the cut nothing may be allocated: files that nobody holds any more are closed by the collector.
    def readblocks(self, block, buf, offset=0):
        if self.left is not None and self.left < 0:
            return -5
        at = block * BLOCK + offset
        buf[:] = self.data[at : at + len(buf)]
        return 0

    def writeblocks(self, block, buf, offset=0):
        if self.left is not None and self.left < 0:
            return -5
        at = block * BLOCK + offset
        whole = self._spend()
        size = len(buf) if whole else len(buf) // 2 if self.left == -1 else 0
        self.data[at : at + size] = buf[:size]
        return 0 if whole else -5

    def ioctl(self, op, arg):
        if op == 4:
            return BLOCKS
        if op == 5:
            return BLOCK
        if op == 6:
            if self.left is not None and self.left < 0:
                return -5
            whole = self._spend()
            size = BLOCK if whole else BLOCK // 2 if self.left == -1 else 0
            self.data[arg * BLOCK : arg * BLOCK + size] = b"\xff" * size
            return 0 if whole else -5
        return 0


def mounted(flash):
    vfs.mount(vfs.VfsLfs2(flash, progsize=32, readsize=32, lookahead=32), "/f")
    os.chdir("/f")


def left():
    os.chdir("/")
    vfs.umount("/f")


def keep(kit):
    core.save(core.merged(core.stored(), kit, kit["node"], "12345678"))


first = Flash()
vfs.VfsLfs2.mkfs(first, progsize=32, readsize=32, lookahead=32)
mounted(first)
files.write("config.json", b'{"window_s":30}')
keep(OLD)
left()
before = bytes(first.data)
flash = Flash(before)
mounted(flash)
keep(NEW)
left()
operations = flash.done
found = {"old-1": 0, "new-1": 0}
for cut in range(operations):
    flash = Flash(before)
    mounted(flash)
    flash.left = cut
    try:
        keep(NEW)
    except OSError:
        print("cut", cut)
    left()
    again = Flash(flash.data)
    mounted(again)
    raw = core.stored()
    kit = OLD if raw["node"] == "old-1" else NEW
    found[kit["node"]] += 1
    assert raw["window_s"] == 30, cut
    assert raw["broker"]["host"] == kit["host"], cut
    assert raw["broker"]["password"] == kit["secret"], cut
    assert raw["wifi"][0]["ssid"] == kit["node"], cut
    assert files.read(raw["broker"]["ca"]) == b"OLD" * 300 or kit is NEW, cut
    assert files.read(raw["broker"]["ca"]) == b"NEW" * 300 or kit is OLD, cut
    keep(NEW)  # what the cut left behind is in nobody's way
    assert sorted(os.listdir()) == sorted(["config.json", core.stored()["broker"]["ca"]]), cut
    left()
print(operations, found["old-1"], found["new-1"])
