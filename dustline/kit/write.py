"""Write an image onto a board by esptool, run as a program of its own; its words become plain ones."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from dustline.kit import ports
from dustline.kit.boards import BOARDS, Board
from dustline.kit.errors import KitError
from dustline.kit.words import say

ESPTOOL = (sys.executable, "-u", "-m", "esptool")
BAUD = 460800
_PERCENT = re.compile(r"Writing at 0x[0-9a-f]+.*?(\d{1,3}(?:\.\d+)?) ?%")
_CHIP = re.compile(r"Chip type: +(.+)")
_OTHER_CHIP = re.compile(r"This chip is (\S+), not (\S+)\.")


def write(
    port: str,
    image: Path,
    board: Board,
    tell: Callable[[str], None],
    progress: Callable[[float], None],
    esptool: Sequence[str] = ESPTOOL,
) -> None:
    """Write and verify. `tell` hears the chip's name, `progress` the part that is written, 0 to 1. Raises
    KitError with what to do."""
    if esptool == ESPTOOL and find_spec("esptool") is None:
        raise KitError(say("no_esptool"))
    command = [*esptool, "--chip", board.chip, "--port", port, "--baud", str(BAUD)]
    command += ["--after", "hard-reset", "write-flash", "0x0", str(image)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        said: list[str] = []
        try:
            for line in _lines(process.stdout):
                percent = _PERCENT.search(line)
                if percent:
                    progress(min(float(percent[1]) / 100, 1.0))
                    continue
                said.append(line)
                chip = _CHIP.search(line)
                if chip:
                    tell(chip[1].strip())
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise explained("\n".join(said), port, board)


def _lines(stream: IO[bytes]) -> Iterator[str]:
    """Lines as they come; a progress bar's end with a carriage return."""
    pending = b""
    while chunk := os.read(stream.fileno(), 1024):  # what is there, without waiting for more
        *whole, pending = re.split(rb"[\r\n]", pending + chunk)
        yield from (line.decode("utf-8", "replace") for line in whole if line.strip())
    if pending.strip():
        yield pending.decode("utf-8", "replace")


def explained(said: str, port: str, board: Board) -> KitError:
    """What esptool's last words mean for whoever holds the board."""
    other = _OTHER_CHIP.search(said)
    if other:
        known = [each.name for each in BOARDS.values() if each.family == other[1]]
        if known:
            return KitError(say("wrong_chip", found=other[1], wanted=board.family, board=known[0]))
        return KitError(say("unknown_chip", found=other[1], wanted=board.family))
    if "Could not open" in said:
        found = ports.reason(said, port)
        return found or KitError(say("busy", port=port))
    for words, key in (
        (("No serial data received", "Wrong boot mode", "Failed to connect"), "no_sync"),
        (("does not match", "verification failed", "Hash of data"), "not_verified"),
        (("not listed by pyserial. The device may be unplugged", "Input/output error"), "unplugged"),
        (("returned no data", "disconnected", "ClearCommError", "device not configured"), "unplugged"),
        (("will not fit", "exceeds flash size", "larger than"), "small_flash"),
    ):
        fatal = said[max(0, said.find("rror occurred")) :]  # before it stand notes with much the same words
        if any(word.lower() in fatal.lower() for word in words):
            return KitError(say(key))
    lines = [line for line in said.splitlines() if line.strip()]
    return KitError(say("other", detail=lines[-1].strip() if lines else "-"))
