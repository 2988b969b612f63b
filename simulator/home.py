"""A simulated node's directory.

flash/      the board's file system and the process's working directory; config.json is written if absent
nvs.json    the chip's non-volatile storage
fw, chip, main   while it is on: links to the bytecode that it runs, and main.py
node.log    the serial console
console     with that option, while it is on: a link to a terminal that is the serial console, see console.py
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from simulator.bytecode import compiled
from simulator.options import NodeOptions
from simulator.runtime import CHIP

# Seen from flash, where the process runs.
MODULES = "../chip:../fw:.frozen"
MAIN = "../main/main.py"
FIRST_STAGE = ("main.py", "slot.mpy", "stage.mpy")  # beside each other; on a board they are in flash


class Home:
    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self.flash = self.directory / "flash"
        self.nvs = self.directory / "nvs.json"
        self.log = self.directory / "node.log"

    def make(self) -> None:
        self.flash.mkdir(parents=True, exist_ok=True)

    def configure(self, options: NodeOptions) -> None:
        """config.json if absent; a router's addresses are new at each start and are always put there."""
        wanted = options.config()
        for name, path in (options.tls.files() if options.tls else {}).items():
            shutil.copyfile(path, self.flash / name)
        config = self.flash / "config.json"
        if config.exists():
            if not options.router:
                return
            wanted = {
                **json.loads(config.read_text(encoding="utf-8")),
                "broker": wanted["broker"],
                "ntp": wanted["ntp"],
            }
        # Letters as they are: MicroPython reads a pair of \\u surrogates as two wrong ones.
        config.write_text(json.dumps(wanted, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def link(self, firmware: Path, board: Mapping[str, bytes] | None = None) -> None:
        """MicroPython keeps each module's path in the node's heap: the same few bytes on every machine.

        main.py is a copy in a folder of its own. MicroPython searches its script's folder first, by that
        folder's real path, and 50 of those would be 2 KB.

        `board`: what was flashed onto it. Then it runs from its slots, and not from `firmware`; what is in
        flash already stays, as updates change it.
        """
        self.unlink()
        (self.directory / "chip").symlink_to(compiled(CHIP))
        (self.directory / "main").mkdir(exist_ok=True)
        if board is None:
            (self.directory / "fw").symlink_to(firmware)
            shutil.copyfile(firmware / "main.py", self.directory / "main" / "main.py")
            return
        for name, data in board.items():
            if name in FIRST_STAGE:
                (self.directory / "main" / name).write_bytes(data)
            elif not (self.flash / "slots.json").exists():
                (self.flash / name).write_bytes(data)

    def unlink(self) -> None:
        for name in ("chip", "fw", *(f"main/{name}" for name in FIRST_STAGE)):
            (self.directory / name).unlink(missing_ok=True)

    def note(self, text: str) -> None:
        """Of the simulator's own doings."""
        self.print(f"simulator {time.strftime('%H:%M:%S')}: {text}")

    def print(self, text: str) -> None:
        """A line on the serial console."""
        with self.log.open("a", encoding="utf-8") as log:
            log.write(text + "\n")
