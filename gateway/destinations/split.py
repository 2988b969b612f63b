"""Write a batch; find the lines that the server refuses, by what it says of them or else by halving."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.destinations.sink import LinesRefusedError, RetryLaterError, TooLargeError

# InfluxDB 3 names no more lines than that in one answer ("Troubleshoot issues writing data").
MOST_NAMED = 100


class StoppedError(Exception):
    """Asked to stop half-way. What was written is written again next time."""


@dataclass(slots=True)
class Written:
    """All lines are durable but for `refused`: index of the line -> the server's reason."""

    refused: dict[int, str] = field(default_factory=dict[int, str])
    too_large: bool = False


@dataclass(frozen=True, slots=True)
class _Part:
    """Lines to be written. `named` are those left out of it, which the server has named as refused."""

    lines: Sequence[int]
    named: Mapping[int, str] = field(default_factory=dict[int, str])
    # Whether what the server says of single lines is to be used.
    believing: bool = True

    def without(self, named: Mapping[int, str]) -> _Part | None:
        """What is left without the lines that an answer names by their place; None when it makes no sense."""
        if not self.believing or not named or min(named) < 0 or max(named) >= len(self.lines):
            return None
        # A list that is not full is whole by its own account. Refused again, it was not: it is wrong.
        if self.named and len(self.named) % MOST_NAMED:
            return None
        left = [line for place, line in enumerate(self.lines) if place not in named]
        return _Part(left, {**self.named, **{self.lines[place]: why for place, why in named.items()}})

    def anew(self) -> _Part:
        """All of it, those named too, and no word of the server believed."""
        return _Part(sorted([*self.lines, *self.named]), believing=False)


def write_in_parts(
    write: Callable[[Sequence[str]], None], lines: Sequence[str], interrupted: Callable[[], bool]
) -> Written:
    """Write all lines, in as many parts as it takes.

    When the server names the refused lines, the others are written once more without them: its yes to these
    proves that none was left unnamed or taken for another. Else parts are halved. Lines that were written are
    written again: a line's identity is its series and time, so that changes nothing. One bad line among n
    costs 2 writes when it is named, and else about 2 log2(n). Raises StoppedError when interrupted, and
    RetryLaterError as `write` does.
    """
    result = Written()
    parts = [_Part(range(len(lines)))] if lines else []
    while parts:
        if interrupted():
            raise StoppedError
        part = parts.pop()
        try:
            if part.lines:
                write([lines[i] for i in part.lines])
            result.refused.update(part.named)
            continue
        except LinesRefusedError as error:
            left = part.without(error.named)
            if left is not None:
                parts.append(left)
                continue
            if part.named:
                parts.append(part.anew())
                continue
            # When the server counts them all, halving would only repeat the answer.
            if len(part.lines) == 1 or (error.dropped or 0) >= len(part.lines):
                result.refused.update(dict.fromkeys(part.lines, error.reason))
                continue
        except TooLargeError as error:
            # A line is a few hundred bytes: a limit below that is the server's setting, not its fault.
            if len(part.lines) + len(part.named) == 1:
                raise RetryLaterError("too large", f"{error}; not even one line: raise its limit") from error
            result.too_large = True
            if part.named:
                parts.append(part.anew())
                continue
        middle = len(part.lines) // 2
        parts += [
            _Part(part.lines[middle:], believing=part.believing),
            _Part(part.lines[:middle], believing=part.believing),
        ]
    return result
