"""A simulated node in set-up mode, and its serial console as pyserial opens it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import serial

from dustline.kit.partitions import VFS
from simulator.node import SimNode
from simulator.options import NodeOptions, fit
from tests.support import choose_port, wait_for

AIR = (8.0, 12.0, 20.0)


@contextmanager
def in_setup(folder: Path, options: NodeOptions, config: dict[str, Any]) -> Iterator[SimNode]:
    """A node in set-up mode, with this config.json and its console open. Its own page has a free port."""
    node = SimNode(folder, replace(options, console=True, heap="192k"), lambda _: AIR)
    node.flash.mkdir(parents=True)
    portal = {"page": f"127.0.0.1:{choose_port()}", "dns": choose_port(), "password": "sosna-9-wiatr"}
    portal["try_s"] = 3
    (node.flash / "config.json").write_text(
        json.dumps({"sensors": [fit("sds011").config()], **config, "portal": portal})
    )
    node.start()
    try:
        wait_for(lambda: "setup: page http" in shown(node), 20, f"set-up mode, see {node.log}")
        yield node
    finally:
        node.kill()


@contextmanager
def flashed(folder: Path, flash: bytes, options: NodeOptions) -> Iterator[SimNode]:
    """A node that starts from what a chip's flash holds: its littlefs is mounted at /, and nothing else of
    the firmware is there. With an open console."""
    node = SimNode(folder, replace(options, console=True, heap="192k"), lambda _: AIR)
    node.firmware = Path(__file__).parent / "boot"
    node.directory.mkdir(parents=True)
    (node.directory / "partition.bin").write_bytes(flash[VFS.offset : VFS.end])
    node.start()
    try:
        wait_for(lambda: "boot: mounted" in shown(node), 20, f"a start, see {node.log}")
        yield node
    finally:
        node.kill()


def shown(node: SimNode) -> str:
    """What stood on the console."""
    return node.log.read_text("utf-8", "replace") if node.log.exists() else ""


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
