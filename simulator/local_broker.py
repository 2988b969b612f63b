"""A broker of one's own on 127.0.0.1: Mosquitto where it is installed, else the embedded one (broker.py)."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from simulator.broker import EmbeddedBroker
from simulator.runtime import SimulatorError

HOST = "127.0.0.1"
START_S = 20.0
# No delay, or a node in simulated time waits 40 ms of true time for each answer.
_CONFIG = """listener {port} {host}
allow_anonymous true
set_tcp_nodelay true
max_queued_messages 0
persistence false
"""


def free_port() -> int:
    """A port that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def find_mosquitto() -> str | None:
    """On the PATH, or where Debian puts it, which is not on everybody's PATH."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


class LocalBroker:
    """`with LocalBroker() as broker`: `port` takes MQTT 3.1.1, `mqtt5_port` MQTT 5; they may be the same."""

    host = HOST

    def __init__(self) -> None:
        self.port = free_port()
        self.mqtt5_port = self.port
        self._mosquitto = find_mosquitto()
        self.kind = "mosquitto" if self._mosquitto else "rumqttd"
        self._process: subprocess.Popen[bytes] | None = None
        self._embedded: EmbeddedBroker | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def start(self) -> LocalBroker:
        """Raises SimulatorError."""
        if self._mosquitto is None:
            self.mqtt5_port = free_port()
            self._embedded = EmbeddedBroker(self.port, self.mqtt5_port)
            self._embedded.start()
            return self
        self._folder = tempfile.TemporaryDirectory(prefix="dustline-broker-")
        config, log = (Path(self._folder.name) / name for name in ("mosquitto.conf", "mosquitto.log"))
        user = "root" if os.geteuid() == 0 else os.environ.get("USER", "nobody")
        config.write_text(_CONFIG.format(port=self.port, host=HOST) + f"user {user}\n")
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [self._mosquitto, "-c", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # it has to outlive the nodes' farewell after Ctrl-C
            )
        deadline = time.monotonic() + START_S
        while not _listening(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text(errors="replace").strip()[-500:]
                self.stop()
                raise SimulatorError(f"{self._mosquitto} did not start on port {self.port}: {said}")
            time.sleep(0.02)
        return self

    def stop(self) -> None:
        """Safe to call twice."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None
        if self._embedded is not None:
            self._embedded.close()
            self._embedded = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def __enter__(self) -> LocalBroker:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def _listening(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=0.5):
            return True
    except OSError:
        return False
