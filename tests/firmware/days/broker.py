"""A Mosquitto for days: plain for the gateway, with TLS for the node."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.firmware.certificates import make_ca, make_server_certificate, tls_listener
from tests.firmware.node_bench import CONTRACT
from tests.support import Mosquitto, choose_port

NAME = "localhost"  # the host name that the certificate is for


@dataclass
class Broker:
    """`port` is the gateway's, `node_port` the node's; `settings` go into the node's config.json."""

    process: Mosquitto
    port: int
    node_port: int
    settings: dict[str, Any]
    ca: Path | None

    def give_ca(self, flash: Path) -> None:
        """Put the authority's certificate where the node looks for it."""
        if self.ca is not None:
            shutil.copyfile(self.ca, flash / "ca.der")

    def stop(self) -> None:
        self.process.stop()


def start(directory: Path, tls: bool = True) -> Broker:
    port, node_port = choose_port(), choose_port()
    extra = ["set_tcp_nodelay true", "max_inflight_messages 0", f"listener {node_port} 127.0.0.1"]
    settings: dict[str, Any] = {}
    ca = None
    if tls:
        authority = make_ca(directory)
        extra += tls_listener(make_server_certificate(authority, (NAME, "127.0.0.1")))
        settings = {"broker": {"tls": True, "ca": "ca.der", "tls_name": NAME}}
        ca = authority.der
    process = Mosquitto(directory, port, extra).start()
    return Broker(process, port, node_port, settings, ca)


def judge(kind: str, body: dict[str, Any]) -> list[str]:
    """What breaks the contract. Readings are not judged here: other tests do, and days have many."""
    if kind == "readings" or kind not in CONTRACT:
        return []
    return [f"{kind}: {error.message}" for error in CONTRACT[kind].iter_errors(body)]
