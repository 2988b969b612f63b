"""Pack compiled modules, so that the firmware's files take less room: firmware/node/__init__.py unpacks them.

Each file by itself, so that one that flash has damaged costs no more than it did. bench/modules.py tells what
it takes to load them.
"""

from __future__ import annotations

import zlib
from pathlib import Path

PLAIN_MARK = ord("M")  # a .mpy file begins with it
UNPACKER = "node/__init__"  # has the class Packed
# Loaded before the unpacker, or past it; and record: it is loaded within two others while a batch is made,
# when least of the heap is free, and unpacking takes some, too.
PLAIN = (UNPACKER, "board", "run", "slot", "stage", "setup/__init__", "update/__init__", "node/record")
WINDOW_BITS = 10


def pack(tree: Path) -> None:
    """Pack the modules of a compiled tree that gain by it."""
    for path in sorted(tree.rglob("*.mpy")):
        if path.relative_to(tree).with_suffix("").as_posix() in PLAIN:
            continue
        plain = path.read_bytes()
        packed = packed_form(plain)
        if len(packed) < len(plain):
            path.write_bytes(packed)


def packed_form(plain: bytes) -> bytes:
    """The window's size as a power of two, the CRC-32 of all else (little-endian), raw deflate."""
    deflate = zlib.compressobj(zlib.Z_BEST_COMPRESSION, zlib.DEFLATED, -WINDOW_BITS, 9)
    body = deflate.compress(plain) + deflate.flush()
    window = bytes([WINDOW_BITS])
    return window + zlib.crc32(window + body).to_bytes(4, "little") + body


def unpacked(packed: bytes) -> bytes:
    return zlib.decompress(packed[5:], -packed[0])
