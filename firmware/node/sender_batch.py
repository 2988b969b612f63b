"""Make the next batch for the Sender. Loaded for it, then dropped."""

from micropython import const

from node import forget, use_once

_MAX_READINGS = const(60)
_JSON_PER_BYTE = const(8)  # about what a reading's JSON is to its record
_FRESH = const(8)  # more that nobody has answered for are no news but backlog
_RANGES = const(12)  # of what is done: fresh readings ahead of a backlog make more of them
_EMPTY_MS = const(60000)


def fill(it):
    """Put fresh readings that wait into the buffer of a Sender, or else the oldest of the backlog when its
    time has come; false when there are none."""
    outbox = it.outbox
    now = it.clock.now()
    if outbox.seq - outbox.live >= _FRESH or len(outbox.ranges) >= _RANGES:
        outbox.live = outbox.seq + (1 if len(outbox.ranges) >= _RANGES else 0)
        outbox.freshest = outbox.tail
    most = it.config.batch_bytes // _JSON_PER_BYTE
    it.live = True
    found = _batch(it, most) if outbox.live <= outbox.seq else None
    if found is None:
        outbox.live = outbox.seq + 1
        if now < it.later:
            return False
        it.live = False
        found = _batch(it, most)
        if found is None:
            it.later = now + _EMPTY_MS  # what waits cannot be read
            return False
    it.boot = found[0]
    depth = outbox.depth
    try:
        _write(it, found[1])
    finally:
        forget("record")
    if not it.seqs and outbox.depth == depth:  # none of these can be read, and none could be set aside
        outbox.live = outbox.seq + 1
        it.later = now + _EMPTY_MS
    elif it.seqs and not it.live:
        it.later = now + len(it.seqs) * 60000 // it.config.backlog_per_min
    return it.seqs


def _batch(it, most):
    """Outbox.batch; one reading alone as long as they are those of a batch that was refused."""
    upto = it.singly.get(it.live)
    found = it.outbox.batch(1 if upto else _MAX_READINGS, most, it.live)
    if upto and found:
        from node.record import seq_of  # forgotten by fill

        if (found[0], seq_of(found[1][0])) > upto:
            del it.singly[it.live]
    return found


def _write(it, bodies):
    """The message of these readings. One that cannot be read is set aside."""
    stamp = stamp_of(it.clock, it.boot)

    from node.record import RecordError, seq_of, to_json

    it.seqs = []
    it.size = 0
    _put(it, '{"v":1,"boot":%d,"readings":[' % it.boot)
    for body in bodies:
        try:
            text = to_json(body, stamp)
        except RecordError as error:
            it.counters["bad_records"] += 1
            print("sender: record", it.boot, seq_of(body), "cannot be read:", error)
            it.outbox.set_aside(it.boot, [body])
            continue
        if not _put(it, "," + text if it.seqs else text):
            break
        it.seqs.append(seq_of(body))
    _put(it, "]}", 0)


def stamp_of(clock, boot):
    """stamp(up) -> (t, tq), for readings of a boot that were born without a time. Later syncs do not move
    this boot's: they stay before those that were born after them."""
    start = clock.first
    if boot != clock.boot:
        if clock._old[0] != boot:
            clock._old = (boot, use_once("epochs", "start_of", clock, boot))
        start = clock._old[1]
    return lambda up: (None, "none") if start is None else (up + start // 1000, "back")


def _put(it, text, spare=2):
    """Append to the payload; False when it does not fit, with room to spare for its end."""
    end = it.size + len(text)
    if end + spare > len(it.buffer):
        return False
    it.buffer[it.size : end] = text.encode()
    it.size = end
    return True
