"""What the outbox does once, at the start: count the boot, read what is held. Loaded for it, then dropped."""

import json
import os

from micropython import const

from node import files, forget, use_once
from node.outbox import STRIDE

_KEPT_BOOTS = const(16)
_HIGHEST = const(0x7FFFFFFF)
_LEVEL = const(2)
_LAST = const(3)
_SIZE = const(5)


def start(outbox, resume):
    """Fill a fresh Outbox from its folder; see Outbox.open. What cannot be read is told and passed over."""
    try:
        files.folder(outbox.folder)
    except OSError as error:
        print("outbox: no room to make its folder, or no flash:", error)
    use_once("outbox_ack", "load", outbox)
    _load_boots(outbox)
    try:
        _find(outbox)
    except OSError as error:
        print("outbox: what it holds cannot be read:", error)
    known = [pair[0] for pair in outbox.boots + outbox.ranges]
    known += [outbox.index[at] for at in range(0, len(outbox.index), STRIDE)]
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
            data = json.dumps(boots).encode()
            files.write(outbox.path("boots"), data)
            outbox.written += len(data)
    except OSError as error:
        # A full disk must not stop the node: the outbox drains, and the first append tries again.
        print("outbox: cannot keep the boot's number:", error)


def _last_seqs(outbox):
    """boot -> how far it got: what the ledger counts as born."""
    last = dict(outbox.boots)
    index = outbox.index
    found = [known[::2] for known in outbox.ranges]
    found += [[index[at], index[at + _LAST]] for at in range(0, len(index), STRIDE)]
    for boot, seq in found:
        last[boot] = max(seq, last.get(boot, 0))
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
    found = []
    for name in os.listdir(outbox.folder):
        if name.endswith(".new"):
            files.remove(outbox.path(name))
        elif name.endswith(".seg"):
            try:
                boot, number, level = [int(part, 16) for part in name[:-4].split("-")]
                if boot >= _HIGHEST or number > _HIGHEST or level > 15:
                    raise ValueError(name)
                found.append([boot, number, level])
            except ValueError:
                print("outbox: not a segment of this outbox, left alone:", name)
    found.sort()
    for i, (boot, number, level) in enumerate(found):
        outbox.index.extend(type(outbox.index)("I", (boot, number, level, 0, 0, 0)))
        at = len(outbox.index) - STRIDE
        if found[i + 1 : i + 2] and found[i + 1][:2] == [boot, number]:
            files.remove(outbox.name(at))  # it was thinned, and the cut came before it was removed
            outbox.index = outbox.index[:at]
            continue
        _read(outbox, at)
    forget("outbox_read")


def _read(outbox, at):
    """Count what one segment holds."""
    from node import outbox_read  # forgotten by _find

    index = outbox.index
    outbox.sound = False
    try:
        index[at + _SIZE] = size = os.stat(outbox.name(at))[6]
        outbox.sound = outbox_read.count(outbox, at) == size
        if not index[at + _LAST]:
            files.remove(outbox.name(at))
            outbox.index = index[:at]
            return
    except OSError as error:
        print("outbox: cannot read", outbox.name(at), "- it is passed over:", error)
        outbox.counters["unreadable"] += 1
        index[at + _LEVEL] |= 256
    outbox.bytes += index[at + _SIZE]
