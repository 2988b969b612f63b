"""What every room's tests share: free ports, real servers, and waiting without sleeping blindly."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

REPO = Path(__file__).resolve().parent.parent
# rumqttd, influxd and the like start in well under a second; CI machines are slow.
START_SECONDS = 20.0


def require(command: str) -> str:
    """Return the path of a real component; skip without it, but fail in CI, which must have it."""
    beside = Path(sys.executable).with_name(command)
    found = str(beside) if beside.exists() else shutil.which(command)
    if found is None:
        message = f"{command} is not installed; `make test` as root installs it"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


def wait_for(predicate: Callable[[], Any], seconds: float = 10.0, what: str = "") -> Any:
    """Poll until the predicate is true and return its value; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds} s in vain for {what or predicate}")
        time.sleep(0.02)


def listening(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5):
            return True
    except OSError:
        return False


def choose_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Mosquitto:
    """A real Mosquitto with persistence; start, stop and kill it at will on the same port."""

    host = "127.0.0.1"

    def __init__(self, directory: Path, port: int, extra: Sequence[str] = ()) -> None:
        self.port = port
        self.command = [require("mosquitto"), "-c", str(directory / "mosquitto.conf")]
        self.process: subprocess.Popen[bytes] | None = None
        self.log = directory / "mosquitto.log"
        lines = [
            f"listener {port} 127.0.0.1",
            "persistence true",
            f"persistence_location {directory}/",
            "autosave_interval 1",
            "max_queued_messages 0",
            f"log_dest file {self.log}",
            f"user {'root' if os.geteuid() == 0 else os.environ.get('USER', 'nobody')}",
        ]
        if not any(line.startswith(("allow_anonymous", "password_file")) for line in extra):
            lines.append("allow_anonymous true")
        (directory / "mosquitto.conf").write_text("\n".join([*lines, *extra]) + "\n")

    def start(self) -> Mosquitto:
        assert self.process is None, "already running"
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(
            lambda: listening(self.port), START_SECONDS, f"mosquitto on port {self.port}, see {self.log}"
        )
        return self

    def stop(self) -> None:
        self._end(hard=False)

    def kill(self) -> None:
        self._end(hard=True)

    def _end(self, hard: bool) -> None:
        if self.process is not None:
            (self.process.kill if hard else self.process.terminate)()
            self.process.wait(10)
            self.process = None
