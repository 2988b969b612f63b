"""How a chip ends a run, and the watchdog that does it unasked."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

Clock = Callable[[], float]  # seconds, growing


@dataclass(frozen=True)
class Reset:
    """Why a run ended ("hard", "soft", "watchdog", "deepsleep"), and when the next starts (None: never)."""

    cause: str
    wake_s: float | None = 0.0


class Ended(BaseException):
    """Raised where firmware made the chip end its run: what called into the chip never goes on."""

    def __init__(self, reset: Reset) -> None:
        super().__init__(reset)
        self.reset = reset


class Watchdog:
    """Sleeping until watch() was called once; then for ever awake."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self.timeout_s: float | None = None
        self._clock = clock
        self._fed = 0.0

    def watch(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self.feed()

    def feed(self) -> None:
        self._fed = self._clock()

    def left_s(self) -> float | None:
        """Seconds until it bites; None while it sleeps."""
        return None if self.timeout_s is None else self._fed + self.timeout_s - self._clock()
