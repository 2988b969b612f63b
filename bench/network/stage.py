"""One case on stage: a node, the bad network between it and the broker, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.network.world import World
from simulator.bad_network import GOOD, BadNetwork, Fault
from simulator.node import SimNode
from simulator.options import NodeOptions

AIR = (8.0, 12.0, 20.0)
# A reading a second, and a node that notices and repeats soon.
QUICK: dict[str, Any] = {
    "warmup_s": 1,
    "window_s": 1,
    "health_s": 1,
    "ack_timeout_s": 2,
    "keepalive_s": 5,
    "spread_s": 1,
    "heap": "192k",
}


@dataclass
class Outcome:
    """What a case came to. The ledger's figures are filled in at the end, for all of a case's nodes."""

    name: str
    what: str
    nodes: list[str] = field(default_factory=list[str])
    connections: int = 0
    seconds: float = 0.0
    leaked: int = 0  # bytes of the application that reached a server which is not the right one
    note: str = ""
    born: int = 0
    stored: int = 0
    quarantined: int = 0
    missing: int = 0
    failure: str | None = None  # why it could not be played to its end

    @property
    def well(self) -> bool:
        return self.failure is None and (
            self.born > 0
            and self.stored == self.born
            and not (self.missing or self.quarantined or self.leaked)
        )


class Stage:
    """`length` scales how long a fault lasts: 1 in the whole form."""

    def __init__(self, world: World, name: str, *, seed: int, length: float) -> None:
        self.world, self.name, self.seed, self.length = world, name, seed, length
        self.nodes: list[SimNode] = []
        self.networks: list[BadNetwork] = []
        self.leaked = 0
        self.note = ""

    @property
    def node(self) -> SimNode:
        return self.nodes[0]

    @property
    def net(self) -> BadNetwork:
        return self.networks[0]

    def network(self, tls: bool = False) -> BadNetwork:
        port = self.world.tls_port if tls else self.world.broker.port
        self.networks.append(BadNetwork("127.0.0.1", port, seed=self.seed + len(self.networks)))
        return self.networks[-1]

    def make(self, net: BadNetwork, *, firmware: Path | None = None, **options: Any) -> SimNode:
        name = f"{self.name}-{len(self.nodes):02}"
        chosen = {
            "broker_port": net.port,
            "ntp": (self.world.ntp.address,),
            "seed": self.seed,
            **QUICK,
            **options,
        }
        where = self.world.directory / name
        node = SimNode(where, NodeOptions(name, **chosen), lambda _at: AIR, firmware=firmware)
        self.nodes.append(node)
        return node

    def begin(self, fault: Fault | None = None, **options: Any) -> Stage:
        """A node on a network of its own. For `options` see make()."""
        net = self.network("tls" in options)
        if fault is not None:
            net.always(fault)
        self.make(net, **options).start()
        return self

    def last(self, seconds: float) -> None:
        """Let time pass: faults last."""
        time.sleep(seconds * self.length)

    def log(self, node: SimNode | None = None) -> str:
        return (node or self.node).log.read_text(encoding="utf-8", errors="replace")

    def until(self, what: Callable[[], Any], words: str) -> Any:
        return self.world.wait(what, f"{self.name}: {words}, see {self.world.directory / self.name}*")

    def until_says(self, words: str, times: int = 1) -> None:
        """Until the (first) node's log has these words so often."""
        self.until(lambda: self.log().count(words) >= times, f"{words!r} in the log")

    def until_connected(self) -> None:
        self.until_says("mqtt: connected")

    def heal(self) -> None:
        for net in self.networks:
            net.refuse(False)
            net.always(GOOD)

    def finish(self) -> None:
        """Wait for every reading of every node, as the nodes tell it."""
        for node in self.nodes:
            self.world.observer.set_config(node.options.name, 1, {"measure": False})
        for node in self.nodes:
            self.world.still(node.options.name)

    def close(self) -> None:
        for node in self.nodes:
            node.stop()
        for net in self.networks:
            net.close()
