"""All checks of a network together, and the version that names them.

judge = Judge(settings, places)
qc = judge.judge(sample)                    # in the order of arrival, or of time: the same code
for earlier, bits in judge.take_amended():  # what a later sample decided of an earlier one
for hour in judge.take_hours():             # hours that are over
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from gateway.quality.checks.base import Check
from gateway.quality.checks.bits import UNJUDGED
from gateway.quality.checks.change import Rate, Spike
from gateway.quality.checks.clock import Clock
from gateway.quality.checks.disagree import Disagree
from gateway.quality.checks.hours import Completeness, Hour
from gateway.quality.checks.near import Spot
from gateway.quality.checks.network import Clogged, Neighbours, Network
from gateway.quality.checks.plain import (
    Climate,
    Device,
    Humid,
    NoValue,
    Range,
    Saturated,
    Sizes,
    Warmup,
)
from gateway.quality.checks.sample import Sample
from gateway.quality.checks.series import Checkset, NodeJudge
from gateway.quality.checks.settings import CheckSettings, QualitySettings
from gateway.quality.checks.stuck import Stuck

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.quality")

# More nodes than a gateway has; beyond it the memory of all begins anew.
MOST_NODES = 50_000
NETWORK = "network"


@dataclass(slots=True, frozen=True)
class Version:
    """Which checks judged: `checks` has name, version and settings of each; `hash` names all of it."""

    hash: str
    checks: str


def checks_of(settings: QualitySettings) -> list[Check[Any]]:
    """Those that judge sample by sample, in their order. The others are Network's."""
    made: list[Check[Any]] = [
        NoValue(CheckSettings()),
        Range(settings.range),
        Saturated(settings.saturated),
        Device(settings.device),
        Climate(settings.climate),
        Warmup(settings.warmup),
        Humid(settings.humid),
        Sizes(settings.sizes),
        Clock(settings.clock),
        Rate(settings.rate),
        Spike(settings.spike),
        Stuck(settings.stuck),
        Disagree(settings.disagree),
    ]
    return [each for each in made if each.settings.enabled]


class Judge:
    """Feed it with samples; state is bounded. A bug in a check is counted in `errors`, logged once, and harms
    no other check.
    """

    def __init__(
        self, settings: QualitySettings, places: Mapping[str, Spot], extra: Sequence[Check[Any]] = ()
    ) -> None:
        checks = [*checks_of(settings), *extra]
        self._checks = Checkset(checks)
        neighbours, clogged = Neighbours(settings.neighbours), Clogged(settings.clogged)
        self.complete = Completeness(settings.incomplete)
        self.network = Network(neighbours, clogged, self.complete, places)
        self.nodes: dict[int, NodeJudge] = {}
        self.errors: dict[str, int] = {}
        self._amended: list[tuple[Sample, int]] = []
        self.version = _version([*checks, neighbours, clogged, self.complete])

    def judge(self, s: Sample) -> int:
        """The sample's bits; with `provisional` when it came out of order."""
        node = self.nodes.get(s.node_id)
        if node is None:
            node = self._begin(s.node_id)
        qc = node.judge(s)
        if node.amended:
            self._take_amended_of(node)
        t = s.t
        if t is not None:
            try:
                qc = self.network.judge(s, t, qc)
            except Exception as error:  # noqa: BLE001 - counted and logged, and marked in the sample
                self.failed(NETWORK, error)
                qc |= UNJUDGED
        return qc

    def fresh_node(self, node_id: int) -> NodeJudge:
        """A judge of a node's series from some point of the past on; see follow/settle.py.

        It knows what holds for a whole boot.
        """
        return NodeJudge(self._checks, self.failed, self.nodes.get(node_id))

    def take_amended(self) -> list[tuple[Sample, int]]:
        """Earlier samples, and the bits to add to them."""
        amended, self._amended = self._amended, []
        return amended

    def take_hours(self) -> list[Hour]:
        """Hours that have been closed since the last call."""
        return self.network.take_closed()

    def failed(self, name: str, error: Exception) -> None:
        """A bug in a check: count it, and log the first of each check."""
        self.errors = {**self.errors, name: self.errors.get(name, 0) + 1}
        if self.errors[name] == 1:
            log.error("a bug in a check; its readings are marked unjudged", check=name, exc_info=error)

    def _begin(self, node_id: int) -> NodeJudge:
        if len(self.nodes) >= MOST_NODES:
            self.nodes.clear()
        node = self.nodes[node_id] = NodeJudge(self._checks, self.failed)
        return node

    def _take_amended_of(self, node: NodeJudge) -> None:
        for sample, bit in node.amended:
            self._amended.append((sample, bit))
            self.network.amend(sample, bit)
        node.amended.clear()


def _version(parts: Sequence[Any]) -> Version:
    checks = json.dumps(
        [
            {"name": p.name, "version": p.version, "settings": p.settings.model_dump(mode="json")}
            for p in parts
        ],
        separators=(",", ":"),
        sort_keys=True,
    )
    return Version(hashlib.sha256(checks.encode()).hexdigest()[:16], checks)
