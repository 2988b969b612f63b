"""Make room in a full outbox. Loaded when that is needed, then dropped. index: see outbox.py."""

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
_UNREADABLE = const(256)
_ENOSPC = const(28)
_ENAMETOOLONG = const(36)  # what littlefs says of a new file when the disk is full
_NONE = const(8192)  # a step that keeps none


def thin(outbox):
    """Keep every second record of one segment: the oldest of that level of which there are most bytes. So
    each level keeps its share, and the older readings are the fewer of them are left. On a disk that has no
    room for the copy fewer records are kept."""
    at = _choice(outbox)
    if at == len(outbox.index) - _STRIDE:
        outbox.close()
    index = outbox.index
    old = outbox.name(at)
    before = index[at : at + _STRIDE]
    step = 2 if index[at + _LEVEL] % _LEVELS < _LEVELS - 1 else _NONE
    index[at + _LEVEL] += 1
    new = outbox.name(at)
    while True:
        try:
            last, waiting, size = _copy(outbox, old, new + ".new", before, step)
            if last:
                os.rename(new + ".new", new)
            break
        except OSError as error:
            files.remove(new + ".new")
            if error.errno in (_ENOSPC, _ENAMETOOLONG) and step < _NONE:
                step *= 4
                continue
            index[at + _LEVEL] -= 1
            if _can_be_read(old):
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
        outbox.index = index[:at] + index[at + _STRIDE :]


def _choice(outbox):
    """Where in the index the segment to be thinned stands."""
    index = outbox.index
    sealed = range(0, len(index) - _STRIDE, _STRIDE) or range(0, len(index), _STRIDE)
    most = [0] * _LEVELS
    for at in sealed:
        if index[at + _LEVEL] < _UNREADABLE:
            most[index[at + _LEVEL] % _LEVELS] += index[at + _SIZE]
    level = most.index(max(most))
    for at in sealed:
        if index[at + _LEVEL] < _UNREADABLE and index[at + _LEVEL] % _LEVELS == level:
            return at
    raise OSError("the outbox is full of what cannot be read")


def _copy(outbox, old, new, of, step):
    """Copy of what waits every step-th record, none with _NONE. `of`: the old file's six numbers. Returns
    (highest seq, readings, bytes) of the copy."""
    from node.outbox_read import is_done, pack_of, scan

    boot = of[0]
    pack = pack_of(of, 0)
    most = last = count = waiting = size = 0
    with open(old, "rb") as source:
        if step >= _NONE:
            return 0, 0, 0
        with open(new, "wb") as target:
            for _, its, seq, body in scan(source, 0, pack):
                if pack and its != boot:
                    boot = its
                    last = 0
                if seq <= last or is_done(outbox, boot, seq):
                    continue
                count += 1
                if count % step:
                    continue
                data = frame(body, boot - pack if pack else None)
                target.write(data)
                last = seq
                most = max(most, seq)
                waiting += 1
                size += len(data)
            target.flush()
    if not most:
        files.remove(new)
    return most, waiting, size


def _can_be_read(path):
    """Whether it was the writing that failed."""
    try:
        with open(path, "rb") as file:
            while file.read(512):
                pass
        return True
    except OSError:
        return False
