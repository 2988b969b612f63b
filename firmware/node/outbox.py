"""Readings in flash from their birth until the gateway's ack. What stays in the heap of it.

Append-only segment files `BOOT-NUMBER-LEVEL.seg` (hex) of records `length, body, checksum`; those of many
starts in one outage are put together (outbox_pack). A reading is born when its record is flushed; only an ack
(`acked`) makes the outbox forget it. What is done is known as ranges of seqs per boot (`ranges`), kept in two
small files that are written in turn. A torn record fails its checksum and is passed over. When the flash
cannot be written, readings wait in the heap (`ring`), counted.

When the outbox is full, old segments are thinned to every second record (LEVEL counts it), so that a long
outage costs resolution, not a stretch of days.

What is done once a minute or so is loaded for it: outbox_start, outbox_write, outbox_read, outbox_ack,
outbox_aside, outbox_thin, outbox_pack. docs/node/storage.md tells the whole.
"""

from array import array

from micropython import const

from node import use_once

# `index` has six numbers for each segment, oldest first: boot, number, level (with 256: cannot be read), last
# seq, readings that wait, bytes. A full outbox has some 20 segments, more when it was thinned.
STRIDE = const(6)
# With this in its level it is a pack, all of several boots: `boot` is the first of them, `number` the last.
_PACK = const(16)


class Outbox:
    """`open()` first: it counts the boot and rebuilds the index. One writer, one reader, no threads."""

    def __init__(self, folder, max_bytes=1048576, board=None):
        self.folder = folder
        self.max_bytes = max_bytes
        self.board = board  # keeps the boot's number beside the file system, if given
        self.kept = False  # the boot's number is kept somewhere, so that it cannot come again
        self.boot = 0
        self.seq = 0
        self.live = 1  # this boot's readings from this seq on are fresh: they go first
        self.depth = 0  # readings that wait for an ack
        self.bytes = 0  # in segments
        self.written = 0  # bytes given to the file system since the start
        self.thinned = 0
        self.aside = 0
        self.counters = {"ram_only": 0, "lost_ram": 0, "unreadable": 0}
        self.index = array("I")
        # [boot, first, last] of what is done; nothing held from first to last waits. Of boot 0: whole boots.
        self.ranges = []
        self.ring = []  # (seq, record) of those that the flash did not take
        self.boots = []  # [boot, last seq] of earlier boots, newest first
        self.file = None  # the segment being written
        self.sound = False  # the last segment can be written on although it is not open
        self.mark = 0  # the last write of `ranges`, counted
        self.given = array("I")  # boot of the last batch; of each reading: where its done range begins, seq
        # Where to begin to look: boot, number, level of a segment, offset in it, the next possible seq.
        self.oldest = ()  # all before is done
        self.freshest = ()  # all before is older than `live`
        self.tail = ()  # the last record

    def path(self, name):
        return self.folder + "/" + name

    def name(self, at):
        """The path of the segment at index[at]."""
        index = self.index
        return self.path(f"{index[at]:08x}-{index[at + 1]:04x}-{index[at + 2] % 256:x}.seg")

    def holds(self, at, boot):
        """Whether readings of this boot may be in the segment at index[at]."""
        index = self.index
        return index[at] <= boot <= index[at + 1 if index[at + 2] & _PACK else at]

    def open(self, resume=None):
        """Count this start and read what is held. With resume=(boot, last seq), as after a deep sleep, that
        boot goes on, unless a higher one is found. Never raises OSError."""
        use_once("outbox_start", "start", self, resume)

    @property
    def born(self):
        """[[boot, last seq], ...], newest first: this boot and the ones before it."""
        return [[self.boot, self.seq]] + self.boots

    def append(self, reading, t, tq):
        """Store a reading and return its seq. It is born, and counts, once this returns. Raises OSError when
        no number can be kept, so that it might come again."""
        body = use_once("record", "encode", self.seq + 1, t, tq, reading)
        return use_once("outbox_write", "append", self, body)

    def batch(self, max_count, max_bytes, live=False):
        """The oldest unacked readings of one boot: (boot, [body, ...]); None when there are none. `live`:
        only those from `live` on. `max_bytes` bounds the sum of the bodies; at least one is given."""
        return use_once("outbox_read", "batch", self, max_count, max_bytes, live)

    def acked(self, boot, seqs):
        """Forget these readings of one boot, because the gateway has them for good. `seqs` ascend. An OSError
        says that they come again after a restart, which costs nothing."""
        use_once("outbox_ack", "acked", self, boot, seqs)

    def set_aside(self, boot, bodies):
        """Take readings that the gateway cannot read out of the way, into the file `aside`, for whoever looks
        into it. False when it does not take all of them: the others wait on."""
        return use_once("outbox_aside", "set_aside", self, boot, bodies)

    def close(self):
        file, self.file = self.file, None
        try:
            if file is not None:
                file.close()
        except OSError:
            pass  # each record was flushed when it was born; the one that was not is not born
