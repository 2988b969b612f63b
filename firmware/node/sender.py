"""Send what the outbox holds, a batch at a time; let go of it once the gateway says that it is durable.

Fresh readings go first; the backlog follows at the rate that the gateway sets. A batch is made by
sender_batch.py, an ack is taken by sender_ack.py, each loaded for it.
"""

import asyncio
import random

from micropython import const

from node import use_once
from node.mqtt.errors import MqttError

_LOOK_MS = const(1000)
_PAUSE_MS = const(500)
_LONGEST_MS = const(300000)


class Sender:
    """One batch is under way at a time, so that a refusal, which cannot name it, still has one meaning."""

    def __init__(self, config, outbox, clock, link):
        self.config = config
        self.outbox = outbox
        self.clock = clock
        self.link = link
        self.counters = {"batches": 0, "resent": 0, "refused": 0, "bad_records": 0}
        self.beat = 0  # grows while run() gets on, see guard.py
        self.answer = asyncio.Event()
        # Made once: after days, a heap has room left but no longer in one piece.
        self.buffer = bytearray(config.batch_bytes)
        self.size = 0
        self.boot = self.acked = 0  # of the batch under way; the highest that was acked
        self.seqs = []  # of the batch under way, those without an ack
        self.live = False  # whether it is of fresh readings
        self.later = 0  # ms: no backlog before
        self.refused = {}  # (boot, first seq) of a batch -> how often it was refused
        self.singly = {}  # of what is fresh or not: up to this (boot, seq) one at a time
        self.silent = 0  # batches in a row that got no answer

    async def run(self):
        """Never returns."""
        while True:
            await self.link.up.wait()
            self.beat += 1
            outbox = self.outbox
            # Readings without a time wait for one, as long as there is hope, and the others with them.
            if (
                outbox.depth
                and not self.clock.hopeful
                and (outbox.live <= outbox.seq or self.clock.now() >= self.later)
                and use_once("sender_batch", "fill", self)
            ):
                await self._send()
                continue
            # Not an event that is waited for: a wait with an end costs a second task.
            await asyncio.sleep_ms(_PAUSE_MS)

    async def _send(self):
        self.answer.clear()
        self.counters["batches"] += 1
        refused = self.counters["refused"]
        link = self.link.client
        try:
            await self.link.publish("readings", memoryview(self.buffer)[: self.size])
            if await self._answered(link):
                self.silent = 0
            elif self.link.client is link:
                self.silent += 1
                self.counters["resent"] += 1
                print("sender: no ack for", len(self.seqs), "readings, sending them again")
            else:
                self.silent = 0  # what was in the old connection may be lost: the gateway need not be away
        except MqttError as error:
            print("sender:", error)
            # The buffer may still wait to be written; nothing of it is once the connection is closed.
            self.link.drop()
            await asyncio.sleep_ms(200)
        if self.counters["refused"] != refused:
            # Refusals of copies sent before may still be on their way: none of them is for the next batch.
            await asyncio.sleep_ms(self.config.ack_timeout_s * 1000)

    async def _answered(self, link):
        """Wait for an answer, after each silence twice as long, up to 5 minutes, and jittered: many nodes
        wait for the same gateway. False when there was none, or the connection is another one now."""
        wait = self.config.ack_timeout_s * 1000
        if self.silent:
            wait = min(_LONGEST_MS, wait << min(self.silent, 9))
            wait = max(wait // 2, self.config.ack_timeout_s * 1000) + random.getrandbits(16) * wait // 131072
        until = self.clock.now() + wait
        while self.link.client is link:
            self.beat += 1
            left = until - self.clock.now()
            try:
                await asyncio.wait_for_ms(self.answer.wait(), max(0, min(_LOOK_MS, left)))
                return True
            except asyncio.TimeoutError:
                if left <= _LOOK_MS:
                    break
        return False

    def on_ack(self, message):
        """Take an `ack` message of the gateway."""
        done = use_once("sender_ack", "take", self, message)
        if done:
            self.acked = max(self.acked, self.boot)
            self.outbox.acked(self.boot, done)
