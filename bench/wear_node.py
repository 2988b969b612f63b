"""The MicroPython side of bench/wear.py: days of the node's outbox on littlefs, over a RAM disk that counts.

argv: minutes of a day, readings a minute, days to go through ("online,offline,drain,full"). Prints one JSON
line for each day.
"""

import json
import os
import sys

import vfs

BLOCK = 4096
BLOCKS = 512
BATCH = 24  # readings of such a size in a message
T = 1763900000


class Disk:
    """NOR flash as littlefs sees it on a 4 MB board: programming clears bits, erasing sets them."""

    def __init__(self):
        self.data = memoryview(bytearray(b"\xff" * (BLOCK * BLOCKS)))
        self.programmed = self.erased = 0

    def readblocks(self, block, buf, offset=0):
        at = block * BLOCK + offset
        buf[:] = self.data[at : at + len(buf)]

    def writeblocks(self, block, buf, offset=0):
        at = block * BLOCK + offset
        self.data[at : at + len(buf)] = buf
        self.programmed += len(buf)

    def ioctl(self, op, arg):
        if op == 4:
            return BLOCKS
        if op == 5:
            return BLOCK
        if op == 6:
            at = arg * BLOCK
            self.data[at : at + BLOCK] = ERASED
            self.erased += 1
        return 0


ERASED = bytes(b"\xff" * BLOCK)


def reading(minute, slot):
    pm25 = 12 + (minute * 37 % 400) / 10
    out = {"slot": slot, "model": "pms5003", "up": 60 * minute, "dt": 60, "n": 58, "flags": []}
    for name, share in (("pm1", 0.66), ("pm25", 1), ("pm10", 1.2), ("pm1_cf1", 0.66), ("pm25_cf1", 1)):
        out[name] = round(pm25 * share, 2)
    out.update({"pm10_cf1": round(pm25 * 1.2, 2), "pm25_sd": 0.61, "pm10_sd": 0.97})
    for name, share in (("n03", 180), ("n05", 52), ("n1", 9), ("n25", 0.9), ("n5", 0.2), ("n10", 0.08)):
        out[name] = round(pm25 * share)
    out.update({"temp": 3.27, "rh": 81.4, "press": 1009.31})
    return out


class Day:
    def __init__(self, outbox, minutes, readings):
        self.outbox = outbox
        self.minutes = minutes
        self.slots = "abcdefg"[:readings]
        self.minute = 0

    def born(self):
        self.minute += 1
        for slot in self.slots:
            self.outbox.append(reading(self.minute, slot), T + 60 * self.minute, "ntp")

    def send(self, live):
        batch = self.outbox.batch(BATCH, 8192, live)
        if batch:
            self.outbox.acked(batch[0], [seq_of(body) for body in batch[1]])
        return batch

    def online(self):
        """Each reading is acked before the next one is born."""
        for _ in range(self.minutes):
            self.born()
            self.send(True)

    def offline(self):
        for _ in range(self.minutes):
            self.born()

    def drain(self):
        """A day's readings wait; they follow while new ones are born and go first."""
        self.outbox.live = self.outbox.seq + 1
        for _ in range(self.minutes):
            self.born()
            self.send(True)
            self.send(False)

    def full(self):
        """As offline, with an outbox that is full and is thinned."""
        while not self.outbox.thinned:
            self.born()
        return self.offline


def seq_of(body):
    seq = shift = 0
    for byte in body:
        seq |= (byte & 127) << shift
        if byte < 128:
            return seq
        shift += 7
    return seq


def main(minutes, readings, days):
    disk = Disk()
    options = {"readsize": 32, "progsize": 32, "lookahead": 32}  # as MicroPython mounts it on a board
    vfs.VfsLfs2.mkfs(disk, **options)
    vfs.mount(vfs.VfsLfs2(disk, **options), "/flash")
    from node.outbox import Outbox

    outbox = Outbox("/flash/outbox")
    outbox.open()
    day = Day(outbox, minutes, readings)
    for name in days.split(","):
        run = getattr(day, name)
        if name == "full":
            run = run()
        programmed, erased, given = disk.programmed, disk.erased, outbox.written
        run()
        print(
            json.dumps(
                {
                    "day": name,
                    "programmed": disk.programmed - programmed,
                    "erased": disk.erased - erased,
                    "given": outbox.written - given,
                    "depth": outbox.depth,
                    "files": len(os.listdir("/flash/outbox")),
                }
            )
        )


main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
