"""Fetch the official MicroPython and hold it to its pinned SHA-256."""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from pathlib import Path

from dustline.kit.boards import Board
from dustline.kit.errors import KitError

_LARGEST = 8 * 1024 * 1024
_TIMEOUT_S = 30


def check(data: bytes, board: Board, where: str) -> None:
    """Raises KitError when these are not the bytes that are pinned for the board."""
    found = hashlib.sha256(data).hexdigest()
    if board.sha256 is not None and found != board.sha256:
        raise KitError(
            f"{where} is not the {board.file} that was expected: its SHA-256 is {found}, not "
            f"{board.sha256}. It was not used."
        )


def fetch(board: Board, folder: Path, url: str | None = None) -> Path:
    """The official file in `folder`, downloaded unless it is there. Raises KitError."""
    if board.sha256 is None:
        raise KitError(
            f"no checksum is pinned for {board.name}, so nothing is downloaded: get {board.file} from "
            f"{board.url} yourself and name it with --micropython"
        )
    target = folder / board.file
    if target.exists() and hashlib.sha256(target.read_bytes()).hexdigest() == board.sha256:
        return target
    url = url or board.url
    data = _download(url)
    check(data, board, url)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.{os.getpid()}")
        part.write_bytes(data)
        part.replace(target)
    except OSError as error:
        raise KitError(f"{target} cannot be written: {error.strerror or error}") from error
    return target


def _download(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - an address of ours
            data = answer.read(_LARGEST + 1)
            wanted = answer.headers.get("content-length")
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        reason = getattr(error, "reason", None) or error
        raise KitError(
            f"{url} cannot be fetched: {reason}. Try again, or download it yourself and name the file with "
            "--micropython"
        ) from error
    if len(data) > _LARGEST:
        raise KitError(f"{url} is larger than {_LARGEST} bytes: that is no MicroPython")
    if wanted is not None and wanted.isdecimal() and int(wanted) != len(data):
        raise KitError(f"{url} broke off after {len(data)} of {wanted} bytes: try again")
    return data
