"""The node starts from the image's own file system, mounted by the real MicroPython, and goes on after a cut."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dustline.kit import contents, image, partitions
from dustline.kit.boards import BOARDS
from simulator.node import SimNode
from simulator.options import NodeOptions
from tests.firmware.node_bench import AIR, QUICK, ScriptedGateway
from tests.kit import official
from tests.support import Mosquitto, wait_for

BOOT = Path(__file__).parent / "boot"


@pytest.mark.needs_mosquitto
@pytest.mark.needs_micropython
def test_a_node_runs_from_the_partition(mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> None:
    broker = mosquitto()
    gateway = ScriptedGateway(broker.port)
    options = NodeOptions(
        "kuchnia", broker_port=broker.port, extra={"clock_wait_s": 0}, **{**QUICK, "router": False}
    )
    files = contents.unsigned() | contents.settings("warsaw", None, None)
    files["config.json"] = json.dumps(options.config()).encode()
    built = image.build(BOARDS["esp32"], official.real().read_bytes(), files)
    node = SimNode(tmp_path / "node", options, lambda _: AIR)
    node.firmware = BOOT
    node.directory.mkdir()
    (node.directory / "partition.bin").write_bytes(built[partitions.VFS.offset : partitions.VFS.end])
    try:
        node.start()
        wait_for(lambda: gateway.readings, 30, f"a reading, see {node.log}")
        boots = {boot for boot, _ in gateway.readings}
        node.kill()
        node.start()
        wait_for(lambda: {boot for boot, _ in gateway.readings} - boots, 30, "a reading after a power cut")
    finally:
        node.kill()
        gateway.close()
    assert not (node.flash / "boot").exists()
    assert not gateway.broken
    assert {"main.py", "config.json", "node"} <= set(json.loads(_mounted(node.log)))


def _mounted(log: Path) -> str:
    for line in log.read_text().splitlines():
        if line.startswith("boot: mounted "):
            return line.removeprefix("boot: mounted ").replace("'", '"')
    pytest.fail("nothing was mounted")
