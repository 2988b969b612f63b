"""Take the command `update`. Loaded for one."""

import asyncio
import os

from micropython import const

from node import VERSION, files, use_once

_LARGEST = const(1048576)
_ROOM = const(16384)  # that must stay free
_BLOCK = const(4096)
_HEX = "0123456789abcdef"


def take(app, message):
    """(whether it is done or will be, a sentence for the reply)"""
    version, size, sha = (message.get(name) for name in ("version", "size", "sha256"))
    if not _sound(version, size, sha):
        return False, "an update needs version, size and sha256"
    state = use_once(".update.state", "load")
    if state is None:
        return False, "this node runs from a folder of files, which takes no updates"
    if version == VERSION:
        return True, f"{version} runs already"
    if state["trial"] is not None:
        return False, f"{VERSION} is on trial: ask again when that is over"
    floor = state["floor"]
    if use_once(".update.state", "key", version) < use_once(".update.state", "key", floor):
        return False, f"{version} is older than {floor}, the oldest that may be installed"
    job = state.get("load")
    if job and job == [version, size, sha]:
        return True, f"{version} is being loaded"
    spare = use_once(".update.state", "spare", state)
    free = _free(spare)
    if free < size + _ROOM:
        return (
            False,
            f"no room: {size + _ROOM} bytes are needed and {free} are free; no reading is given up for it",
        )
    # First of all: what was there is no part of this. A slot without its file counts as damaged.
    files.remove(spare + ".fw")
    state[spare] = None
    state["load"] = [version, size, sha]
    state["update"] = [version, "loading", None]
    use_once(".update.state", "save", state)
    if app.update is None:
        start(app)
    app.update.again()
    app.health_now.set()
    return True, f"loading {size} bytes"


def start(app):
    """Go on with what slots.json says."""
    app.update = use_once(".update.load", "make", app)
    asyncio.create_task(app.keep("update", app.update.run))


def _sound(version, size, sha):
    try:
        return (
            len(version.split(".")) == 3
            and all(part and len(part) < 4 and int(part) >= 0 for part in version.split("."))
            and isinstance(size, int)
            and 0 < size <= _LARGEST
            and len(sha) == 64
            and all(letter in _HEX for letter in sha)
        )
    except (AttributeError, TypeError, ValueError):
        return False


def _free(spare):
    """Bytes that a file in place of the spare slot's may have."""
    found = os.statvfs(".")
    free = found[0] * found[3]
    try:
        return free + -(-os.stat(spare + ".fw")[6] // _BLOCK) * _BLOCK
    except OSError:
        return free
