"""A flash chip in memory for littlefs, whose programs and erasures are recorded and can be cut.

A cut program leaves a first part of its bytes: none, one, half, or all but one; a cut erasure leaves the
block as it was, or half erased.
"""

_BLOCK = 4096


class Blocks:
    """A flash chip. `mark()` tells where in the script an operation is."""

    def __init__(self, blocks=None, count=24, mark=None):
        self.blocks = blocks or [b"\xff" * _BLOCK] * count
        self.mark = mark
        self.steps = []  # (mark, blocks before, number, offset, data or None for an erasure)

    def readblocks(self, number, buffer, offset=0):
        buffer[:] = self.blocks[number][offset : offset + len(buffer)]

    def writeblocks(self, number, buffer, offset=None):
        if offset is None:
            self.ioctl(6, number)
            offset = 0
        if self.mark:
            self.steps.append((self.mark(), tuple(self.blocks), number, offset, bytes(buffer)))
        self.blocks[number] = programmed(self.blocks[number], offset, buffer)

    def ioctl(self, request, argument):
        if request == 4:
            return len(self.blocks)
        if request == 5:
            return _BLOCK
        if request == 6:
            if self.mark:
                self.steps.append((self.mark(), tuple(self.blocks), argument, 0, None))
            self.blocks[argument] = b"\xff" * _BLOCK
        return 0


def programmed(block, offset, data):
    return block[:offset] + bytes(data) + block[offset + len(data) :]


def torn(step):
    """(in words, blocks) for each way in which this step may be cut."""
    _, blocks, number, offset, data = step
    yield "before it", blocks
    if data is None:
        kinds = [("half erased", b"\xff" * (_BLOCK // 2) + blocks[number][_BLOCK // 2 :])]
    else:
        sizes = sorted({1, len(data) // 2, len(data) - 1} - {0})
        kinds = [(f"{size} bytes of it", programmed(blocks[number], offset, data[:size])) for size in sizes]
    for words, block in kinds:
        yield words, blocks[:number] + (block,) + blocks[number + 1 :]  # noqa: RUF005 - MicroPython
