"""What the outbox does once, at the start: count the boot, read what is held. Loaded for it, then dropped."""

import json
import os

from micropython import const

from node import files, forget, use_once
from node.outbox import STRIDE

_KEPT_BOOTS = const(16)
_HIGHEST = const(0x7FFFFFFF)
_NUMBER = const(1)
_LEVEL = const(2)
_LAST = const(3)
_SIZE = const(5)
_LEVELS = const(16)
_PACK = const(16)
_SEGMENT_BYTES = const(16384)
_INLINE_BYTES = const(128)  # up to here littlefs keeps a file in its folder's log


def start(outbox, resume):
    """Fill a fresh Outbox from its folder; see Outbox.open. What cannot be read is told and passed over."""
    try:
        files.folder(outbox.folder)
    except OSError as error:
        print("outbox: no room to make its folder, or no flash:", error)
    use_once("outbox_ack", "load", outbox)
    _load_boots(outbox)
    whole = True
    try:
        _find(outbox)
        _bound(outbox)
    except OSError as error:
        print("outbox: what it holds cannot be read:", error)
        whole = False
    known = [pair[0] for pair in outbox.boots + outbox.ranges]
    known += _newest(outbox)
    known.append(files.whole_number(outbox.path("boot")) or 0)
    if outbox.board:
        known.append(outbox.board.nvs_get("boot") or 0)
    highest = max([boot for boot in known if 0 <= boot < _HIGHEST])
    last = _last_seqs(outbox)
    if resume and resume[0] >= highest:
        outbox.boot = resume[0]
        outbox.seq = max(resume[1], last.get(outbox.boot, 0))
        outbox.live = outbox.seq + 1
    else:
        outbox.boot = highest + 1
    boots = [[boot, last[boot]] for boot in sorted(last, reverse=True) if boot != outbox.boot]
    boots = boots[: _KEPT_BOOTS - 1]
    changed = boots != outbox.boots
    outbox.boots = boots
    outbox.ranges = [known for known in outbox.ranges if known[0] < _HIGHEST]
    use_once("outbox_ack", "forget", outbox)
    try:
        use_once("outbox_write", "keep", outbox)
        if changed:
            files.write(outbox.path("boots"), json.dumps(boots).encode())
    except OSError as error:
        # A full disk must not stop the node: the outbox drains, and the first append tries again.
        print("outbox: cannot keep the boot's number:", error)
    if whole:  # a pack takes the place of all that stands in between
        use_once("outbox_pack", "pack", outbox)


def _newest(outbox):
    """The boots of the last segment: no other has higher ones."""
    index = outbox.index
    at = len(index) - STRIDE
    if at < 0:
        return []
    return [index[at + _NUMBER] if index[at + _LEVEL] & _PACK else index[at]]


def _last_seqs(outbox):
    """boot -> how far it got: what the ledger counts as born. `boots` has it of those in a pack."""
    last = dict(outbox.boots)
    index = outbox.index
    for boot, _, seq in outbox.ranges:
        if boot:
            last[boot] = max(seq, last.get(boot, 0))
    for at in range(len(index) - STRIDE, -1, -STRIDE):
        boot = index[at]
        if not index[at + _LEVEL] & _PACK:
            last[boot] = max(index[at + _LAST], last.get(boot, 0))
        if len(last) > 4 * _KEPT_BOOTS:
            break  # older ones are not kept
    return last


def _load_boots(outbox):
    """How far earlier boots got. A damaged file costs the ledger a number, never a reading."""
    path = outbox.path("boots")
    try:
        for boot, seq in json.loads(files.read(path) or b"[]"):
            if 0 < boot < _HIGHEST and 0 <= seq <= _HIGHEST:
                outbox.boots.append([boot, seq])
    except (ValueError, TypeError) as error:
        print("outbox:", path, "is damaged:", repr(error))


def _find(outbox):
    """The segments that hold a reading, oldest first. What a cut left unfinished is removed."""
    index = outbox.index = _names(outbox)
    _sort(index)
    packs = [index[at : at + 2] for at in range(0, len(index), STRIDE) if index[at + _LEVEL] & _PACK]
    kept = 0
    try:
        for at in range(0, len(index), STRIDE):
            index[kept : kept + STRIDE] = index[at : at + STRIDE]
            if _is_replaced(index, at, packs):
                files.remove(outbox.name(kept))
            elif _read(outbox, kept):
                kept += STRIDE
    finally:
        outbox.index = index[:kept]
        forget("outbox_read")


def _names(outbox):
    """The index with the names alone. One piece from the beginning: a piece for each would fill the heap."""
    count = 0
    unfinished = []
    for entry in os.ilistdir(outbox.folder):
        count += entry[0].endswith(".seg")
        if entry[0].endswith(".new"):
            unfinished.append(entry[0])
    for name in unfinished:
        files.remove(outbox.path(name))
    index = type(outbox.index)("I", bytes(4 * STRIDE * count))
    at = 0
    for entry in os.ilistdir(outbox.folder):
        name = entry[0]
        if name.endswith(".seg"):
            try:
                boot, number, level = [int(part, 16) for part in name[:-4].split("-")]
                if not 0 < boot < _HIGHEST or not 0 <= number < _HIGHEST or not 0 <= level < 2 * _LEVELS:
                    raise ValueError(name)
            except ValueError:
                print("outbox: not a segment of this outbox, left alone:", name)
                continue
            index[at] = boot
            index[at + _NUMBER] = number
            index[at + _LEVEL] = level
            at += STRIDE
    return index[:at]


def _sort(index):
    """By boot, number and level; littlefs lists them so already."""
    for end in range(STRIDE, len(index), STRIDE):
        at = end
        while at and _before(index, at, at - STRIDE):
            for i in range(at, at + 3):
                index[i], index[i - STRIDE] = index[i - STRIDE], index[i]
            at -= STRIDE


def _before(index, at, other):
    for i in range(3):
        if index[at + i] != index[other + i]:
            return index[at + i] < index[other + i]
    return False


def _is_replaced(index, at, packs):
    """Whether another file stands for this one too, which a cut kept from being removed: it was thinned, or
    put into a pack."""
    boot = index[at]
    last = index[at + _NUMBER] if index[at + _LEVEL] & _PACK else boot
    if index[at : at + 2] == index[at + STRIDE : at + STRIDE + 2]:
        return True
    for first, until in packs:
        if (
            first <= boot
            and last <= until
            and (first < boot or last < until or not index[at + _LEVEL] & _PACK)
        ):
            return True
    return False


def _read(outbox, at):
    """Count what one segment holds. False when that is nothing."""
    from node import outbox_read  # forgotten by _find

    index = outbox.index
    outbox.sound = False
    try:
        index[at + _SIZE] = size = os.stat(outbox.name(at))[6]
        sound = outbox_read.count(outbox, at) == size
        if not index[at + _LAST]:
            files.remove(outbox.name(at))
            return False
        outbox.sound = sound
    except OSError as error:
        print("outbox: cannot read", outbox.name(at), "- it is passed over:", error)
        outbox.counters["unreadable"] += 1
        index[at + _LEVEL] |= 256
    outbox.bytes += index[at + _SIZE]
    return True


def _bound(outbox):
    """No more than the disk has room for, with two segments to spare: to thin one takes half of one."""
    _, block, _, free = os.statvfs(outbox.folder)[:4]
    room = block * free
    index = outbox.index
    for at in range(_SIZE, len(index), STRIDE):
        if index[at] > _INLINE_BYTES:
            room += (index[at] + block - 1) // block * block
    spare = 2 * max(_SEGMENT_BYTES, min(outbox.max_bytes, room) // 16)
    outbox.max_bytes = min(outbox.max_bytes, max(spare, room - spare))
