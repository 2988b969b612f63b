"""A version of the firmware in one file, the bundle: made here, and read. docs/node/update.md has the format.

    one line of JSON, "\\n"     {"magic":"DLFW1","version":"1.2.0","floor":"1.0.0","boards":["esp32",...],
                               "size":N,"files":[["node/__init__.mpy",0,51234],...]}
    the files' bytes           N of them; a file's place is counted from here, and they follow each other
    the signature              384 bytes: RSASSA-PKCS1-v1_5 with SHA-256 over all before it

The same files give the same bytes. Reading needs the standard library only.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MAGIC = "DLFW1"
SIGNATURE_BYTES = 384  # of a key of 3072 bits
LARGEST = 1 << 20  # bytes of a signed one, as the contract says
LONGEST_HEADER = 16384
BOARDS = ("esp32", "esp32s3", "esp32c3")
_VERSION = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}")
_PATH = re.compile(r"[a-z0-9_]+(/[a-z0-9_]+)*\.mpy")


class BundleError(ValueError):
    """It is no bundle, and why."""


@dataclass(frozen=True)
class Bundle:
    """`files`: content by path. `body`: what a signature is over. `signature`: b"" while it has none."""

    version: str
    floor: str
    boards: tuple[str, ...]
    files: Mapping[str, bytes]
    body: bytes
    signature: bytes = b""

    @property
    def whole(self) -> bytes:
        return self.body + self.signature

    @property
    def sha256(self) -> str:
        """Of the whole file, as the command `update` names it."""
        return hashlib.sha256(self.whole).hexdigest()


def version_key(version: str) -> tuple[int, ...]:
    """What versions are compared by. Raises BundleError."""
    if not _VERSION.fullmatch(version):
        raise BundleError(f"{version!r} is no version: it must be three numbers, as 1.2.0")
    return tuple(int(part) for part in version.split("."))


def make(files: Mapping[str, bytes], version: str, floor: str, boards: Iterable[str] = BOARDS) -> Bundle:
    """A bundle without a signature. `floor`: nothing older may be installed once this one has proved good.
    Raises BundleError."""
    boards = tuple(sorted(set(boards)))
    if version_key(floor) > version_key(version):
        raise BundleError(f"the floor {floor} is above the version {version} itself")
    if not boards or set(boards) - set(BOARDS):
        raise BundleError(f"boards must be some of {', '.join(BOARDS)}")
    index: list[list[Any]] = []
    at = 0
    for path in sorted(files):
        if not _PATH.fullmatch(path):
            raise BundleError(f"{path}: only compiled modules can be in a bundle, with names of a-z 0-9 _")
        index.append([path, at, len(files[path])])
        at += len(files[path])
    _distinct(sorted(files))
    head = {
        "magic": MAGIC,
        "version": version,
        "floor": floor,
        "boards": list(boards),
        "size": at,
        "files": index,
    }
    line = json.dumps(head, separators=(",", ":")).encode() + b"\n"
    body = line + b"".join(files[path] for path in sorted(files))
    bundle = Bundle(version, floor, boards, dict(files), body)
    if len(line) > LONGEST_HEADER or len(body) + SIGNATURE_BYTES > LARGEST:
        raise BundleError(f"{len(body)} bytes are more than a node takes")
    return bundle


def _distinct(paths: list[str]) -> None:
    """A node finds a file, and a folder, by the CRC-32 of its path."""
    names = {"/" + path for path in paths}
    names |= {name[: at.start()] for name in names for at in re.finditer("/", name) if at.start()}
    if len({zlib.crc32(name.encode()) for name in names}) != len(names):
        raise BundleError("two paths have the same CRC-32: rename one of the modules")


def read(data: bytes) -> Bundle:
    """A bundle, signed or not; whether the signature is right is not judged. Raises BundleError."""
    line, newline, rest = data[:LONGEST_HEADER].partition(b"\n")
    if not line.startswith(b'{"magic":"' + MAGIC.encode() + b'"') or not newline:
        raise BundleError(f"it does not begin with the header of a bundle ({MAGIC})")
    try:
        head = json.loads(line)
        version, floor, size = str(head["version"]), str(head["floor"]), int(head["size"])
        boards = tuple(str(board) for board in head["boards"])
        index = [(str(path), int(at), int(length)) for path, at, length in head["files"]]
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"its header cannot be read: {error!r}") from error
    for each in (version, floor):
        version_key(each)
    start = len(line) + 1
    rest = data[start:]
    if len(rest) not in (size, size + SIGNATURE_BYTES):
        raise BundleError(
            f"it is {len(data)} bytes long; {start + size} without and {start + size + SIGNATURE_BYTES} "
            "with a signature would be right"
        )
    at = 0
    for path, begin, length in index:
        if begin != at or length < 0 or not _PATH.fullmatch(path):
            raise BundleError(f"its index is wrong at {path}")
        at += length
    if at != size:
        raise BundleError(f"its files take {at} bytes, and not {size}")
    files = {path: rest[begin : begin + length] for path, begin, length in index}
    return Bundle(version, floor, boards, files, data[: start + size], rest[size:])
