"""What is known of a node when its health is worked out, and what comes of it. Plain data, no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

# Completeness and the ledger are looked at over so many days.
LATE_DAYS = 3
# What a reason's numbers are, to be put into its sentence.
Values = dict[str, float | int | str]


class Trouble(NamedTuple):
    """An hour (number since 1970) in which the checks found something; `own` and `near` are the medians of
    the series and of its neighbours in ug/m3, None where there is none."""

    hour: int
    qc: int
    own: float | None
    near: float | None


@dataclass(slots=True)
class SlotFacts:
    """One sensor. `hours` counts those with readings in the last days, `complete` those with enough of them,
    of `span` that there should be. `spikes` of its last `looked_at` readings are spikes, from `spikes_since`
    (UTC s) on."""

    slot: str
    model: str
    hours: int = 0
    complete: int = 0
    span: int = 0
    troubles: Sequence[Trouble] = ()
    spikes: int = 0
    looked_at: int = 0
    spikes_since: int | None = None


@dataclass(slots=True)
class Facts:
    """One node. `heard`: when anything came from it last, UTC s, None for never. `usual_h`: hours from one
    hour with readings to the next. `restarts` in the last day, `missing` of `born` in the last days.

    `status` is what JournalReader.statuses gives, with the last health message under `health`.
    """

    node: str
    network: str
    label: str = ""
    placed: bool = False
    heard: int | None = None
    usual_h: float = 1.0
    restarts: int = 0
    born: int = 0
    missing: int = 0
    status: Mapping[str, Any] = field(default_factory=dict[str, Any])
    slots: Sequence[SlotFacts] = ()


@dataclass(slots=True, frozen=True)
class Span:
    """`now` in UTC s; `since`: how far back the facts go."""

    now: int
    since: int


@dataclass(slots=True, frozen=True)
class Reason:
    """`kind` is a row of the table in docs/stations.md. `since` in UTC s, None where it is not known;
    `before`: it may have begun earlier, as nothing older was looked at. `slot`: None for the node."""

    kind: str
    since: int | None = None
    slot: str | None = None
    values: Values = field(default_factory=dict[str, float | int | str])
    before: bool = False

    @property
    def weight(self) -> int:
        return WEIGHTS[self.kind]


@dataclass(slots=True, frozen=True)
class Station:
    """A node with its reasons, the heaviest first. `score` 0: it needs nothing."""

    node: str
    network: str
    label: str
    score: float
    reasons: tuple[Reason, ...]


# How much a visit is worth, 0 to 100: 80 and more is a node that tells nothing of the air, 50 and more one
# whose values mislead, below that one that will or may fail, or loses some of its readings.
WEIGHTS: dict[str, int] = {
    "safe": 95,
    "silent": 90,
    "sensor_silent": 90,
    "sensor_swapped": 90,
    "sensor_wrong_speed": 90,
    "sensor_not_found": 90,
    "sensor_bus_stuck": 90,
    "sensor_failed": 90,
    "no_value": 88,
    "device": 86,
    "stuck": 85,
    "clogged": 84,
    "garbage": 82,
    "saturated": 80,
    "never": 70,
    "high": 65,
    "low": 65,
    "far": 60,
    "quiet": 60,
    "restarts": 55,
    "spikes": 54,
    "disagree": 52,
    "laser_over": 45,
    "missing": 44,
    "incomplete": 42,
    "outbox": 40,
    "climate": 38,
    "laser": 35,
    "rssi": 30,
    "clock": 28,
    "crash": 26,
    "aside": 25,
    "heap": 24,
}
