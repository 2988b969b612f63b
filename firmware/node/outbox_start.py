"""What the outbox does once, at the start: count the boot, read what is held. Loaded for it, then dropped."""

import errno
import json
import os

from micropython import const

from node import files, record
from node.outbox import Segment, scan

_KEPT_BOOTS = const(16)


def start(outbox):
    """Fill a fresh Outbox from its folder. Raises OSError when what it holds cannot be read."""
    folder = outbox.folder + "/"
    try:
        files.folder(outbox.folder)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
        print("outbox: no room to make its folder")
        outbox.boot = 1  # the first append tries again
        return
    _load_state(outbox, folder)
    outbox.segments = _segments(outbox, folder)
    known = [boot for boot, _ in outbox._boots] + [segment.boot for segment in outbox.segments]
    known += [outbox._done[0], files.whole_number(folder + "boot") or 0]
    outbox.boot = max(known) + 1
    _remember_boots(outbox)
    outbox._forget()
    try:
        outbox.keep()
        files.write(folder + "boots", json.dumps(outbox._boots).encode())
    except OSError as error:
        # A full disk must not stop the node: the outbox drains, and the first append tries again.
        print("outbox: cannot keep the boot's number:", error)


def _load_state(outbox, folder):
    """What was acked, and how far earlier boots got. A damaged file costs repetition, never a reading."""
    state = _json(folder + "acked", {})
    boot, seq, aside = state.get("boot"), state.get("seq"), state.get("aside")
    if isinstance(boot, int) and isinstance(seq, int) and isinstance(aside, int):
        outbox._done = (boot, seq)
        outbox.aside = aside
    for pair in _json(folder + "boots", []):
        if (
            isinstance(pair, list)
            and len(pair) == 2
            and isinstance(pair[0], int)
            and isinstance(pair[1], int)
        ):
            outbox._boots.append(pair)


def _json(path, empty):
    """The file's content when it is of the same type as `empty`, else `empty`."""
    raw = files.read(path)
    try:
        value = json.loads(raw) if raw else empty
    except ValueError:
        value = None
    if isinstance(value, type(empty)):
        return value
    print("outbox:", path, "is damaged and counts as empty")
    return empty


def _segments(outbox, folder):
    """The segments that hold a reading, oldest first. What a cut left unfinished is removed."""
    found = []
    for name in os.listdir(outbox.folder):
        if name.endswith(".new"):
            files.remove(folder + name)
        elif name.endswith(".seg"):
            try:
                boot, number, level = [int(part, 16) for part in name[:-4].split("-")]
            except ValueError:
                print("outbox: not a segment of this outbox, left alone:", name)
                continue
            segment = Segment(boot, number, level)
            if _index(outbox, segment, folder + name):
                found.append(segment)
            else:
                files.remove(folder + name)
    found.sort(key=Segment.key)
    return found


def _index(outbox, segment, path):
    """Read one segment; whether it holds a reading."""
    segment.size = os.stat(path)[6]
    with open(path, "rb") as file:
        for _, body in scan(file):
            seq = record.seq_of(body)
            segment.holds(seq, (segment.boot, seq) > outbox._done)
    return segment.last


def _remember_boots(outbox):
    """Note how far each earlier boot got: what the ledger counts as born."""
    last = dict(outbox._boots)
    for boot, seq in [outbox._done] + [(segment.boot, segment.last) for segment in outbox.segments]:
        if boot:
            last[boot] = max(seq, last.get(boot, 0))
    outbox._boots = [[boot, last[boot]] for boot in sorted(last, reverse=True)][: _KEPT_BOOTS - 1]
