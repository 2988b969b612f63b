"""Wake whoever waits for the journal to grow."""

from __future__ import annotations

import threading


class Bell:
    """A counter that threads can wait on: rung after each commit, heard by every waiter."""

    def __init__(self) -> None:
        self._rings = 0
        self._changed = threading.Condition()

    def ring(self) -> None:
        with self._changed:
            self._rings += 1
            self._changed.notify_all()

    def wait(self, heard: int, timeout: float) -> int:
        """Return how many rings there were: at once if more than `heard`, at the latest after `timeout` s."""
        with self._changed:
            self._changed.wait_for(lambda: self._rings > heard, timeout)
            return self._rings
