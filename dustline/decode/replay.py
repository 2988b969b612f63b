"""Gives a climate sensor's driver the bytes of a capture, as if the sensor answered it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dustline.decode.parts import Event

_STEP_MS = 10_000  # longer than any pause of a driver's dialogue
_TICKS = 200


Answer = Callable[[bytes, int], bytes]


def replay(driver: Any, now: int, answer: Answer) -> tuple[Event | None, int]:
    """Run the driver's dialogue until it gives an event or counts a reject; the event and the new `now`.

    `answer(command, n)` gives the n bytes that the sensor would answer to the bytes written before; it is
    called with n = 0 when they are written.
    """
    before = sum(driver.rejects.values())
    command = b""
    for _ in range(_TICKS):
        now += _STEP_MS
        wanted = driver.tick(now)
        if isinstance(wanted, int):
            events = driver.feed(answer(command, wanted))
            if events:
                return events[0], now
            if sum(driver.rejects.values()) != before:
                return None, now
        elif wanted:
            command = bytes(wanted)
            answer(command, 0)
    raise RuntimeError(f"the driver of {driver.model} came to no end")
