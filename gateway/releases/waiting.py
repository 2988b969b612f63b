"""Nodes that wait for a piece: bounded, and no faster than the nodes and the whole may have them."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

MOST = 5000
# What an answer costs besides its bytes: topic and heads.
OVERHEAD_BYTES = 80


class Waiting(Generic[T]):
    """One question of a node at a time: a newer one takes the place of the one before."""

    def __init__(
        self,
        total_per_s: float,
        node_per_s: float,
        most: int = MOST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._total_per_s, self._node_per_s, self._most, self._clock = total_per_s, node_per_s, most, clock
        self._asked: dict[str, T] = {}
        self._line: list[tuple[float, int, str]] = []  # when its turn is, in the order of asking
        self._count = itertools.count()
        self._ready_at: dict[str, float] = {}  # of nodes that had a piece just now
        self._free_at = 0.0
        self._changed = threading.Condition()
        self._closed = False
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._asked)

    def put(self, node: str, question: T) -> None:
        """Dropped and counted when too many wait; a node asks again."""
        with self._changed:
            if node not in self._asked:
                if len(self._asked) >= self._most:
                    self.dropped += 1
                    return
                due = max(self._clock(), self._ready_at.get(node, 0.0))
                heapq.heappush(self._line, (due, next(self._count), node))
            self._asked[node] = question
            self._changed.notify_all()

    def take(self, seconds: float) -> tuple[str, T] | None:
        """The next one whose turn it is; None when there is none for so long, or after close()."""
        deadline = self._clock() + seconds
        with self._changed:
            while not self._closed:
                now = self._clock()
                turn = max(self._line[0][0], self._free_at) if self._line else deadline
                if self._line and turn <= now:
                    node = heapq.heappop(self._line)[2]
                    return node, self._asked.pop(node)
                if now >= deadline:
                    return None
                self._changed.wait(max(0.001, min(turn, deadline) - now))
            return None

    def close(self) -> None:
        """Nobody is served any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def spent(self, node: str, size: int) -> None:
        """So many bytes went to that node."""
        now, cost = self._clock(), size + OVERHEAD_BYTES
        with self._changed:
            self._free_at = max(self._free_at, now) + cost / self._total_per_s
            self._ready_at[node] = now + cost / self._node_per_s
            if len(self._ready_at) > 2 * self._most:
                self._ready_at = {name: at for name, at in self._ready_at.items() if at > now}
