"""Find a table's rows on the file's pages, without the tree above them: one lost inner page hides thousands.

Only for rows that are never changed once written, as readings are: an old copy of one is then as good as any.
The format is https://www.sqlite.org/fileformat2.html, sections 1.6 and 2.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

_LEAF_OF_A_TABLE = 0x0D
# A row that does not fit goes on elsewhere; a reading fits.
_LEAST_ROOM = 35
_INT_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


class _NoRowError(ValueError):
    """These bytes are no row of that many columns."""


def rows_on_pages(
    path: Path, page_size: int, columns: int, wanted: Callable[[int], bool]
) -> Generator[tuple[int, list[Any]]]:
    """(id, values) of every row with so many columns whose id is `wanted`. The id's own column is None."""
    with path.open("rb") as file:
        number = 0
        while page := file.read(page_size):
            number += 1
            if number > 1 and len(page) == page_size and page[0] == _LEAF_OF_A_TABLE:
                yield from _rows_on(page, columns, wanted)


def _rows_on(page: bytes, columns: int, wanted: Callable[[int], bool]) -> Generator[tuple[int, list[Any]]]:
    cells = min(int.from_bytes(page[3:5]), (len(page) - 8) // 2)
    for (at,) in struct.iter_unpack(">H", page[8 : 8 + 2 * cells]):
        try:
            size, at = _varint(page, at)
            id, at = _varint(page, at)
            if size <= len(page) - _LEAST_ROOM and at + size <= len(page) and wanted(id):
                yield id, _values(page[at : at + size], columns)
        except _NoRowError:
            continue


def _values(record: bytes, columns: int) -> list[Any]:
    header, at = _varint(record, 0)
    kinds: list[int] = []
    while at < header:
        kind, at = _varint(record, at)
        kinds.append(kind)
    if len(kinds) != columns or at != header:
        raise _NoRowError
    values: list[Any] = []
    for kind in kinds:
        value, at = _value(record, at, kind)
        values.append(value)
    if at != len(record):
        raise _NoRowError
    return values


def _value(record: bytes, at: int, kind: int) -> tuple[Any, int]:
    if kind == 0:
        return None, at
    if kind in (8, 9):
        return kind - 8, at
    if kind in (10, 11):
        raise _NoRowError
    size = _INT_BYTES.get(kind, 8 if kind == 7 else (kind - 12) // 2)
    part = record[at : at + size]
    if len(part) < size:
        raise _NoRowError
    if kind in _INT_BYTES:
        return int.from_bytes(part, signed=True), at + size
    if kind == 7:
        return struct.unpack(">d", part)[0], at + size
    return (part.decode("utf-8", "replace") if kind % 2 else part), at + size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of 1 to 9 bytes, 7 bits each, and where it ends; negative ones are of no use here."""
    value = 0
    for place in range(at, at + 8):
        if place >= len(data):
            raise _NoRowError
        value = value << 7 | data[place] & 0x7F
        if not data[place] & 0x80:
            return value, place + 1
    raise _NoRowError
