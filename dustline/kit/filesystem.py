"""The board's file system as littlefs, the same bytes for the same files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from dustline.kit.errors import KitError
from dustline.kit.partitions import VFS

if TYPE_CHECKING:
    from littlefs import LittleFS

BLOCK = 4096
# As the ESP32 port mounts it: reads and programs 32 bytes, caches four times that. A file that is kept inside
# its folder's block must not be larger than the reader's cache.
_SETTINGS: dict[str, Any] = {
    "block_size": BLOCK,
    "block_count": VFS.size // BLOCK,
    "read_size": 32,
    "prog_size": 32,
    "cache_size": 128,
    "lookahead_size": 32,
}


def _littlefs() -> type[LittleFS]:
    try:
        from littlefs import LittleFS
    except ModuleNotFoundError as error:
        raise KitError("littlefs-python is not installed: pip install 'dustline[flash]'") from error
    return LittleFS


def make(files: Mapping[str, bytes]) -> bytes:
    """A file system of VFS.size bytes with these files, by path. No times are kept. Raises KitError when they
    do not fit."""
    LittleFS = _littlefs()  # noqa: N806 - a class
    from littlefs import LittleFSError

    fs = LittleFS(**_SETTINGS)
    try:
        for path, data in sorted(files.items()):
            folder = path.rpartition("/")[0]
            if folder:
                fs.makedirs(folder, exist_ok=True)
            with cast("Any", fs).open(path, "wb") as file:
                file.write(data)
    except (LittleFSError, OSError) as error:
        total = sum(len(data) for data in files.values())
        raise KitError(f"{total} bytes of files do not fit into {VFS.size}: {error}") from error
    return bytes(fs.context.buffer)


def read(data: bytes) -> dict[str, bytes]:
    """All files of a file system, by path. Raises KitError when it cannot be mounted."""
    LittleFS = _littlefs()  # noqa: N806 - a class
    from littlefs import LittleFSError

    try:
        fs = LittleFS(**_SETTINGS, mount=False)
        fs.context.buffer[:] = data
        fs.mount()
    except (LittleFSError, ValueError) as error:
        raise KitError(f"there is no file system here: {error}") from error
    found: dict[str, bytes] = {}
    for folder, _, names in fs.walk("/"):
        for name in names:
            path = f"{folder.rstrip('/')}/{name}"
            with cast("Any", fs).open(path, "rb") as file:
                found[path.lstrip("/")] = file.read()
    return found
