"""Many small segments into a few packs, after many starts in an outage. Loaded for it, then dropped.

Each start begins a segment of its own. Thousands of them would take the heap (the index) and the disk (a
block each, whatever is in it). So a start puts neighbours into one file: a pack, `FIRST-LAST-LEVEL.seg` with
boots for FIRST and LAST and 10 (hex) added to LEVEL. It holds all of these boots; each of its records has the
boot's distance to FIRST ahead of the reading, as a varint. It is complete before it takes its name. What it
stands for is removed after that, by the next start if a cut comes between. index: see outbox.py.
"""

import os

from micropython import const

from node import files, forget

_NUMBER = const(1)
_LEVEL = const(2)
_LAST = const(3)
_WAITING = const(4)
_SIZE = const(5)
_STRIDE = const(6)
_LEVELS = const(16)
_PACK = const(16)
_UNREADABLE = const(256)
_FEW = const(8)  # so many neighbours are let be
_SEGMENT_BYTES = const(16384)


def pack(outbox):
    """Put together what is small, as long as there is much of it. What fails leaves all as it was."""
    try:
        while True:
            first, end = _neighbours(outbox)
            if not end:
                return
            _join(outbox, first, end)
    except (OSError, ValueError, MemoryError) as error:
        print("outbox: small segments stay as they are:", repr(error))
    finally:
        forget("outbox_read")
        forget("outbox_write")


def _neighbours(outbox):
    """(first, end) in the index of more than _FEW segments that are small enough together: all of some
    earlier boots, of one thinning level. (0, 0) when there are none."""
    index = outbox.index
    longest = max(_SEGMENT_BYTES, outbox.max_bytes // 16)
    first = 0
    while first < len(index):
        at = end = first
        size = 0
        while (
            at < len(index)
            and index[at] != outbox.boot
            and index[at + _LEVEL] < _UNREADABLE
            and index[at + _LEVEL] % _LEVELS == index[first + _LEVEL] % _LEVELS
            and size + index[at + _SIZE] <= longest
        ):
            size += index[at + _SIZE] + 4 * index[at + _WAITING]  # what a boot ahead of each takes at most
            at += _STRIDE
            if at == len(index) or index[at] != index[at - _STRIDE]:
                end = at
        if end - first > _FEW * _STRIDE:
            return first, end
        first = max(end, first + _STRIDE)
        while first < len(index) and index[first] == index[first - _STRIDE]:
            first += _STRIDE
    return 0, 0


def _join(outbox, first, end):
    """Put these segments into one."""
    from node.outbox_read import is_done, pack_of, scan
    from node.outbox_write import frame

    index = outbox.index
    made = index[first : first + _STRIDE]
    made[_NUMBER] = index[end - _STRIDE + (_NUMBER if pack_of(index, end - _STRIDE) else 0)]
    made[_LEVEL] |= _PACK
    outbox.index = made
    name = outbox.name(0)
    outbox.index = index
    most = waiting = size = boot = last = 0
    beside = name + ".new"
    try:
        with open(beside, "wb") as target:
            for at in range(first, end, _STRIDE):
                with open(outbox.name(at), "rb") as source:
                    for _, its, seq, body in scan(source, 0, pack_of(index, at)):
                        its = its or index[at]
                        if its != boot:
                            boot = its
                            last = 0
                        if seq <= last or is_done(outbox, boot, seq):
                            continue
                        data = frame(body, boot - index[first])
                        target.write(data)
                        last = seq
                        most = max(most, seq)
                        waiting += 1
                        size += len(data)
            target.flush()
        os.rename(beside, name)
    except (OSError, ValueError, MemoryError):
        files.remove(beside)
        raise
    made[_LAST], made[_WAITING], made[_SIZE] = most, waiting, size
    outbox.written += size
    outbox.depth += waiting
    outbox.bytes += size
    for at in range(first, end, _STRIDE):
        files.remove(outbox.name(at))
        outbox.depth -= index[at + _WAITING]
        outbox.bytes -= index[at + _SIZE]
    outbox.index = index[:first] + made + index[end:]
