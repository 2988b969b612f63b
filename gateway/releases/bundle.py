"""A release as the gateway takes it: a signed bundle, checked. docs/node/update.md has the format."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.contract import MAX_BUNDLE_BYTES
from gateway.releases.keys import SIGNATURE_BYTES, is_signed

MAGIC = "DLFW1"
LONGEST_HEADER = 16384
_VERSION = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\Z")
_BOARD = re.compile(r"[a-z0-9]{1,16}\Z")


class BundleError(Exception):
    """It is no release for this network; the message says why."""


@dataclass(frozen=True, slots=True)
class Release:
    """`data` is the whole file, its signature included; `floor` the oldest version that may follow it."""

    version: str
    floor: str
    boards: tuple[str, ...]
    sha256: str
    data: bytes


def order_of(version: str) -> tuple[int, ...]:
    """What versions are compared by; () for what is no version, which is below all."""
    return tuple(int(part) for part in version.split(".")) if _VERSION.match(version) else ()


def read_release(data: bytes, keys: Sequence[int]) -> Release:
    """Check a file that somebody calls a release. Raises BundleError."""
    if len(data) > MAX_BUNDLE_BYTES:
        raise BundleError(f"is longer than the {MAX_BUNDLE_BYTES} bytes that a node takes")
    line, newline, _ = data[:LONGEST_HEADER].partition(b"\n")
    if not newline or not line.startswith(b'{"magic":"' + MAGIC.encode() + b'"'):
        raise BundleError(
            f"is no bundle: it does not begin with {MAGIC}; make one with `dustline node bundle`"
        )
    head = _head(line)
    end = len(line) + 1 + head["size"]
    if len(data) == end:
        raise BundleError("is not signed; sign it with `dustline node sign`")
    if len(data) != end + SIGNATURE_BYTES:
        raise BundleError(f"is {len(data)} bytes long, {end + SIGNATURE_BYTES} would be right: copy it again")
    if not is_signed(data[:end], data[end:], keys):
        raise BundleError(
            "is not signed by the network's key; sign it with the private key whose public one is "
            "releases.public_keys, or give another by --key"
        )
    version, floor, boards = head["version"], head["floor"], head["boards"]
    if not order_of(version) or not order_of(floor) or order_of(floor) > order_of(version):
        raise BundleError(
            "has a version or a floor that no node takes: three numbers, and the floor not above"
        )
    if not boards or not all(isinstance(each, str) and _BOARD.match(each) for each in boards):
        raise BundleError("names no boards that it is for")
    return Release(version, floor, tuple(boards), hashlib.sha256(data).hexdigest(), data)


def _head(line: bytes) -> dict[str, Any]:
    """With version and floor as text, size as a number, boards as a list. Raises BundleError."""
    try:
        head: Any = json.loads(line)
        found = {"version": str(head["version"]), "floor": str(head["floor"]), "boards": list(head["boards"])}
        size = head["size"]
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"has a header that cannot be read ({error!r})") from error
    if type(size) is not int or size < 0:
        raise BundleError("has a header without a size")
    return {**found, "size": size}
