"""Stage 1, receive: a bounded inbox between the MQTT session's thread and the pipeline's."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(slots=True)
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
        self._size = size
        self._messages: deque[Incoming] = deque()
        self._changed = threading.Condition()
        self.dropped_qos0 = 0

    @property
    def depth(self) -> int:
        """Messages that wait."""
        return len(self._messages)

    @property
    def size(self) -> int:
        """Messages that fit."""
        return self._size

    @property
    def full(self) -> bool:
        return len(self._messages) >= self._size

    def resize(self, size: int) -> None:
        """Nothing that waits is dropped."""
        with self._changed:
            self._size = size
            self._changed.notify_all()

    def put(self, messages: Iterable[Incoming], give_up: Callable[[], bool]) -> None:
        """Add messages, waiting for room: the broker then waits too and keeps what is QoS 1.

        QoS 0 has no one to keep it and no right to block the rest: counted and dropped when full.
        """
        with self._changed:
            for message in messages:
                if len(self._messages) >= self._size:
                    if message.qos == 0:
                        self.dropped_qos0 += 1
                        continue
                    self._changed.notify_all()
                    while len(self._messages) >= self._size:
                        if give_up():
                            return
                        self._changed.wait(0.2)
                self._messages.append(message)
            self._changed.notify_all()

    def take(self, most: int, linger_s: float, idle_s: float) -> list[Incoming]:
        """The next batch: closed when it has `most` messages or `linger_s` after its first one.

        Empty when nothing comes for `idle_s`.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._messages, idle_s):
                return []
            self._changed.wait_for(lambda: len(self._messages) >= most, linger_s)
            count = min(most, len(self._messages))
            batch = [self._messages.popleft() for _ in range(count)]
            self._changed.notify_all()
            return batch
