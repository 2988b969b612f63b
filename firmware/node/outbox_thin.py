"""Make room in a full outbox. Loaded when that is needed, then dropped. index: see outbox.py."""

import errno
import os

from micropython import const

from node import files, forget, use_once
from node.outbox_write import frame

_LEVEL = const(2)
_LAST = const(3)
_WAITING = const(4)
_SIZE = const(5)
_STRIDE = const(6)
_LEVELS = const(16)


def thin(outbox):
    """Keep every second record of one segment: the oldest of that level of which there are most bytes. So
    each level keeps its share, and the older readings are the fewer of them are left."""
    at = _choice(outbox)
    if at == len(outbox.index) - _STRIDE:
        outbox.close()
    index = outbox.index
    old = outbox.name(at)
    before = index[at : at + _STRIDE]
    index[at + _LEVEL] += 1
    new = outbox.name(at)
    try:
        last, waiting, size = _copy(outbox, old, new + ".new", index[at])
        if last:
            os.rename(new + ".new", new)
    except OSError as error:
        for i in range(_STRIDE):
            index[at + i] = before[i]
        files.remove(new + ".new")
        if error.errno != errno.EIO:
            raise
        print("outbox: cannot read", old, "- it is passed over:", error)
        use_once("outbox_read", "pass_over", outbox, at)
        thin(outbox)
        return
    finally:
        forget("outbox_read")
    files.remove(old)
    outbox.written += size
    outbox.depth += waiting - before[_WAITING]
    outbox.bytes += size - before[_SIZE]
    outbox.thinned += before[_WAITING] - waiting
    outbox.oldest = outbox.freshest = ()
    outbox.given = index[:0]
    if last:
        index[at + _LAST] = last
        index[at + _WAITING] = waiting
        index[at + _SIZE] = size
    else:
        files.remove(new + ".new")
        outbox.index = index[:at] + index[at + _STRIDE :]


def _choice(outbox):
    """Where in the index the segment to be thinned stands."""
    index = outbox.index
    sealed = range(0, len(index) - _STRIDE, _STRIDE) or range(0, len(index), _STRIDE)
    most = [0] * _LEVELS
    for at in sealed:
        most[index[at + _LEVEL] & 15] += 0 if index[at + _LEVEL] >= 256 else index[at + _SIZE]
    level = most.index(max(most))
    for at in sealed:
        if index[at + _LEVEL] == level:
            return at
    raise OSError("the outbox is full of what cannot be read")


def _copy(outbox, old, new, boot):
    """Copy what waits, without every second one. (last seq, readings, bytes) of the copy."""
    from node.outbox_read import done_range, scan

    last = waiting = size = 0
    odd = True
    with open(old, "rb") as source, open(new, "wb") as target:
        for _, seq, body in scan(source):
            if seq <= last or done_range(outbox, boot, seq):
                continue
            odd = not odd
            if not odd:
                continue
            data = frame(body)
            target.write(data)
            last = seq
            waiting += 1
            size += len(data)
        target.flush()
    return last, waiting, size
