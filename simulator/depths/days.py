"""Real firmware in simulated time: each node of a scenario in a World of its own (simulator/days), several at
once. Nodes do not share a clock, so their messages are put in order at the end; till then they are in memory.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.city.fleet import Node
from simulator.city.light import LightFleet, Message, TruthRow
from simulator.days.world import NodeError, World
from simulator.depths.behind import Behind
from simulator.depths.board import devices_for, fitted_for
from simulator.depths.target import Target
from simulator.depths.troubles import Trouble, troubles
from simulator.options import heap_for
from simulator.runtime import SimulatorError

LOOK_S = 0.2  # real seconds between two looks at the progress
STEP_S = 20.0  # simulated ones between two looks at the pace and at Ctrl-C
STRIDE_MS = 250
MARGIN_S = 60.0  # after the end, so that what was born before it arrives


@dataclass
class Lived:
    """What one node did. `until`: the simulated second that it reached."""

    node: str
    until: float = 0.0
    starts: int = 0
    unknown: int = 0
    told: list[tuple[Message, list[TruthRow]]] = field(default_factory=list[tuple[Message, list[TruthRow]]])


class NodeInDays:
    """`settings`: of config.json, on top of what the scenario says."""

    def __init__(
        self, lights: LightFleet, node: Node, directory: Path, target: Target, settings: dict[str, Any]
    ) -> None:
        """Raises ValueError, OSError, SimulatorError."""
        scenario = lights.scenario
        self.lived = Lived(node.name)
        self._behind = Behind(lights, node)
        self._length = float(scenario.end - scenario.begin)
        fitted = fitted_for(node)
        self.world = world = World(
            directory,
            target.port,
            fitted,
            {"spread_s": 2, **timing(lights), **settings},
            broker_host=target.host,
            login=target.login,
            name=node.name,
            network=scenario.network,
            epoch=scenario.begin,
            devices=devices_for(lights, node, fitted, scenario.begin),
            heap=heap_for(fitted),
            stride_ms=STRIDE_MS,
            lax=True,
        )
        world.gateway.seen = self._take
        for trouble in troubles(lights, node):
            world.at(trouble.at - scenario.begin, lambda trouble=trouble: self._strike(trouble))

    def live(self, pace: float | None, stop: threading.Event) -> Lived:
        """Raises NodeError."""
        began = time.monotonic()
        world = self.world

        def look() -> None:
            self.lived.until = min(world.now(), self._length)
            if pace is not None:
                stop.wait(max(0.0, began + world.now() / pace - time.monotonic()))
            if stop.is_set():
                world.stop()

        world.every(STEP_S if pace is None else min(STEP_S, max(1.0, pace)), look)
        try:
            world.run(self._length + MARGIN_S)
        finally:
            world.close()
        self.lived.until = min(world.now(), self._length)
        self.lived.starts = len(world.starts)
        self.lived.unknown = self._behind.unknown
        return self.lived

    def _strike(self, trouble: Trouble) -> None:
        if trouble.slot is not None:
            self.world.chip.wiring.plug(trouble.slot, trouble.on)
        elif not trouble.on:
            self.world.cut_power(trouble.off_s)

    def _take(self, topic: str, payload: bytes, old: bool) -> None:
        if old:  # retained by the broker from before
            return
        rows = self._behind.rows(json.loads(payload), self._end) if topic.endswith("/readings") else []
        self.lived.told.append((Message(self.world.truth(), topic, payload, topic.endswith("/status")), rows))

    def _end(self, boot: int, reading: dict[str, Any]) -> float | None:
        """By when the node was started and for how long it was up."""
        starts = self.world.starts
        return self.world.truth(starts[boot - 1][0] + reading["up"]) if 0 < boot <= len(starts) else None


def timing(lights: LightFleet) -> dict[str, int]:
    """The scenario's times as config.json has them."""
    fleet = lights.scenario.fleet
    rest = fleet.period_s - fleet.window - WARM_UP_S
    return {"window_s": fleet.window, "sleep_s": max(0, rest), "health_s": fleet.health_s}


WARM_UP_S = 30


def run(
    lights: LightFleet,
    directory: Path,
    target: Target,
    settings: dict[str, Any],
    pace: float | None,
    stop: threading.Event,
    progress: Callable[[float], None],
) -> list[Lived]:
    """All nodes, as many at once as the machine has processors; with a pace all at once. Raises ValueError,
    OSError, SimulatorError, NodeError: then all have been ended."""
    jobs = len(lights.nodes) if pace is not None else min(len(lights.nodes), os.cpu_count() or 1)
    waiting = list(lights.nodes)
    alive: dict[Future[Lived], NodeInDays] = {}
    done: list[Lived] = []
    length = float(lights.scenario.end - lights.scenario.begin)
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        try:
            while (waiting and not stop.is_set()) or alive:
                while waiting and len(alive) < jobs and not stop.is_set():
                    node = waiting.pop(0)
                    one = NodeInDays(lights, node, directory / node.name, target, settings)
                    alive[pool.submit(one.live, pace, stop)] = one
                ended, _ = wait(alive, LOOK_S, FIRST_COMPLETED)
                for future in ended:
                    one = alive.pop(future)
                    try:
                        done.append(future.result())
                    except NodeError as error:
                        raise SimulatorError(f"node {one.lived.node}: {error}") from error
                reached = sum(one.until for one in done) + sum(one.lived.until for one in alive.values())
                progress(reached / (length * len(lights.nodes)))
        except BaseException:
            stop.set()
            raise
    return done


def in_order(lived: list[Lived]) -> list[tuple[Message, list[TruthRow]]]:
    """All nodes' messages by time."""
    return sorted((one for each in lived for one in each.told), key=lambda one: (one[0].at, one[0].topic))
