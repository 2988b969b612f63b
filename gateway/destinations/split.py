"""Write a batch; when the server refuses some lines without saying which, find them by halving."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gateway.destinations.sink import LinesRefusedError, RetryLaterError, TooLargeError


class StoppedError(Exception):
    """Asked to stop half-way. What was written is written again next time."""


@dataclass(slots=True)
class Written:
    """All lines are durable but for `refused`: index of the line -> the server's reason."""

    refused: dict[int, str] = field(default_factory=dict[int, str])
    too_large: bool = False


def write_in_parts(
    write: Callable[[Sequence[str]], None], lines: Sequence[str], interrupted: Callable[[], bool]
) -> Written:
    """Write all lines, in as many parts as it takes, in their order.

    When a part is halved, lines that were written are written again: a line's identity is its series and
    time, so that changes nothing. One bad line among n costs about 2 log2(n) writes. Raises StoppedError
    when interrupted, and RetryLaterError as `write` does.
    """
    result = Written()
    parts = [range(len(lines))] if lines else []
    while parts:
        if interrupted():
            raise StoppedError
        part = parts.pop()
        try:
            write([lines[i] for i in part])
            continue
        except LinesRefusedError as error:
            # When the server counts them all, halving would only repeat the answer.
            if len(part) == 1 or (error.dropped or 0) >= len(part):
                result.refused.update(dict.fromkeys(part, error.reason))
                continue
        except TooLargeError as error:
            # A line is a few hundred bytes: a limit below that is the server's setting, not its fault.
            if len(part) == 1:
                raise RetryLaterError("too large", f"{error}; not even one line: raise its limit") from error
            result.too_large = True
        middle = len(part) // 2
        parts += [part[middle:], part[:middle]]
    return result
