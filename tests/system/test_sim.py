"""`dustline sim`: what its options say is what the firmware runs."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import Mosquitto, wait_for


@pytest.mark.needs_micropython
@pytest.mark.needs_mosquitto
def test_a_node_takes_every_option(mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> None:
    broker = mosquitto()
    command = [sys.executable, "-m", "dustline.cli", "sim", "node", "--broker", f"127.0.0.1:{broker.port}"]
    options = ["--directory", str(tmp_path / "nodes"), "--warmup", "5", "--window", "2", "--health", "2"]
    node = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        console = tmp_path / "nodes" / "centrum" / "node.log"
        wait_for(lambda: console.exists() and "mqtt: connected" in console.read_text(), 20, "a connection")
    finally:
        node.send_signal(signal.SIGINT)
        output, _ = node.communicate(timeout=20)
    assert "config:" not in console.read_text(), console.read_text()
    assert "boot 1 after power" in output
    assert node.returncode == 0
