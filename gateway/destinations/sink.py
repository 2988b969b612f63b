"""What a destination's server must offer, and the few ways in which a write can fail."""

from __future__ import annotations

import gzip
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.destinations.settings import InfluxSettings


class SinkError(Exception):
    """Base of what a sink may raise. Anything else is a bug."""


class RetryLaterError(SinkError):
    """Nothing is wrong with the lines: keep them and try again later.

    `state` names the kind of trouble: a message is logged when it changes, not at each try. `retry_after` is
    what the server asked for, in seconds.
    """

    def __init__(self, state: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.state = state
        self.retry_after = retry_after


class TooLargeError(SinkError):
    """The server takes no body of this size: send fewer lines at a time."""


class LinesRefusedError(SinkError):
    """The server refuses at least one of the lines for what is in it; which ones, it may not say.

    The others may or may not have been written; writing them again does no harm. `dropped` is the server's
    count of the refused, when it gives one. `named` is what it says of single lines, by their index: not
    checked against what was sent.
    """

    def __init__(
        self, reason: str, dropped: int | None = None, named: Mapping[int, str] | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.dropped = dropped
        self.named = named or {}


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of a check. `state` is the RetryLaterError's, empty when all is well."""

    ok: bool
    text: str
    state: str = ""


class Sink(Protocol):
    """One thread at a time uses a sink."""

    @property
    def name(self) -> str:
        """Names the cursor in the journal: another server or bucket is another name. No secrets."""
        ...

    def write(self, lines: Sequence[str]) -> None:
        """Return when all lines are durable over there; raise a SinkError otherwise."""
        ...

    def check(self) -> list[Finding]:
        """Can it be reached, does the target exist, may we write? Writes nothing, raises no SinkError."""
        ...

    def close(self) -> None: ...


def let_go(error: BaseException) -> None:
    """Have an error that was dealt with, and those that led to it, hold no more what their calls worked on.

    An HTTP library's errors and frames lead to each other in rings, which Python looks for rarely: while a
    server is away, each try would keep its batch for minutes.
    """
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            traceback.clear_frames(one.__traceback__)  # those that still run are left alone
            waiting += [one.__cause__, one.__context__]


def squeeze(body: bytes) -> bytes:
    """The body as gzip, of level 1: lines get some 10 times smaller. Level 9 makes it 15 times, and takes
    7 times as long."""
    return gzip.compress(body, compresslevel=1, mtime=0)


def make_sink(settings: InfluxSettings) -> Sink:
    """The sink for the settings; no connection is made yet."""
    # Imported late: influxdb-client takes long to load, and most commands do without it.
    if settings.api == "v2":
        from gateway.destinations.influx_v2 import InfluxV2Sink

        return InfluxV2Sink(settings)
    from gateway.destinations.influx_v1 import InfluxV1Sink

    return InfluxV1Sink(settings)
