"""Read the bootloader and the app out of an official MicroPython image, as far as they reach.

The form: ESP-IDF's esp_image_format.h; a header of 24 bytes, segments, padding with a checksum to 16 bytes,
a SHA-256 of all before if the header says so.
https://docs.espressif.com/projects/esptool/en/latest/esp32/advanced-topics/firmware-image-format.html
"""

from __future__ import annotations

import hashlib
import struct

from dustline.kit.boards import BOARDS, Board
from dustline.kit.errors import KitError
from dustline.kit.partitions import APP, OFFSET

_MAGIC = 0xE9
_HEADER = 24
_CHECKSUM_SEED = 0xEF


def program(data: bytes, what: str) -> tuple[bytes, int]:
    """(a program that begins `data`, whole with checksum and SHA-256; the id of its chip). `what` names it in
    errors. Raises KitError when it is none or damaged."""
    if len(data) < _HEADER or data[0] != _MAGIC:
        raise KitError(f"{what}: no program for an ESP32 begins there; is this the board's .bin file?")
    segments, (chip,) = data[1], struct.unpack_from("<H", data, 12)
    at, checksum = _HEADER, _CHECKSUM_SEED
    for _ in range(segments):
        if at + 8 > len(data):
            raise KitError(f"{what} is cut off")
        _, length = struct.unpack_from("<LL", data, at)
        at += 8
        for byte in data[at : at + length]:
            checksum ^= byte
        at += length
    at += 16 - at % 16
    if at > len(data):
        raise KitError(f"{what} is cut off")
    if data[at - 1] != checksum:
        raise KitError(f"{what} is damaged: its checksum is wrong")
    if data[23] == 1:
        if data[at : at + 32] != hashlib.sha256(data[:at]).digest():
            raise KitError(f"{what} is damaged or cut off: its SHA-256 is wrong")
        at += 32
    return data[:at], int(chip)


def split(official: bytes, board: Board) -> tuple[bytes, bytes]:
    """(bootloader, app) of the board's official image, which begins at the bootloader's offset. Raises
    KitError for an image of another board, a damaged one, or an app that is too large."""
    bootloader, chip = program(official, "the bootloader")
    if chip != board.chip_id:
        known = [other.name for other in BOARDS.values() if other.chip_id == chip]
        meant = f"for {known[0]}" if known else f"for a chip with the number {chip}"
        raise KitError(f"this MicroPython is {meant}, not for {board.name}")
    if board.bootloader + len(bootloader) > OFFSET:
        raise KitError("the bootloader reaches into the partition table")
    app, chip = program(official[APP.offset - board.bootloader :], "MicroPython itself")
    if chip != board.chip_id:
        raise KitError("the file's bootloader and MicroPython are for different chips")
    if len(app) > APP.size:
        raise KitError(f"MicroPython has {len(app)} bytes and must fit in {APP.size}: take a smaller build")
    return bootloader, app
