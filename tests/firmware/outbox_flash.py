"""The MicroPython side of test_outbox_flash.py: the node's outbox on littlefs in a heap as small as a node's.

argv: what to do, blocks of the flash. Prints what the test judges.
"""

import gc
import os
import sys

import vfs

from node.outbox import STRIDE, Outbox

BLOCK = 4096
ERASED = b"\xff" * BLOCK
READING = {"slot": "a", "model": "sds011", "up": 1, "dt": 60, "n": 58, "pm25": 9.7, "pm10": 20.0, "flags": []}
T = 1763900000


class Flash:
    """Blocks in files of the host, so that they are not in the heap."""

    def __init__(self, path, blocks):
        self.blocks = blocks
        with open(path, "wb") as file:
            for _ in range(blocks):
                file.write(ERASED)
        self.file = open(path, "r+b")  # noqa: SIM115 - open as long as the flash is

    def readblocks(self, block, buf, offset=0):
        self.file.seek(block * BLOCK + offset)
        self.file.readinto(buf)

    def writeblocks(self, block, buf, offset=0):
        self.file.seek(block * BLOCK + offset)
        self.file.write(buf)

    def ioctl(self, op, arg):
        if op == 4:
            return self.blocks
        if op == 5:
            return BLOCK
        if op == 6:
            self.writeblocks(arg, ERASED)
        return 0


def start():
    outbox = Outbox("outbox", 1 << 20)
    outbox.open()
    return outbox


def starts(count):
    """So many starts, each with readings that nobody acks; then the drain."""
    most = born = 0
    for i in range(count):
        outbox = start()
        for _ in range(1 + i % 5):
            outbox.append(READING, T, "ntp")
            born += 1
        outbox.close()
        most = max(most, len(outbox.index) // STRIDE)
    drain(born, most)


def left(count):
    """Segments of so many starts, none of which packed."""
    from node import forget
    from node.outbox_write import frame
    from node.record import encode

    os.mkdir("outbox")
    data = frame(encode(1, T, "ntp", READING))
    for boot in range(1, count + 1):
        with open(f"outbox/{boot:08x}-0000-0.seg", "wb") as file:
            file.write(data)
    forget("outbox_write")
    forget("record")
    drain(count, 0)


def drain(born, most):
    gc.collect()
    outbox = start()
    held = outbox.depth
    segments = len(outbox.index) // STRIDE
    given = 0
    last = (0, 0)
    while True:
        batch = outbox.batch(60, 250)
        if batch is None:
            break
        boot, bodies = batch
        seqs = [body[0] for body in bodies]
        for seq in seqs:
            if (boot, seq) <= last:
                print("comes twice or late:", boot, seq)
            last = (boot, seq)
        given += len(seqs)
        outbox.acked(boot, seqs)
    files = len([name for name in os.listdir("outbox") if name.endswith(".seg")])
    print("born", born, "held", held, "given", given, "segments", max(most, segments), "files", files)


def full(count):
    """More readings than the disk has room for, then how old and how coarse what is left is."""
    with open("other", "wb") as file:
        for _ in range(4):
            file.write(ERASED)
    outbox = start()
    grown = 0
    for i in range(count):
        outbox.append(READING, T + i, "ntp")
        if i == count // 2:  # the rest of the disk, up to the last block, is taken by something else
            try:
                with open("more", "wb") as file:
                    while True:
                        file.write(ERASED)
                        file.flush()
                        grown += 1
            except OSError:
                pass
    counts = outbox.counters
    print(
        "ram_only", counts["ram_only"], "lost", counts["lost_ram"], "thinned", outbox.thinned, "grown", grown
    )
    last = 0
    held = widest = 0
    while True:
        batch = outbox.batch(60, 2000)
        if batch is None:
            break
        from node.record import seq_of

        seqs = [seq_of(body) for body in batch[1]]
        for seq in seqs:
            widest = max(widest, seq - last)
            last = seq
        held += len(seqs)
        outbox.acked(batch[0], seqs)
    print("last", last, "held", held, "widest", widest)


if __name__ == "__main__":
    flash = Flash("flash", int(sys.argv[2]))
    vfs.VfsLfs2.mkfs(flash)
    vfs.mount(vfs.VfsLfs2(flash), "/flash")
    os.chdir("/flash")
    globals()[sys.argv[1]](int(sys.argv[3]))
