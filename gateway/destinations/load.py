"""A batch of the journal's rows, made ready for a destination."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.destinations.lines import NotWritableError, line_of_row
from gateway.reading import ReadingRow, StoredReading, from_row

_ID = 0  # where a row has the reading's id


@dataclass(slots=True)
class Load:
    """What lies behind the id `after`, up to `upto`: lines, their rows, what was refused and why,
    how many have no time. `full`: there may be more. `delivered` is known once it is written."""

    after: int
    upto: int
    full: bool
    lines: list[str] = field(default_factory=list[str])
    sent: list[ReadingRow] = field(default_factory=list[ReadingRow])
    refused: list[tuple[StoredReading, str]] = field(default_factory=list[tuple[StoredReading, str]])
    no_time: int = 0
    delivered: int = 0


def load_of(batch: Sequence[ReadingRow], after: int, size: int) -> Load:
    """`batch`: the rows behind `after`, at most `size`."""
    load = Load(after, batch[-1][_ID] if batch else after, full=len(batch) == size)
    for row in batch:
        try:
            text = line_of_row(row)
        except NotWritableError as error:
            load.refused.append((from_row(row), str(error)))
            continue
        if text is None:
            load.no_time += 1
            continue
        load.lines.append(text)
        load.sent.append(row)
    return load
