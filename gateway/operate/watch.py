"""A thread that looks after the others every second."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import structlog

from gateway.operate.heartbeat import Heartbeat

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.watch")

EVERY_SECONDS = 1.0
STALL_SECONDS = 60.0


class Watch(threading.Thread):
    """Runs its duties in turn. A duty that fails is logged, and has its turn again a second later."""

    def __init__(self, duties: Sequence[Callable[[], object]]) -> None:
        super().__init__(name="watch", daemon=True)
        self._duties = duties
        self._stopping = threading.Event()
        self.heart = Heartbeat()

    def run(self) -> None:
        while not self._stopping.wait(EVERY_SECONDS):
            self.heart.back_within(STALL_SECONDS)
            for duty in self._duties:
                try:
                    duty()
                except Exception:
                    log.exception("a bug in the watch over the other threads")

    def stop(self, seconds: float) -> None:
        self._stopping.set()
        if self.ident is not None:
            self.join(seconds)
