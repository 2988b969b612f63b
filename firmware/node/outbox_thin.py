"""Make room in a full outbox. Loaded when that is needed, then dropped."""

import os

from node import files, record
from node.outbox import Segment, frame, scan


def thin(outbox):
    """Keep every second record of the oldest segment that was thinned least."""
    sealed = outbox.segments[:-1] or outbox.segments
    segment = min(sealed, key=lambda s: (s.level, s.boot, s.number))
    if segment is outbox.segments[-1]:
        outbox.close()
    old = outbox._path(segment.name())
    thinner = Segment(segment.boot, segment.number, segment.level + 1)
    path = outbox._path(thinner.name())
    with open(old, "rb") as source, open(path + ".new", "wb") as target:
        for i, (_, body) in enumerate(scan(source)):
            if i % 2:
                outbox.thinned += 1
                continue
            target.write(frame(body))
            seq = record.seq_of(body)
            thinner.holds(seq, (segment.boot, seq) > outbox._done)
            thinner.size += len(body) + 5
        target.flush()
    os.rename(path + ".new", path)
    files.remove(old)
    outbox.segments[outbox.segments.index(segment)] = thinner
    outbox._place = None
