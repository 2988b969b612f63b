"""Send what the outbox holds, a batch at a time; let go of it once the gateway says that it is durable."""

import asyncio

from micropython import const

from node import record
from node.mqtt.errors import MqttError

_MAX_READINGS = const(60)
_JSON_PER_BYTE = const(4)  # a reading's JSON is at least so many times its record
_REFUSALS = const(3)


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


class Sender:
    """One batch is under way at a time, so that a refusal, which cannot name it, still has one meaning."""

    def __init__(self, config, outbox, clock, link):
        self.config = config
        self.outbox = outbox
        self.clock = clock
        self.link = link
        self.news = asyncio.Event()  # set when the outbox grew
        self.counters = {"batches": 0, "resent": 0, "refused": 0, "bad_records": 0}
        self.beat = 0  # grows while run() gets on, see guard.py
        self._answer = asyncio.Event()
        # Made once: after days, a heap has room left but no longer in one piece.
        self._buffer = bytearray(config.batch_bytes)
        self._size = 0
        self._boot = 0
        self._seqs = []
        self._bodies = []
        self._refusals = 0

    async def run(self):
        """Never returns."""
        while True:
            await self.link.up.wait()
            self.beat += 1
            batch = self._batch()
            if batch is None:
                self.news.clear()
                try:
                    await asyncio.wait_for_ms(self.news.wait(), 1000)
                except asyncio.TimeoutError:
                    pass  # the clock or an ack may have changed what can be sent
                continue
            await self._send(batch)

    def _batch(self):
        """(boot, seqs) of the oldest readings that wait, with the payload in the buffer, or None. Readings of
        this boot that have no time yet stay until the clock is known, or `clock_wait_s` after the start are
        sent without."""
        found = self.outbox.batch(_MAX_READINGS, self.config.batch_bytes // _JSON_PER_BYTE)
        if found is None:
            return None
        boot, bodies = found
        this_boot = boot == self.outbox.boot
        if this_boot and not self.clock.known and self.clock.now() < self.config.clock_wait_s * 1000:
            return None
        stamp = self.clock.afterwards if this_boot else no_time
        self._bodies = bodies
        self._size = 0
        self._put('{"v":1,"boot":%d,"readings":[' % boot)
        seqs = []
        for body in bodies:
            seq = record.seq_of(body)
            try:
                text = record.to_json(body, stamp)
            except record.RecordError as error:
                self.counters["bad_records"] += 1
                print("sender: record", boot, seq, "cannot be read:", error)
                self.outbox.set_aside(boot, [body])
                continue
            if not self._put("," + text if seqs else text):
                break
            seqs.append(seq)
        if not seqs:
            return None
        self._put("]}", 0)
        return boot, seqs

    def _put(self, text, spare=2):
        """Append to the payload; False when it does not fit, with room to spare for its end."""
        end = self._size + len(text)
        if end + spare > len(self._buffer):
            return False
        self._buffer[self._size : end] = text.encode()
        self._size = end
        return True

    async def _send(self, batch):
        self._boot, self._seqs = batch
        self._answer.clear()
        self.counters["batches"] += 1
        refused = self.counters["refused"]
        try:
            await self.link.publish("readings", memoryview(self._buffer)[: self._size])
            await asyncio.wait_for_ms(self._answer.wait(), self.config.ack_timeout_s * 1000)
        except asyncio.TimeoutError:
            self.counters["resent"] += 1
            print("sender: no ack for", len(self._seqs), "readings, sending them again")
        except MqttError as error:
            print("sender:", error)
            # The buffer may still wait to be written; nothing of it is once the connection is closed.
            self.link.drop()
            await asyncio.sleep_ms(200)
        if self.counters["refused"] != refused:
            # Refusals of copies sent before may still be on their way: none of them is for the next batch.
            await asyncio.sleep_ms(self.config.ack_timeout_s * 1000)

    def on_ack(self, message):
        """Take an `ack` message of the gateway."""
        if message.get("v") != 1:
            return
        if "refused" in message:
            self._refused(message["refused"])
        elif message.get("boot") == self._boot:
            done = acked_seqs(message, self._seqs)
            if done:
                self._seqs = [seq for seq in self._seqs if seq not in done]
                self._refusals = 0
                self._answer.set()
                self.outbox.acked(self._boot, done)

    def _refused(self, why):
        if not self._seqs:
            return
        self.counters["refused"] += 1
        self._refusals += 1
        print("sender: the gateway refused a batch:", why)
        if self._refusals >= _REFUSALS:
            print("sender: set aside", len(self._seqs), "readings after", _REFUSALS, "refusals")
            self.outbox.set_aside(self._boot, [b for b in self._bodies if record.seq_of(b) in self._seqs])
            self._refusals = 0
        self._seqs = []
        self._answer.set()


def no_time(_up):
    """The stamp of readings of an earlier boot that never knew the time."""
    return None, "none"
