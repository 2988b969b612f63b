"""How a thread shows that it makes progress: before each step it says by when it will be back."""

from __future__ import annotations

import time


class Heartbeat:
    """Written by one thread, read by any."""

    def __init__(self) -> None:
        self._due: float | None = None

    def back_within(self, seconds: float) -> None:
        self._due = time.monotonic() + seconds

    @property
    def late_s(self) -> float:
        """Seconds past the time that was said; 0 when not late, and before the first word."""
        due = self._due
        return 0.0 if due is None else max(0.0, time.monotonic() - due)
