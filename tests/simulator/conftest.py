"""A node that runs a tiny firmware of the tests' own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from simulator.node import SimNode
from simulator.options import NodeOptions

# Counts its starts in flash, greets on the console, then does what the file `script` in flash says.
FIRMWARE = """
import json, machine, network, time
try:
    with open("starts") as file: starts = int(file.read()) + 1
except OSError:
    starts = 1
with open("starts", "w") as file: file.write(str(starts))
print("start", starts, machine.reset_cause(), json.load(open("config.json"))["node"])
wlan = network.WLAN(network.STA_IF)
uart = machine.UART(1, baudrate=9600, tx=17, rx=16)
with open("script") as file: exec(file.read())
while True:
    time.sleep_ms(20)
    machine.idle()
"""


@pytest.fixture
def make(tmp_path: Path, micropython: str) -> Iterator[Callable[..., SimNode]]:
    """Make a node that runs FIRMWARE and then `script`."""
    firmware = tmp_path / "firmware"
    firmware.mkdir()
    (firmware / "main.py").write_text(FIRMWARE)
    made: list[SimNode] = []

    def node(script: str = "", **options: object) -> SimNode:
        directory = tmp_path / "node"
        (directory / "flash").mkdir(parents=True)
        (directory / "flash" / "script").write_text(script)
        one = SimNode(
            directory,
            NodeOptions("testnode", **options),  # type: ignore[arg-type]
            lambda _: (5.0, 10.0, 20.0),
            firmware=firmware,
        )
        made.append(one)
        return one

    yield node
    for one in made:
        one.stop()
