"""A simulated node whose firmware is in set-up mode, and its serial console as pyserial opens it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import serial

from simulator.node import SimNode
from simulator.options import NodeOptions
from tests.support import REPO, wait_for

HERE = Path(__file__).parent
AIR = (8.0, 12.0, 20.0)


def setup_firmware(folder: Path) -> Path:
    """The firmware with a main.py that does nothing but set-up over serial."""
    shutil.copytree(REPO / "firmware", folder)
    shutil.copyfile(HERE / "setup_only" / "main.py", folder / "main.py")
    return folder


@contextmanager
def in_setup(folder: Path, options: NodeOptions, config: dict[str, Any], **more: Any) -> Iterator[SimNode]:
    """A node that is on, with this config.json. `firmware` as setup_firmware() makes it."""
    node = SimNode(folder, replace(options, console=True), lambda _: AIR, **more)
    node.flash.mkdir(parents=True)
    (node.flash / "config.json").write_text(json.dumps(config))
    node.start()
    try:
        wait_for(lambda: node.log.exists() and "set-up over" in node.log.read_text("utf-8", "replace"), 20)
        yield node
    finally:
        node.kill()


def line(node: SimNode) -> serial.Serial:
    return serial.Serial(str(node.directory / "console"), 115200, timeout=0.05)


class ConsoleEnd:
    """A node's console as the far end of a cable, see cable.py."""

    def __init__(self, port: serial.Serial) -> None:
        self._port = port
        port.timeout = 0

    def exchange(self, data: bytes) -> bytes:
        if data:
            self._port.write(data)
        return self._port.read(4096)
