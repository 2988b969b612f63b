"""Stage 1, receive: a bounded inbox between the MQTT session's thread and the pipeline's."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True, frozen=True)
class Incoming:
    """One message as it came. `epoch` names the connection: it is acked on that one or not at all."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    mid: int
    epoch: int
    received_ms: int
    # Bytes of the whole payload, when `payload` is only the beginning of one that is too long anyway.
    whole: int | None = None

    @property
    def size(self) -> int:
        return len(self.payload) if self.whole is None else self.whole


class Inbox:
    """Filled by the session, emptied in batches by the pipeline."""

    def __init__(self, size: int) -> None:
        self._queue: queue.Queue[Incoming] = queue.Queue(size)
        self.dropped_qos0 = 0

    @property
    def depth(self) -> int:
        """Messages that wait."""
        return self._queue.qsize()

    @property
    def size(self) -> int:
        """Messages that fit."""
        return self._queue.maxsize

    @property
    def full(self) -> bool:
        return self._queue.full()

    def resize(self, size: int) -> None:
        """Nothing that waits is dropped."""
        with self._queue.mutex:
            self._queue.maxsize = size
            self._queue.not_full.notify_all()

    def put(self, message: Incoming, give_up: Callable[[], bool]) -> None:
        """Add a message, waiting for room: the broker then waits too and keeps what is QoS 1.

        QoS 0 has no one to keep it and no right to block the rest: counted and dropped when full.
        """
        if message.qos == 0 and self._queue.full():
            self.dropped_qos0 += 1
            return
        while not give_up():
            try:
                self._queue.put(message, timeout=0.2)
            except queue.Full:
                continue
            return

    def take(self, most: int, linger_s: float, idle_s: float) -> list[Incoming]:
        """The next batch: closed when it has `most` messages or `linger_s` after its first one.

        Empty when nothing comes for `idle_s`.
        """
        try:
            batch = [self._queue.get(timeout=idle_s)]
        except queue.Empty:
            return []
        closes = time.monotonic() + linger_s
        while len(batch) < most:
            try:
                batch.append(self._queue.get(timeout=max(0.0, closes - time.monotonic())))
            except queue.Empty:
                break
        return batch
