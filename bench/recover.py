"""How a fleet comes back after its broker was killed: .venv/bin/python -m bench.recover

Nodes of the real firmware (--nodes 200), one Mosquitto, one gateway. Once every node has had a reading
acknowledged, Mosquitto is killed (SIGKILL) and started again --away seconds later. Times count from when its
port is open again: to each node's CONNECT, as Mosquitto logs it (whole seconds), and to the gateway's first
ack behind the node's first message of readings. --spread is the firmware's `spread_s`, 60 if nobody sets it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt

from bench.network.world import World
from simulator.node import SimNode
from simulator.options import NodeOptions
from simulator.runtime import find_firmware, find_micropython
from tests.support import wait_for

PER_HOST = 25  # nodes in one process of the simulator: its select() takes 1,024 files
AIR = (8.0, 12.0, 20.0)
PATIENCE_S = 600.0


@dataclass
class Recovery:
    """Seconds since the broker was back, one for each node that came back."""

    nodes: int
    connected: list[int]
    delivered: list[float]

    @property
    def most_in_a_second(self) -> float:
        """The largest share of the nodes that connected in one second."""
        return max(Counter(self.connected).values(), default=0) / self.nodes

    def lines(self) -> list[str]:
        return [
            f"{len(self.connected)} of {self.nodes} nodes came back, {len(self.delivered)} have an ack",
            f"new CONNECT: p50 {_part(self.connected, 0.5):.0f} s, p99 {_part(self.connected, 0.99):.0f} s",
            f"first ack:   p50 {_part(self.delivered, 0.5):.1f} s, p99 {_part(self.delivered, 0.99):.1f} s",
            f"most in one second: {self.most_in_a_second:.1%} of the nodes",
        ]


def _part(values: Sequence[float], part: float) -> float:
    """The smallest value that so large a part does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-len(ordered) * part // 1) - 1)] if ordered else float("nan")


class Acks:
    """When the gateway first acknowledged what each node had sent since clear()."""

    def __init__(self, port: int) -> None:
        self._lock = threading.Lock()
        self._sent: set[str] = set()
        self._first: dict[str, float] = {}
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="acks", protocol=mqtt.MQTTv311)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(
            [("dl/1/warsaw/+/+/ack", 0), ("dl/1/warsaw/+/+/readings", 0)]
        )
        self._client.on_message = self._hear
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _hear(self, _client: mqtt.Client, _user: Any, message: mqtt.MQTTMessage) -> None:
        node, kind = message.topic.split("/")[4:6]
        with self._lock:
            if kind == "readings":
                self._sent.add(node)
            elif node in self._sent:  # others answer what came before, and wait for the node at the broker
                self._first.setdefault(node, time.time())

    def clear(self) -> None:
        with self._lock:
            self._first.clear()
            self._sent.clear()

    def first(self) -> dict[str, float]:
        with self._lock:
            return dict(self._first)

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def _host(directory: Path, planned: list[NodeOptions], line: Connection) -> None:
    """A process that runs some of the nodes, until told to end."""
    firmware, micropython = find_firmware(), find_micropython()
    nodes: list[SimNode] = []
    try:
        for options in planned:
            nodes.append(
                SimNode(
                    directory / options.name,
                    options,
                    lambda _at: AIR,
                    firmware=firmware,
                    micropython=micropython,
                ).start()
            )
            time.sleep(0.1)
        line.send("on")
        line.recv()
    finally:
        for node in nodes:
            node.kill()


def run(directory: Path, nodes: int, away_s: float, spread_s: int, seed: int = 4) -> Recovery:
    """Raises AssertionError or pytest's failure when the fleet does not start or does not come back."""
    with ExitStack() as stack:
        world = stack.enter_context(World(directory / "world"))
        acks = Acks(world.broker.port)
        stack.callback(acks.stop)
        planned = [_plan(number, world, spread_s, seed) for number in range(nodes)]
        spawning = multiprocessing.get_context("spawn")
        for start in range(0, nodes, PER_HOST):
            ours, theirs = spawning.Pipe()
            some = planned[start : start + PER_HOST]
            host = spawning.Process(target=_host, args=(directory / "nodes", some, theirs))
            host.start()
            stack.callback(host.join, 120)
            stack.callback(ours.send, "end")
            wait_for(lambda ours=ours: ours.poll(), PATIENCE_S, "nodes to be started")
        wait_for(lambda: len(acks.first()) == nodes, PATIENCE_S, "an ack for every node")
        # Not in step with the nodes' readings, nor with what their start gave them in common.
        time.sleep(random.Random(seed).uniform(5, 10))
        world.broker.kill()
        acks.clear()
        time.sleep(away_s)
        already = world.broker.log.stat().st_size
        world.broker.start()
        back = time.time()

        def connected() -> dict[str, int]:
            with world.broker.log.open(encoding="utf-8") as log:
                log.seek(already)
                found = re.findall(r"(?m)^(\d+): New client connected from \S+ as (node-\d+) ", log.read())
            return {name: int(at) for at, name in reversed(found)}  # the first of each

        everyone = wait_for(
            lambda: (seen := connected()) and len(seen) == nodes and len(acks.first()) == nodes and seen,
            PATIENCE_S,
            "every node to come back",
        )
        return Recovery(
            nodes,
            [at - int(back) for at in everyone.values()],
            [at - back for at in acks.first().values()],
        )


def _plan(number: int, world: World, spread_s: int, seed: int) -> NodeOptions:
    return NodeOptions(
        f"node-{number:03}",
        broker_port=world.broker.port,
        ntp=(world.ntp.address,),
        warmup_s=1,
        window_s=10,
        spread_s=spread_s,
        seed=seed + number,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="A fleet after its broker was killed.")
    parser.add_argument("--nodes", type=int, default=200)
    parser.add_argument("--away", type=float, default=10.0, help="seconds until the broker is back")
    parser.add_argument("--spread", type=int, default=60, help="the firmware's spread_s")
    parser.add_argument("--seed", type=int, default=4)
    words = parser.parse_args()
    print(
        f"{words.nodes} nodes, broker away for {words.away:g} s, spread_s {words.spread}, seed {words.seed}"
    )
    with tempfile.TemporaryDirectory(prefix="dustline-recover-") as directory:
        recovery = run(Path(directory), words.nodes, words.away, words.spread, words.seed)
    print(*recovery.lines(), sep="\n")
    return 0 if recovery.most_in_a_second <= 0.05 else 1


if __name__ == "__main__":
    sys.exit(main())
