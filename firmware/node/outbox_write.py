"""A reading into the outbox. Loaded for it, then dropped. index: see outbox.py."""

import binascii

from micropython import const

from node import files, use_once

_NUMBER = const(1)
_LAST = const(3)
_WAITING = const(4)
_SIZE = const(5)
_STRIDE = const(6)
_SEGMENT_BYTES = const(16384)
_ENOSPC = const(28)
_ENAMETOOLONG = const(36)  # what littlefs says of a new file when the disk is full
# A segment of which all is acked is left for a new one from this size on: littlefs writes a file's last block
# anew with each record, and this much of a block costs less than a whole one.
_ROLL_BYTES = const(512)
_RING = const(32)


def frame(body, behind=None):
    """A record as it stands in the file. `behind`: in a pack, how far its boot is behind the first."""
    if behind is not None:
        head = bytearray()
        while behind > 0x7F:
            head.append(behind & 0x7F | 0x80)
            behind >>= 7
        head.append(behind)
        body = bytes(head) + body
    return bytes([len(body)]) + body + (binascii.crc32(body) & 0xFFFFFF).to_bytes(3, "little")


def append(outbox, body):
    """See Outbox.append. `body`: of the reading that comes next."""
    seq = outbox.seq + 1
    try:
        while outbox.ring:
            _store_or_thin(outbox, *outbox.ring[0])
            outbox.ring.pop(0)
        _store_or_thin(outbox, seq, body)
    except OSError as error:
        if not outbox.kept:
            keep(outbox)
        print("outbox: the flash takes no reading, it waits in memory:", error)
        outbox.counters["ram_only"] += 1
        if len(outbox.ring) >= _RING:
            outbox.ring.pop(0)
            outbox.counters["lost_ram"] += 1
            outbox.depth -= 1
            outbox.given = outbox.index[:0]
        outbox.ring.append((seq, body))
    outbox.seq = seq
    outbox.depth += 1
    if outbox.live == seq:
        outbox.freshest = outbox.tail
    return seq


def _store_or_thin(outbox, seq, body):
    """As _store. On a full disk the outbox makes the room, as far as it takes some itself."""
    try:
        _store(outbox, seq, body)
    except OSError as error:
        if error.errno not in (_ENOSPC, _ENAMETOOLONG) or outbox.bytes < 2 * _SEGMENT_BYTES:
            raise
        print("outbox: the disk is full, older readings are thinned")
        use_once("outbox_thin", "thin", outbox)
        _store(outbox, seq, body)


def _store(outbox, seq, body):
    """One record into the last segment. Raises OSError when it did not get there."""
    data = frame(body)
    if outbox.bytes + len(data) > outbox.max_bytes:
        use_once("outbox_thin", "thin", outbox)
    index = outbox.index
    at = len(index) - _STRIDE
    # Each segment takes heap: a full outbox has some 16, and more when it was thinned.
    longest = max(_SEGMENT_BYTES, outbox.max_bytes // 16)
    if (
        outbox.file is None
        or index[at + _SIZE] + len(data) > longest
        or (not index[at + _WAITING] and index[at + _SIZE] >= _ROLL_BYTES)
    ):
        _begin(outbox, longest - len(data))
        index = outbox.index
        at = len(index) - _STRIDE
    tail = tuple(index[at : at + 3]) + (index[at + _SIZE], seq)
    try:
        outbox.file.write(data)
        outbox.file.flush()
    except OSError:
        outbox.close()
        if not _is_there(outbox, at, seq):
            raise
    # From here on nothing takes memory: without any left the seq would come twice.
    outbox.seq = max(outbox.seq, seq)
    outbox.tail = tail
    outbox.written += len(data)
    index[at + _LAST] = seq
    index[at + _WAITING] += 1
    index[at + _SIZE] += len(data)
    outbox.bytes += len(data)


def _is_there(outbox, at, seq):
    """Whether a record got there although its write was reported as failed."""
    try:
        with open(outbox.name(at), "rb") as file:
            file.seek(outbox.index[at + _SIZE])
            return file.read(1) and seq in use_once("outbox_read", "seqs", file, outbox.index[at + _SIZE])
    except (OSError, MemoryError):
        return False  # a copy under the same seq is no harm


def _begin(outbox, room):
    """Open a segment to write to: the last one if it can go on, else a new one."""
    outbox.close()
    index = outbox.index
    at = len(index) - _STRIDE
    number = 0
    if at >= 0 and index[at] == outbox.boot:
        number = index[at + _NUMBER] + 1
        if not index[at + _LAST]:
            # Nothing got into it, as on a full disk: a new one for each failure would fill the heap.
            outbox.file = open(outbox.name(at), "wb")
            return
        if outbox.sound and index[at + _SIZE] <= (room if index[at + _WAITING] else _ROLL_BYTES):
            outbox.sound = False
            outbox.file = open(outbox.name(at), "ab")
            return
    if not outbox.kept or not number:
        keep(outbox)  # no reading is born under a number that may come again
    index.extend(type(index)("I", (outbox.boot, number, 0, 0, 0, 0)))
    try:
        outbox.file = open(outbox.name(at + _STRIDE), "wb")
    except OSError:
        outbox.index = index[: at + _STRIDE]
        raise
    use_once("outbox_ack", "forget", outbox)


def keep(outbox):
    """Remember this start's number, in NVS and in a file. Raises OSError when neither works."""
    outbox.kept = False
    if outbox.board:
        try:
            if (outbox.board.nvs_get("boot") or 0) < outbox.boot:
                outbox.board.nvs_set("boot", outbox.boot)
            outbox.kept = True
        except OSError as error:
            print("outbox: NVS does not keep the boot's number:", error)
    path = outbox.path("boot")
    try:
        found = files.whole_number(path) or 0
        if found != outbox.boot:
            if outbox.boot < found < 0x7FFFFFFF:
                raise OSError("a higher boot was found in " + path)
            files.folder(outbox.folder)
            files.write(path, str(outbox.boot).encode())
        outbox.kept = True
    except OSError as error:
        print("outbox: no file keeps the boot's number:", error)
        if not outbox.kept:
            raise
