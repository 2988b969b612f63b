"""The partition table: ESP-IDF's binary form, rows of 32 bytes, a row with their MD5, then 0xFF.

https://docs.espressif.com/projects/esp-idf/en/stable/esp32/api-guides/partition-tables.html
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from dustline.kit.errors import KitError

OFFSET = 0x8000  # in flash
LENGTH = 0xC00
FLASH = 0x400000
_ROW = struct.Struct("<2sBBLL16sL")
_MAGIC = b"\xaa\x50"
_MD5_MAGIC = b"\xeb\xeb" + b"\xff" * 14


@dataclass(frozen=True)
class Partition:
    """`kind` 0 is an app, 1 data; `offset` and `size` in bytes."""

    name: str
    kind: int
    subtype: int
    offset: int
    size: int

    @property
    def end(self) -> int:
        return self.offset + self.size


# The runtime stays in ota_0; ota_1 leaves room to exchange it later. With a blank otadata and no factory
# app, the bootloader starts ota_0. "vfs" is the name by which MicroPython finds its file system.
TABLE = (
    Partition("nvs", 1, 0x02, 0x9000, 0x4000),
    Partition("otadata", 1, 0x00, 0xD000, 0x2000),
    Partition("phy_init", 1, 0x01, 0xF000, 0x1000),
    Partition("ota_0", 0, 0x10, 0x10000, 0x1A0000),
    Partition("ota_1", 0, 0x11, 0x1B0000, 0x1A0000),
    Partition("vfs", 1, 0x81, 0x350000, 0xB0000),
)
APP = TABLE[3]
VFS = TABLE[5]


def pack(table: tuple[Partition, ...] = TABLE) -> bytes:
    """The table as it lies in flash, LENGTH bytes."""
    rows = b"".join(
        _ROW.pack(_MAGIC, row.kind, row.subtype, row.offset, row.size, row.name.encode().ljust(16, b"\0"), 0)
        for row in table
    )
    return (rows + _MD5_MAGIC + hashlib.md5(rows, usedforsecurity=False).digest()).ljust(LENGTH, b"\xff")


def parse(data: bytes) -> tuple[Partition, ...]:
    """The rows of a table. Raises KitError when it has none, no end, or its MD5 is wrong."""
    rows: list[Partition] = []
    for at in range(0, min(len(data), LENGTH) - 31, 32):
        row = data[at : at + 32]
        if row[:16] == _MD5_MAGIC:
            if row[16:] != hashlib.md5(data[:at], usedforsecurity=False).digest():
                raise KitError("the partition table is damaged: its MD5 is wrong")
            return tuple(rows)
        magic, kind, subtype, offset, size, name, _ = _ROW.unpack(row)
        if magic != _MAGIC:
            break
        rows.append(Partition(name.rstrip(b"\0").decode("ascii", "replace"), kind, subtype, offset, size))
    raise KitError("there is no partition table with an MD5 here")
