"""What a case needs around it: a broker with plain and TLS ports, a gateway as a process, a time server, and
one who hears the nodes' health."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dustline.demo.observer import Observer
from simulator.ntp import NtpServer
from tests.firmware.certificates import Certificate, tls_listener
from tests.support import REPO, Mosquitto, choose_port, wait_for

PATIENCE_S = 900.0
DUSTLINE = (sys.executable, "-c", "from dustline.cli import main; main()")


class GatewayProcess:
    """`dustline gateway run`, to be killed and started again; its journal outlives it."""

    def __init__(self, directory: Path, broker: Sequence[str]) -> None:
        """`broker`: the lines of the section [broker]."""
        directory.mkdir(parents=True)
        self.log = directory / "gateway.log"
        self.config = directory / "gateway.toml"
        lines = ["[broker]", *broker, "[journal]", 'path = "journal.sqlite"', "[web]", "enabled = false"]
        lines += ["[monitor]", "enabled = false"]
        self.config.write_text("\n".join(lines) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> GatewayProcess:
        with self.log.open("ab") as log:
            command = [*DUSTLINE, "gateway", "run", "--config", str(self.config)]
            self._process = subprocess.Popen(command, cwd=REPO, stdout=log, stderr=log)
        return self

    def connected(self, times: int = 1) -> bool:
        """Whether it has connected at least so often, over all its runs."""
        return self.log.read_text().count("connected to the broker") >= times

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(20)
            self._process = None

    def ledger(self) -> list[dict[str, Any]]:
        """What `dustline ledger` says: a row for each node and boot."""
        command = [*DUSTLINE, "ledger", "--config", str(self.config), "--json"]
        done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)["rows"]


class World:
    """A broker, its gateway and an observer. stop() ends all of it."""

    def __init__(
        self,
        directory: Path,
        server: Certificate | None = None,
        *,
        protocol: int = 5,
        extra: Sequence[str] = (),
    ) -> None:
        """With `server` the broker has a TLS port too."""
        directory.mkdir(parents=True)
        self.directory = directory
        self.tls_port = choose_port() if server else 0
        lines = ["log_timestamp_format %s", *extra]
        if server:
            lines += [f"listener {self.tls_port} 127.0.0.1", *tls_listener(server)]
        self.broker = Mosquitto(directory, choose_port(), lines)
        self.gateway = GatewayProcess(
            directory / "gateway", [f"port = {self.broker.port}", f"protocol = {protocol}"]
        )
        self.ntp = NtpServer()
        self.observer = Observer("127.0.0.1", self.broker.port, "warsaw")

    def start(self) -> World:
        self.broker.start()
        self.ntp.start()
        self.gateway.start()
        self.observer.start()
        wait_for(self.gateway.connected, PATIENCE_S, f"the gateway, see {self.gateway.log}")
        return self

    def stop(self) -> None:
        self.observer.stop()
        self.gateway.end()
        self.ntp.stop()
        self.broker.stop()

    def __enter__(self) -> World:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_: object) -> None:
        self.stop()

    def still(self, node: str) -> None:
        """Have a node measure no more, and wait until it says that its outbox is empty."""
        self.observer.set_config(node, 1, {"measure": False})
        self.wait(lambda: self._empty(node), f"{node} to report an empty outbox")

    def _empty(self, node: str) -> bool:
        told = self.observer.told(node)
        return bool(told.reports) and not told.measuring and told.depth == 0

    @staticmethod
    def wait(what: Callable[[], Any], words: str) -> Any:
        return wait_for(what, PATIENCE_S, words)

    def cpu_s(self) -> float:
        times = os.times()
        return times.user + times.system + times.children_user + times.children_system
