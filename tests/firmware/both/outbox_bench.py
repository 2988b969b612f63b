"""What tests of the outbox share."""

import binascii
import os
import sys

from node import forget, record
from node.outbox import STRIDE, Outbox

SEGMENT_BYTES = 16384
T = 1763900000

READING = {"slot": "a", "model": "sds011", "up": 1, "dt": 60, "n": 58, "pm25": 9.7, "pm10": 20.0, "flags": []}


def fresh(name):
    return "outbox-test-" + name + "-" + binascii.hexlify(os.urandom(4)).decode()


def opened(folder, resume=None, **options):
    outbox = Outbox(folder, **options)
    outbox.open(resume)
    return outbox


def fill(outbox, count):
    for _ in range(count):
        outbox.append(READING, T, "ntp")


def keeping(name, function, *arguments):
    """As use_once, but what is loaded stays: for thousands of calls."""
    __import__("node." + name)
    return getattr(sys.modules["node." + name], function)(*arguments)


def writer():
    """As Outbox.append, and what it loads stays."""
    from node import outbox_write

    outbox_write.use_once = keeping

    def append(outbox, reading, t, tq):
        body = keeping("record", "encode", outbox.seq + 1, t, tq, reading)
        return outbox_write.append(outbox, body)

    return append


def fill_fast(outbox, count, reading=None):
    """`reading(i)` makes the i-th reading, from 0."""
    append = writer()
    for i in range(count):
        append(outbox, reading(i) if reading else READING, T + 60 * i, "ntp")
    let_go()


def let_go():
    for name in ("outbox_write", "outbox_read", "outbox_ack", "outbox_thin", "record"):
        forget(name)


def seqs(batch):
    return [record.seq_of(body) for body in batch[1]]


def each(outbox, most=60):
    """(boot, seq) of everything, in the order in which it is given; each batch is acked."""
    while True:
        batch = outbox.batch(most, 10000)
        if batch is None:
            return
        for seq in seqs(batch):
            yield batch[0], seq
        outbox.acked(batch[0], seqs(batch))


def drain(outbox):
    return list(each(outbox))


def segments(outbox):
    return len(outbox.index) // STRIDE


def seg_files(folder):
    return sorted([name for name in os.listdir(folder) if name.endswith(".seg")])


def clean(folder):
    for name in os.listdir(folder):
        os.remove(folder + "/" + name)
    os.rmdir(folder)


class Board:
    """NVS alone."""

    def __init__(self):
        self.nvs = {}
        self.broken = False

    def nvs_get(self, key):
        return None if self.broken else self.nvs.get(key)

    def nvs_set(self, key, value):
        if self.broken:
            raise OSError(5)
        self.nvs[key] = value
