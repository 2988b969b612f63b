"""What the gateway has for good. Loaded for an ack, then dropped. index: see outbox.py.

The ranges of what is done stand in two files, `acked.0` and `acked.1`, written in turn and whole: whatever
cuts one write off, the other file holds what was known before. Up to 128 bytes such a file costs littlefs one
short entry in its folder's log, and no erasure. Content: varints `serial, aside, boot, first, last, ...`,
then a CRC-32.
"""

import binascii

from micropython import const

from node import files, use_once

_LEVEL = const(2)
_LAST = const(3)
_WAITING = const(4)
_SIZE = const(5)
_STRIDE = const(6)
_PACK = const(16)
_UNREADABLE = const(256)
_MOST = const(24)  # ranges; an ack that would make more is not taken: it comes again


def acked(outbox, boot, seqs):
    """See Outbox.acked."""
    known = True  # all of them are of the last batch, and it is still held as it was then
    starts = _starts(outbox, boot)
    if starts:
        _pass_boots(outbox, boot)
    for seq in seqs:
        start = starts.get(seq)
        if _is_done(outbox, boot, seq) or not _add(outbox.ranges, boot, start or seq, seq):
            continue
        if start:
            _count(outbox, boot, seq)
        else:
            known = False
    if not known:
        use_once("outbox_read", "count_boot", outbox, boot)
    while outbox.live <= outbox.seq and _is_done(outbox, outbox.boot, outbox.live):
        outbox.live += 1
    try:
        save(outbox)
        forget(outbox)
    except OSError:
        forget(outbox)  # on a full disk it makes the room
        save(outbox)


def _starts(outbox, boot):
    """seq -> where its done range begins, of the last batch."""
    given = outbox.given
    if not given or given[0] != boot:
        return {}
    return {given[i + 1]: given[i] for i in range(1, len(given), 2)}


def _is_done(outbox, boot, seq):
    return any(known[0] == boot and known[1] <= seq <= known[2] for known in outbox.ranges)


def _pass_boots(outbox, boot):
    """A batch of this boot was given: of a pack, then, the boots before it are done."""
    index = outbox.index
    for at in range(0, len(index), _STRIDE):
        if index[at] < boot and outbox.holds(at, boot):
            _add(outbox.ranges, 0, index[at], boot - 1)


def _add(ranges, boot, first, last):
    """Put a range to the others; False when there are too many."""
    joined = [r for r in ranges if r[0] == boot and r[1] <= last + 1 and first <= r[2] + 1]
    if not joined and len(ranges) >= _MOST:
        return False
    for known in joined:
        first = min(first, known[1])
        last = max(last, known[2])
        ranges.remove(known)
    ranges.append([boot, first, last])
    return True


def _count(outbox, boot, seq):
    """One reading waits no more."""
    for i, pair in enumerate(outbox.ring):
        if pair[0] == seq and boot == outbox.boot:
            outbox.ring.pop(i)
            outbox.depth -= 1
            return
    index = outbox.index
    for at in range(0, len(index), _STRIDE):
        if outbox.holds(at, boot) and index[at + _LAST] >= seq and index[at + _WAITING]:
            index[at + _WAITING] -= 1
            outbox.depth -= 1
            return


def save(outbox):
    """Keep what is done."""
    numbers = [outbox.mark + 1, outbox.aside]
    for known in outbox.ranges:
        numbers.extend(known)
    data = bytearray()
    for number in numbers:
        while number > 0x7F:
            data.append(number & 0x7F | 0x80)
            number >>= 7
        data.append(number)
    data.extend(binascii.crc32(data).to_bytes(4, "little"))
    with open(outbox.path(f"acked.{(outbox.mark + 1) & 1}"), "wb") as file:
        file.write(data)
        file.flush()
    outbox.mark += 1
    outbox.written += len(data)


def load(outbox):
    """What was acked, as the newer of the two files says that is whole."""
    for i in range(2):
        data = files.read(outbox.path(f"acked.{i}"))
        if data is None:
            continue
        numbers = _numbers(data)
        if numbers is None:
            print("outbox: acked.%d is damaged; the other one counts" % i)
        elif numbers[0] > outbox.mark:
            outbox.mark, outbox.aside = numbers[:2]
            outbox.ranges = [numbers[at : at + 3] for at in range(2, len(numbers), 3)]


def _numbers(data):
    """What save() wrote, or None when it is damaged."""
    if len(data) < 6 or binascii.crc32(data[:-4]).to_bytes(4, "little") != data[-4:]:
        return None
    numbers = []
    number = shift = 0
    for byte in data[:-4]:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(number)
            number = shift = 0
    return numbers if len(numbers) % 3 == 2 else None


def forget(outbox):
    """Remove segments that are acked whole, but not the one being written: fewer files, less wear."""
    index = outbox.index
    at = 0
    while at < len(index):
        if (
            index[at + _WAITING]
            or index[at + _LEVEL] >= _UNREADABLE
            or (at == len(index) - _STRIDE and index[at] == outbox.boot)
        ):
            at += _STRIDE
            continue
        files.remove(outbox.name(at))
        outbox.bytes -= index[at + _SIZE]
        index = outbox.index = index[:at] + index[at + _STRIDE :]
    outbox.ranges = [known for known in outbox.ranges if _counts(outbox, known)]


def _counts(outbox, known):
    """Whether a range is still needed: readings that it tells of may be in a segment."""
    boot, first, last = known
    if boot:
        first = last = boot
    index = outbox.index
    for at in range(0, len(index), _STRIDE):
        until = index[at + 1 if index[at + _LEVEL] & _PACK else at]
        if index[at] <= last and first <= until:
            return not boot or not any(not of and low <= boot <= high for of, low, high in outbox.ranges)
    return boot == outbox.boot
