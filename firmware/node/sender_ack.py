"""Take an `ack` message for the Sender. Loaded for it, then dropped."""

from micropython import const

_REFUSALS = const(3)


def take(it, message):
    """See Sender.on_ack."""
    if message.get("v") != 1:
        return
    if "refused" in message:
        _refused(it, message["refused"])
    elif message.get("boot") == it.boot:
        done = acked_seqs(message, it.seqs)
        if done:
            it.seqs = [seq for seq in it.seqs if seq not in done]
            it.refusals = 0
            it.answer.set()
            it.outbox.acked(it.boot, done)


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
    if not it.seqs:
        return
    it.counters["refused"] += 1
    it.refusals += 1
    print("sender: the gateway refused a batch:", why)
    if it.refusals >= _REFUSALS:
        print("sender: set aside", len(it.seqs), "readings after", _REFUSALS, "refusals")
        # They are read once more: kept from when they were sent, they would take kilobytes all the time.
        _, bodies = it.outbox.batch(len(it.seqs) + 60, len(it.buffer), it.live) or (0, [])
        from node.record import seq_of

        it.outbox.set_aside(it.boot, [body for body in bodies if seq_of(body) in it.seqs])
        it.refusals = 0
    it.seqs = []
    it.answer.set()
