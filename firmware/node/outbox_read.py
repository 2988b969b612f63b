"""What waits in the outbox. Loaded when a batch is made, then dropped. index: see outbox.py."""

import binascii

from micropython import const

_LEVEL = const(2)
_LAST = const(3)
_WAITING = const(4)
_STRIDE = const(6)
_PACK = const(16)
_UNREADABLE = const(256)
_CHUNK = const(512)
_LONGEST_RECORD = const(259)  # a length byte, up to 255 bytes, a checksum


def scan(file, start=0, pack=0):
    """Yield (offset behind the record, boot, seq, body) for every sound record from `start` on. Damaged bytes
    are passed over one by one until a record's checksum is right again. Holds no more than _CHUNK + a record.

    pack    the first boot of a pack; 0: the file is none, and boot is given as 0
    """
    file.seek(start)
    buffer = b""
    at = 0
    ended = False
    while True:
        if not ended and len(buffer) - at < _LONGEST_RECORD:
            start += at
            more = file.read(_CHUNK)
            ended = not more
            buffer = buffer[at:] + more
            at = 0
        if at >= len(buffer):
            if ended:
                return
            continue
        behind = at + buffer[at] + 4
        if behind <= len(buffer) and behind > at + 4:
            body = buffer[at + 1 : behind - 3]
            if (binascii.crc32(body) & 0xFFFFFF).to_bytes(3, "little") == buffer[behind - 3 : behind]:
                at = behind
                boot = head = 0
                if pack:
                    boot, head = _number(body)
                    body = body[head:]
                yield start + at, pack + boot, _number(body)[0], body
                continue
        at += 1


def _number(body):
    """(the number at the begin of bytes that a checksum has found sound, the offset behind it)"""
    number = shift = at = 0
    while at < len(body):
        number |= (body[at] & 0x7F) << shift
        at += 1
        if body[at - 1] < 0x80:
            break
        shift += 7
    return number, at


def seqs(file, start):
    """The seqs of the records from `start` on."""
    return [seq for _, _, seq, _ in scan(file, start)]


def pack_of(index, at):
    """The first boot of the pack at index[at]; 0 when it is none."""
    return index[at] if index[at + _LEVEL] & _PACK else 0


def is_done(outbox, boot, seq):
    """Whether this reading does not wait. A range of boot 0 is of boots, all of which is done."""
    for of, first, last in outbox.ranges:
        if first <= seq <= last if of == boot else not of and first <= boot <= last:
            return True
    return False


def batch(outbox, max_count, max_bytes, live):
    """See Outbox.batch. `given` is noted for the ack: in it, each reading's done range begins behind the
    reading before it, because what lies between is done already or nowhere held."""
    index = outbox.index
    first = outbox.live if live else 1
    given = type(index)("I")
    bodies = []
    size = boot = prior = 0
    for at in range(0, len(index), _STRIDE):
        here = index[at]
        if live and here != outbox.boot:
            continue
        pack = pack_of(index, at)
        if bodies and (here != boot or pack):
            break
        if here != boot:
            boot = here
            prior = first  # where the next range begins; 0: at the reading itself
        if index[at + _LEVEL] >= _UNREADABLE:
            prior = 0
            continue
        if not index[at + _WAITING] or index[at + _LAST] < first:
            prior = prior or index[at + _LAST] + 1
            continue
        key = tuple(index[at : at + 3])
        place = outbox.freshest if live else outbox.oldest
        begin = 0
        if place[:3] == key:
            begin = place[3]
            prior = prior or place[4]
        try:
            with open(outbox.name(at), "rb") as file:
                for behind, of, seq, body in scan(file, begin, pack):
                    if of != boot and pack:
                        if bodies:
                            return _give(outbox, boot, given, bodies)
                        boot = of
                        prior = 1  # all of a boot is in one pack
                    if is_done(outbox, boot, seq) or seq < first or (bodies and seq <= given[-1]):
                        prior = prior or seq + 1
                        if not bodies and not live:
                            outbox.oldest = key + (behind, seq + 1)
                        continue
                    if bodies and (len(bodies) >= max_count or size + len(body) > max_bytes):
                        return _give(outbox, boot, given, bodies)
                    bodies.append(body)
                    size += len(body)
                    given.append(prior or seq)
                    given.append(seq)
                    prior = seq + 1
        except OSError as error:
            print("outbox: cannot read", outbox.name(at), "- it is passed over:", error)
            pass_over(outbox, at)
            prior = 0
    if not bodies or boot == outbox.boot:
        if boot != outbox.boot:
            boot = outbox.boot
            prior = first
        for seq, body in outbox.ring:
            if seq < first or (bodies and seq <= given[-1]) or is_done(outbox, boot, seq):
                continue
            if bodies and (len(bodies) >= max_count or size + len(body) > max_bytes):
                break
            bodies.append(body)
            size += len(body)
            given.append(prior or seq)
            given.append(seq)
            prior = seq + 1
    return _give(outbox, boot, given, bodies)


def pass_over(outbox, at):
    """A segment cannot be read: it stays, for the next start to try again."""
    index = outbox.index
    outbox.counters["unreadable"] += 1
    outbox.depth -= index[at + _WAITING]
    index[at + _WAITING] = 0
    index[at + _LEVEL] |= _UNREADABLE
    outbox.given = index[:0]
    if at == len(index) - _STRIDE:
        outbox.close()


def _give(outbox, boot, given, bodies):
    outbox.given = type(given)("I", (boot,)) + given
    return (boot, bodies) if bodies else None


def count(outbox, at):
    """Read one segment to say what it holds and what of that waits. Returns the offset behind it."""
    index = outbox.index
    boot = index[at]
    pack = pack_of(index, at)
    behind = last = most = waiting = 0
    with open(outbox.name(at), "rb") as file:
        for end, of, seq, _ in scan(file, 0, pack):
            behind = end
            if of != boot and pack:
                boot = of
                last = 0
            if seq > last:
                last = seq
                most = max(most, seq)
                if not is_done(outbox, boot, seq):
                    waiting += 1
    outbox.depth += waiting - index[at + _WAITING]
    index[at + _LAST] = most
    index[at + _WAITING] = waiting
    return behind


def count_boot(outbox, boot):
    """Count anew what waits of a boot, when that cannot be told from the last batch."""
    index = outbox.index
    for at in range(0, len(index), _STRIDE):
        if index[at + _WAITING] and outbox.holds(at, boot):
            count(outbox, at)
    if boot == outbox.boot:
        waits = [pair for pair in outbox.ring if not is_done(outbox, boot, pair[0])]
        outbox.depth -= len(outbox.ring) - len(waits)
        outbox.ring = waits
