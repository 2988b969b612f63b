"""What a check is. It has a name, a version, settings and a bit; it is told of a series in the order of time.

    check = Spike(settings.spike)
    step = check.watch(series)      # the state of one series
    qc |= step(sample)              # 0 or the check's bit

A change that can change a verdict takes a new `version`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from gateway.quality.checks.bits import QC_BITS
from gateway.quality.checks.memory import Memory
from gateway.quality.checks.models import Model
from gateway.quality.checks.sample import Sample
from gateway.quality.checks.settings import CheckSettings

S = TypeVar("S", bound=CheckSettings)
Step = Callable[[Sample], int]


@dataclass(slots=True)
class Series:
    """Where a check watches: one slot of one node.

    `shared` belongs to the node's checks together, by their name. `amend(sample, bit)` adds a bit to an
    earlier sample of this series, when what came after it has decided. `memory` has the state of those that
    a quick look may speak for (quick.py); others keep theirs.
    """

    slot: str
    model: Model
    amend: Callable[[Sample, int], None]
    shared: dict[str, Any] = field(default_factory=dict[str, Any])
    memory: Memory = field(default_factory=Memory)


class Check(ABC, Generic[S]):
    """Base of all that judge sample by sample."""

    name: ClassVar[str]
    version: ClassVar[int] = 1
    # Whether it needs the samples in the order of time; else late ones are judged at once, for good.
    ordered: ClassVar[bool] = False

    def __init__(self, settings: S) -> None:
        self.settings = settings
        self.bit = QC_BITS[self.name]

    @abstractmethod
    def watch(self, series: Series) -> Step:
        """Begin a series. What it returns holds the series' state, which is bounded."""
