"""Resets at every byte of a session, in both directions: from CONNECT to the PUBACK of the gateway's ack."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import Any

from bench.network.stage import Stage
from simulator.bad_network import GOOD, BadNetwork, Fault

PUBACK_BYTES = 4


class Cuts:
    """A script for one network: a whole connection, then one that is cut at the next place, by turns.

    A cut counts as survived by the next whole one. A connection that ended before it came to its place has to
    come again.
    """

    def __init__(self, net: BadNetwork, places: list[tuple[bool, int]], behind_ack: Fault) -> None:
        self._net = net
        self._behind_ack = behind_ack
        self._todo = deque(places)
        self._tried: tuple[bool, int] | None = None
        self.done = 0
        net.script(self._next)

    @property
    def over(self) -> bool:
        return not self._todo and self._tried is None

    def _next(self, number: int) -> Fault:
        if self._tried is not None:
            up, place = self._tried
            last = self._net.passed[-1]
            if (last.up if up else last.down) == place:
                self.done += 1
            else:
                self._todo.append(self._tried)
            self._tried = None
            return self._behind_ack
        if number == 0:
            return self._behind_ack
        if not self._todo:
            return GOOD
        self._tried = up, place = self._todo.popleft()
        return Fault(cut_up=place) if up else Fault(cut_down=place)


def every_byte(nodes: int, sample: int | None, **options: Any) -> Callable[[Stage], None]:
    """`sample`: so many places instead of all."""

    tls = "tls" in options

    def play(stage: Stage) -> None:
        probe = stage.network(tls)
        stage.make(probe, **options).start()
        up, down = _session(stage, probe, tls)
        places = [(True, place) for place in range(up)]
        places += [(False, place) for place in range(down)]
        every = len(places)
        rng = random.Random(stage.seed)
        rng.shuffle(places)
        places = places[:sample]
        cuts: list[Cuts] = []
        for number in range(nodes):
            net = stage.network(tls)
            # Whole sessions end behind the gateway's first ack; of TLS, behind as many bytes.
            behind = Fault(cut_down=down) if tls else Fault(cut_after_ack=True)
            cuts.append(Cuts(net, places[number::nodes], behind))
            stage.make(net, **options).start()
        stage.until(lambda: all(each.over for each in cuts), "every cut")
        stage.note = f"{sum(each.done for each in cuts)} of {every} places"

    return play


def _session(stage: Stage, probe: BadNetwork, tls: bool) -> tuple[int, int]:
    """The bytes of a session up and down. Inside TLS nobody sees the ack: until the node says that nothing is
    left to send."""
    name = stage.node.options.name
    if tls:
        told = stage.world.observer.told
        stage.until(lambda: told(name).born and not told(name).depth, "an empty outbox")
        return probe.passed[0].up, probe.passed[0].down
    acked = stage.until(lambda: probe.passed and probe.passed[0].acked, "the first ack")
    return acked[0] + PUBACK_BYTES, acked[1]
