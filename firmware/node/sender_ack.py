"""Take an `ack` message for the Sender. Loaded for it, then dropped."""

from micropython import const

_REFUSALS = const(3)
_KNOWN = const(4)  # batches that were refused; more than two are under way only when the gateway errs
_SLOW_MS = const(600000)


def take(it, message):
    """See Sender.on_ack. Returns the seqs that the gateway has for good."""
    if message.get("v") != 1:
        return None
    if "refused" in message:
        _refused(it, message["refused"])
    elif message.get("boot") == it.boot:
        done = acked_seqs(message, it.seqs)
        if done:
            it.seqs = [seq for seq in it.seqs if seq not in done]
            for seq in done:
                it.refused.pop((it.boot, seq), None)
            it.answer.set()
            return done
    return None


def acked_seqs(message, seqs):
    """Those of `seqs` that an ack message declares durable. A malformed ack declares nothing."""
    upto = message.get("upto")
    first = message.get("from", 1)
    gaps = message.get("except", [])
    if not isinstance(upto, int) or not isinstance(first, int) or not isinstance(gaps, list):
        return []
    left_out = set()
    for gap in gaps:
        low, high = gap if isinstance(gap, list) and len(gap) == 2 else (gap, gap)
        if not isinstance(low, int) or not isinstance(high, int):
            return []
        left_out.update([seq for seq in seqs if low <= seq <= high])
    return [seq for seq in seqs if first <= seq <= upto and seq not in left_out]


def _refused(it, why):
    """After three refusals of a batch its readings go one by one, so that only those are set aside which are
    refused by themselves. A batch is known by its first reading: others may be acked in between."""
    if not it.seqs:
        return
    it.counters["refused"] += 1
    print("sender: the gateway refused a batch:", why)
    batch = (it.boot, it.seqs[0])
    count = it.refused.pop(batch, 0) + 1
    if count >= _REFUSALS and len(it.seqs) > 1:
        it.singly[it.live] = (it.boot, it.seqs[-1])
        print("sender: after", count, "refusals its", len(it.seqs), "readings go one by one")
    elif count < _REFUSALS or not _set_aside(it):
        if len(it.refused) >= _KNOWN:
            it.refused.clear()
        it.refused[batch] = count
    it.seqs = []
    it.answer.set()


def _set_aside(it):
    """Take the one reading under way out of the way. When that cannot be, it is asked about ever again, but
    seldom, and not ahead of others."""
    from node.record import seq_of  # outbox_aside forgets it

    outbox = it.outbox
    # It is read once more: kept from when it was sent, it would take memory all the time.
    boot, bodies = outbox.batch(1, 0, it.live) or (0, [])
    bodies = [body for body in bodies if (boot, seq_of(body)) == (it.boot, it.seqs[0])]  # else it was thinned
    if outbox.set_aside(it.boot, bodies):
        print("sender: set aside reading", it.boot, it.seqs[0], "after", _REFUSALS, "refusals")
        return True
    outbox.live = outbox.seq + 1
    outbox.freshest = outbox.tail
    it.later = it.clock.now() + _SLOW_MS
    return False
