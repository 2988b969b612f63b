"""Readings in flash from their birth until the gateway's ack.

Append-only segment files `BOOT-NUMBER-LEVEL.seg` (hex) of records `length, body, crc32`. A reading is born
when its record is flushed; only an ack (`acked`) makes the outbox forget it. What was acked is kept in the
file `acked` as (boot, seq): everything up to it is done. After a cut in the middle of a write the torn record
fails its checksum and is passed over; the next boot writes a segment of its own.

When the outbox is full, the oldest segment is thinned to every second record (LEVEL counts it), so that
a long outage costs resolution, not a stretch of days.
"""

import binascii
import json

from micropython import const

from node import files, record, use_once

_SEGMENT_BYTES = const(16384)
_ASIDE_BYTES = const(16384)
_CHUNK = const(512)
_LONGEST_RECORD = const(260)  # a length byte, up to 255 bytes, a checksum


class Segment:
    """One file's place in the order, and what it holds."""

    def __init__(self, boot, number, level):
        self.boot = boot
        self.number = number
        self.level = level
        self.last = 0
        self.waiting = 0
        self.size = 0

    def name(self):
        return f"{self.boot:08x}-{self.number:04x}-{self.level:x}.seg"

    def key(self):
        return (self.boot, self.number)

    def holds(self, seq, waiting=True):
        self.last = seq
        self.waiting += 1 if waiting else 0


def frame(body):
    """A record as it stands in the file."""
    return bytes([len(body)]) + body + binascii.crc32(body).to_bytes(4, "little")


def scan(file, start=0):
    """Yield (offset behind the record, body) for every sound record from `start` on. Damaged bytes are passed
    over one by one until a record's checksum is right again. Holds no more than _CHUNK + a record's bytes."""
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
        behind = at + buffer[at] + 5
        if behind <= len(buffer) and behind > at + 5:
            body = buffer[at + 1 : behind - 4]
            if binascii.crc32(body).to_bytes(4, "little") == buffer[behind - 4 : behind]:
                at = behind
                yield start + at, body
                continue
        at += 1


class Outbox:
    """`open()` first: it counts the boot and rebuilds the index. One writer, one reader, no threads."""

    def __init__(self, folder, max_bytes=1048576):
        self.folder = folder
        self.max_bytes = max_bytes
        self.boot = 0
        self.seq = 0
        self.segments = []
        self.thinned = 0
        self.aside = 0
        self._done = (0, 0)  # everything up to this (boot, seq) is acked
        self._ahead = set()  # acked seqs of the batch at hand beyond a gap
        self._boots = []  # [boot, last seq] of earlier boots, newest first
        self._file = None
        self._place = None  # (segment key, offset, seq): where the last batch began

    def _path(self, name):
        return self.folder + "/" + name

    def open(self):
        """Count this start and read what is held. Raises OSError when the flash cannot be used at all."""
        use_once("outbox_start", "start", self)

    @property
    def born(self):
        """[[boot, last seq], ...], newest first: this boot and the ones before it."""
        return [[self.boot, self.seq]] + self._boots

    @property
    def bytes(self):
        return sum([segment.size for segment in self.segments])

    @property
    def depth(self):
        """Readings that wait for an ack."""
        return sum([segment.waiting for segment in self.segments]) - len(self._ahead)

    def append(self, reading, t, tq):
        """Store a reading and return its seq. It is born, and counts, once this returns. Raises OSError."""
        seq = self.seq + 1
        data = frame(record.encode(seq, t, tq, reading))
        if self.bytes + len(data) > self.max_bytes:
            use_once("outbox_thin", "thin", self)
        segment = self.segments[-1] if self.segments else None
        # Each segment takes heap: a full outbox has some 16, and twice as many for each time it was thinned.
        longest = max(_SEGMENT_BYTES, self.max_bytes // 16)
        if self._file is None or segment is None or segment.size + len(data) > longest:
            segment = self._start_segment()
        try:
            self._file.write(data)
            self._file.flush()
        except OSError:
            self.close()
            if not self._is_on_flash(segment, seq):
                raise
        self.seq = seq
        segment.holds(seq)
        segment.size += len(data)
        return seq

    def _is_on_flash(self, segment, seq):
        """Whether a record got there although its write was reported as failed: its seq is then taken."""
        with open(self._path(segment.name()), "rb") as file:
            return seq in [record.seq_of(body) for _, body in scan(file, segment.size)]

    def _start_segment(self):
        self.close()
        number = 0
        segment = self.segments[-1] if self.segments else None
        if segment is not None and segment.boot == self.boot:
            if not segment.last:
                # Nothing got into it, as on a full disk: a new one for each failure would fill the heap.
                self._file = open(self._path(segment.name()), "wb")
                return segment
            number = segment.number + 1
        if not number and files.whole_number(self._path("boot")) != self.boot:
            self.keep()  # the start could not; no reading is born under a number that may come again
        segment = Segment(self.boot, number, 0)
        self._file = open(self._path(segment.name()), "wb")
        self.segments.append(segment)
        return segment

    def keep(self):
        """Remember this start's number. Raises OSError."""
        files.folder(self.folder)
        files.write(self._path("boot"), str(self.boot).encode())

    def close(self):
        file, self._file = self._file, None
        try:
            if file is not None:
                file.close()
        except OSError:
            pass  # each record was flushed when it was born; the one that was not is not born

    def batch(self, max_count, max_bytes):
        """The oldest unacked readings of one boot: (boot, [body, ...]); None when all is acked. `max_bytes`
        bounds the sum of the bodies; at least one is given."""
        bodies = []
        boot = size = 0
        for segment in self.segments:
            if segment.key() < self._done_key() or (
                segment.boot == self._done[0] and segment.last <= self._done[1]
            ):
                continue
            if bodies and segment.boot != boot:
                break
            boot = segment.boot
            at = self._place[1] if self._place and self._place[0] == segment.key() else 0
            with open(self._path(segment.name()), "rb") as file:
                for behind, body in scan(file, at):
                    seq = record.seq_of(body)
                    if self._is_done(boot, seq):
                        if not bodies:
                            self._place = (segment.key(), behind)
                        continue
                    if bodies and (len(bodies) >= max_count or size + len(body) > max_bytes):
                        return boot, bodies
                    bodies.append(body)
                    size += len(body)
        return (boot, bodies) if bodies else None

    def _done_key(self):
        return (self._done[0], 0)

    def _is_done(self, boot, seq):
        return (boot, seq) <= self._done or (boot == self._done[0] and seq in self._ahead)

    def set_aside(self, boot, bodies):
        """Take readings that the gateway cannot read out of the way. Their records stay in the file `aside`,
        as long as it has room, for whoever looks into it."""
        with open(self._path("aside"), "ab") as file:
            for body in bodies:
                if file.tell() < _ASIDE_BYTES:
                    file.write(frame(body))
            file.flush()
        self.aside += len(bodies)
        self.acked(boot, [record.seq_of(body) for body in bodies])

    def acked(self, boot, seqs):
        """Forget these readings of one boot, because the gateway has them for good. `seqs` ascend and come
        from the last batch. An OSError says that they come again after a restart, which costs nothing."""
        if boot != self._done[0] and boot in [segment.boot for segment in self.segments]:
            self._ahead = set()
            self._done = (boot, 0) if boot > self._done[0] else self._done
        if boot != self._done[0]:
            return
        self._ahead.update([seq for seq in seqs if seq > self._done[1]])
        self._advance()
        self._forget()  # before the mark is kept: on a full disk it makes the room for it
        self._save()

    def _advance(self):
        """Move the mark over every held reading that is acked, gaps in the numbers included."""
        boot, upto = self._done
        for segment in self.segments:
            if segment.boot != boot or segment.last <= upto:
                continue
            at = self._place[1] if self._place and self._place[0] == segment.key() else 0
            with open(self._path(segment.name()), "rb") as file:
                for _, body in scan(file, at):
                    seq = record.seq_of(body)
                    if seq <= upto:
                        continue
                    if seq not in self._ahead:
                        self._done = (boot, upto)
                        self._ahead = {ahead for ahead in self._ahead if ahead > seq}
                        return
                    self._ahead.remove(seq)
                    segment.waiting -= 1
                    upto = seq
        self._done = (boot, upto)
        self._ahead = set()

    def _save(self):
        state = {"boot": self._done[0], "seq": self._done[1], "aside": self.aside}
        files.write(self._path("acked"), json.dumps(state).encode())

    def _forget(self):
        """Remove segments that are acked whole, but not the one being written: fewer files, less wear."""
        for segment in list(self.segments):
            if (segment.boot, segment.last) <= self._done:
                if self._file is not None and segment is self.segments[-1]:
                    continue
                files.remove(self._path(segment.name()))
                self.segments.remove(segment)
