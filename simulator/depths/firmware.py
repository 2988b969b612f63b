"""Real firmware on the Unix port, over real sockets, in real time: a process for each node."""

from __future__ import annotations

import json
import os
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from simulator.city.light import LightFleet, Message, TruthRow
from simulator.city.record import Recorder
from simulator.depths.behind import Behind
from simulator.depths.board import devices_for, fitted_for
from simulator.depths.target import Target
from simulator.depths.troubles import troubles
from simulator.node import SimNode
from simulator.options import NodeOptions, heap_for
from simulator.runtime import SimulatorError, find_firmware, find_micropython
from simulator.sensors.base import Air

LOOK_S = 0.2
PATIENCE_S = 10.0
# Of one node, measured with 40 and with 100 (docs/simulated-city.md): memory of process and host's side,
# share of a processor (0.36 % the process, 0.27 % the host's side), files. The host's side is one Python,
# which has one processor at most: 0.7 of it is for MOST nodes.
NODE_MB, NODE_CPU, NODE_FILES = 6.0, 0.0065, 6
MOST = 250


def room() -> tuple[int, str]:
    """(how many nodes fit on this machine, what sets that bound)"""
    bounds = {
        "processors": int((os.cpu_count() or 1) * 0.8 / NODE_CPU),
        "memory": int(_free_mb() * 0.8 / NODE_MB),
        "open files": (_files() - 100) // NODE_FILES,
        "one Python process": MOST,
    }
    what = min(bounds, key=lambda name: bounds[name])
    return max(1, bounds[what]), what


def _free_mb() -> float:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return 1024.0  # not Linux; a judgement
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("MemAvailable"))


def _files() -> int:
    """How many files may be open, after asking for as many as are allowed."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return soft


class Observer:
    """Hears all that the fleet sends, so that it can be recorded; changes nothing."""

    def __init__(self, target: Target, network: str) -> None:
        """Raises SimulatorError: what is to be recorded must be heard from the beginning."""
        self.heard: queue.SimpleQueue[tuple[float, str, bytes]] = queue.SimpleQueue()
        ready = threading.Event()
        refused: list[str] = []
        self._client = client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=f"dustline-observer-{os.getpid()}"
        )
        if target.login is not None:
            client.username_pw_set(*target.login)

        def connected(_: mqtt.Client, __: Any, ___: Any, code: Any, ____: Any) -> None:
            if code.is_failure:
                refused.append(str(code))
                ready.set()
            else:
                client.subscribe(
                    [(f"dl/1/{network}/+/+/{kind}", 1) for kind in ("readings", "status", "health")]
                )

        def subscribed(*_: Any) -> None:
            ready.set()

        def came(_: mqtt.Client, __: Any, message: mqtt.MQTTMessage) -> None:
            if not message.retain:  # what is retained is older than this run
                self.heard.put((time.time(), message.topic, bytes(message.payload)))

        client.on_connect, client.on_subscribe, client.on_message = connected, subscribed, came
        where = f"broker {target.host}:{target.port}"
        try:
            client.connect(target.host, target.port)
        except OSError as error:
            raise SimulatorError(
                f"{where}: no connection ({error}); a recording needs it from the start"
            ) from error
        client.loop_start()
        if not ready.wait(PATIENCE_S) or refused:
            self.close()
            raise SimulatorError(
                f"{where}: {refused[0] if refused else 'does not answer'}; cannot record there"
            )

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class RealFleet:
    """`options`: what all nodes share; `ahead_s`: how far the scenario's time is ahead of true time, by which
    the time server must be ahead too."""

    def __init__(
        self,
        lights: LightFleet,
        directory: Path,
        options: Callable[..., NodeOptions],
        ahead_s: float,
    ) -> None:
        """`options(**changes)` gives a node's. Raises ValueError, SimulatorError."""
        self._lights, self._ahead_s = lights, ahead_s
        firmware, runtime = find_firmware(), find_micropython()
        self.nodes: list[SimNode] = []
        self._behind = {node.name: Behind(lights, node) for node in lights.nodes}
        for number, node in enumerate(lights.nodes):
            fitted = fitted_for(node)
            self.nodes.append(
                SimNode(
                    directory / node.name,
                    options(name=node.name, sensors=fitted, heap=heap_for(fitted), seed=number),
                    _no_air,
                    devices=devices_for(lights, node, fitted, ahead_s),
                    firmware=firmware,
                    micropython=runtime,
                )
            )
        by_name = dict(zip((node.name for node in lights.nodes), self.nodes, strict=True))
        self._due = sorted(
            ((one, by_name[node.name]) for node in lights.nodes for one in troubles(lights, node)),
            key=lambda due: due[0].at,
        )

    @property
    def unknown(self) -> int:
        return sum(one.unknown for one in self._behind.values())

    def now(self) -> float:
        """The scenario's time."""
        return time.time() + self._ahead_s

    def live(
        self, to: Recorder, observer: Observer | None, stop: threading.Event, each: Callable[[], None]
    ) -> None:
        """Until the scenario ends or `stop` is set; `each` is called now and then. Raises SimulatorError."""
        while not stop.is_set() and self.now() < self._lights.scenario.end:
            while self._due and self._due[0][0].at <= self.now():
                trouble, node = self._due.pop(0)
                if trouble.slot is not None:
                    node.wiring.plug(trouble.slot, trouble.on)
                elif trouble.on:
                    node.start()
                else:
                    node.kill()
            self.collect(to, observer)
            each()
            stop.wait(LOOK_S)

    def collect(self, to: Recorder, observer: Observer | None) -> None:
        """Record what has come."""
        while observer is not None and not observer.heard.empty():
            at, topic, payload = observer.heard.get()
            name, kind = topic.split("/")[-2:]
            if name not in self._behind:
                continue
            rows: list[TruthRow] = []
            if kind == "readings":
                rows = self._behind[name].rows(json.loads(payload), _end)
            message = Message(round(at + self._ahead_s, 3), topic, payload, kind == "status")
            to.put(message, rows)


def _end(_boot: int, reading: dict[str, Any]) -> float | None:
    """The node's own time: it asks a server that has the scenario's."""
    return reading["t"]


_no_air: Air = lambda _at: (0.0, 0.0, 0.0)  # noqa: E731 - all devices are given
