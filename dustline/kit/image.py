"""One flashable file, written at 0: bootloader, partition table, MicroPython, file system.

0x1000 (0 on S3 and C3)  bootloader      0x10000   MicroPython (ota_0)
0x8000                   partition table 0x1b0000  free (ota_1)
0x9000                   nvs, blank      0x350000  file system (vfs)
0xd000                   otadata, blank
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from dustline.kit import esp_image, filesystem, partitions
from dustline.kit.boards import BOARDS, Board
from dustline.kit.errors import KitError
from dustline.kit.partitions import APP, FLASH, VFS
from dustline.node import bundle

VERSION_FILE = "version.txt"  # of a developer's image
SLOT = "a.fw"
_BLANK = b"\xff"


def build(board: Board, official: bytes, files: Mapping[str, bytes]) -> bytes:
    """The image: FLASH bytes, the same for the same input. `official` is MicroPython's own .bin for the
    board, `files` by path. Raises KitError."""
    bootloader, app = esp_image.split(official, board)
    parts = [
        (board.bootloader, bootloader),
        (partitions.OFFSET, partitions.pack()),
        (APP.offset, app),
        (VFS.offset, filesystem.make(files)),
    ]
    image = bytearray(_BLANK * FLASH)
    for offset, data in parts:
        image[offset : offset + len(data)] = data
    return bytes(image)


@dataclass(frozen=True)
class Contents:
    """What an image holds. `runtime`, say "MicroPython v1.25.0"."""

    board: Board
    table: tuple[partitions.Partition, ...]
    bootloader: bytes
    app: bytes
    runtime: str
    files: dict[str, bytes]

    @property
    def updatable(self) -> bool:
        """Whether it holds a signed version and the keys of the next ones."""
        return SLOT in self.files and "keys.json" in self.files

    @property
    def version(self) -> str:
        """The firmware's, "unknown" when the image does not tell it."""
        if SLOT in self.files:
            try:
                return bundle.read(self.files[SLOT]).version
            except bundle.BundleError as error:
                raise KitError(f"{SLOT} in the image is damaged: {error}") from error
        return self.files.get(VERSION_FILE, b"unknown").decode("ascii", "replace").strip()

    @property
    def config(self) -> dict[str, object]:
        """config.json, {} when it is absent or no object."""
        try:
            found = json.loads(self.files.get("config.json", b""))
        except ValueError:
            return {}
        return cast("dict[str, object]", found) if isinstance(found, dict) else {}


def read(image: bytes) -> Contents:
    """Read an image back, and check all of it that carries a checksum. Raises KitError."""
    if len(image) != FLASH:
        raise KitError(f"an image of Dustline has {FLASH} bytes, this file has {len(image)}")
    board = _board_of(image)
    bootloader, _ = esp_image.program(image[board.bootloader : partitions.OFFSET], "the bootloader")
    table = partitions.parse(image[partitions.OFFSET : partitions.OFFSET + partitions.LENGTH])
    if table != partitions.TABLE:
        raise KitError("the image has another partition table than this version of Dustline makes")
    app, chip = esp_image.program(image[APP.offset : APP.end], "MicroPython itself")
    if chip != board.chip_id:
        raise KitError("the image's bootloader and MicroPython are for different chips")
    files = filesystem.read(image[VFS.offset : VFS.end])
    return Contents(board, table, bootloader, app, _runtime(app), files)


def _board_of(image: bytes) -> Board:
    for board in BOARDS.values():
        head = image[board.bootloader : board.bootloader + 14]
        if head[0] == 0xE9 and struct.unpack_from("<H", head, 12)[0] == board.chip_id:
            return board
    raise KitError("no bootloader of a known board is in this file: is it an image of Dustline?")


def _runtime(app: bytes) -> str:
    """What MicroPython prints when it starts; official builds leave ESP-IDF's own fields for that empty."""
    found = re.search(rb"MicroPython (v[ -~]{1,40}?) on \d{4}-\d{2}-\d{2}", app)
    return f"MicroPython {found[1].decode()}" if found else "a program that is no MicroPython release"
