"""How many messages a second the network sends: told, or from the journal's last day, or from nodes_file."""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import dataclass

from gateway.config import Settings
from gateway.journal import JournalError, JournalReader
from gateway.preflight.finding import OUTAGE_SECONDS, Finding, ok, warn
from gateway.topics import shard_of

# As nodes do unless they are told otherwise: window_s and health_s in docs/node/configuration.md.
READING_SECONDS, HEALTH_SECONDS = 60, 600
_HEALTH_SHARE = READING_SECONDS / HEALTH_SECONDS
# When nothing is known.
_ASSUMED_NODES = 100
_SPAN_SECONDS = 600
_SPANS = 144  # a day


@dataclass(frozen=True, slots=True)
class Rate:
    """Messages per second, with health; `known` is False when nobody could say."""

    per_s: float
    source: str
    known: bool = True

    @property
    def outage(self) -> int:
        """Messages of a 10-minute outage."""
        return math.ceil(round(self.per_s * OUTAGE_SECONDS, 3))

    def finding(self) -> Finding:
        text = f"{self.per_s:.3g} messages/s ({self.source}); {self.outage:,} in a 10-minute outage"
        if self.known:
            return ok("rate", text)
        return warn("rate", f"{text}; give the network's own with --rate")


def find_rate(settings: Settings, told: float | None) -> Rate:
    """The greater one of what journal and nodes_file say: a young network has not heard all its nodes yet."""
    if told is not None:
        return Rate(told, "--rate")
    digits = settings.broker.shard_digits
    nodes = sum(shard_of(node) in digits for node in settings.public_places)
    per_node = (1 + _HEALTH_SHARE) / READING_SECONDS
    found = [Rate(nodes * per_node, f"nodes_file: {nodes} nodes, a reading a minute each")] if nodes else []
    readings = _in_journal(settings)
    if readings:
        found.append(Rate(readings * (1 + _HEALTH_SHARE), "the journal's last day"))
    if found:
        return max(found, key=lambda each: each.per_s)
    return Rate(
        _ASSUMED_NODES * per_node,
        f"assumed: {_ASSUMED_NODES} nodes; neither journal nor nodes_file tell",
        known=False,
    )


def _in_journal(settings: Settings) -> float:
    """Readings/s: of the last day's spans of 10 minutes the one that only a tenth of them exceed. So neither
    a quiet night nor the flood after an outage decides. 0 when there is no journal, or nothing new in it."""
    now_ms = time.time_ns() // 1_000_000
    step_ms = _SPAN_SECONDS * 1000
    try:
        with JournalReader(settings.journal.path) as reader:
            ids = [reader.id_since(now_ms - back * step_ms) for back in range(_SPANS, -1, -1)]
    except JournalError:
        return 0.0  # the journal's own check tells
    spans = sorted(after - before for before, after in itertools.pairwise(ids) if after > before)
    return spans[(len(spans) - 1) * 9 // 10] / _SPAN_SECONDS if spans else 0.0
