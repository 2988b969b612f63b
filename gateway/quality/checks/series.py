"""The checks of one node's series, in the order of time: the same code for what comes and for the past."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gateway.quality.checks.base import Check, Series, Step
from gateway.quality.checks.bits import PROVISIONAL, UNJUDGED
from gateway.quality.checks.models import model_of
from gateway.quality.checks.sample import Sample

# No check of a series looks further back than that: from there on, a judgement begun anew is the same.
MEMORY_S = 4 * 3600
Failed = Callable[[str, Exception], None]


class _Slot:
    """The steps of one series, those that need the order of time apart."""

    __slots__ = ("any_order", "checks", "last_t", "model", "ordered", "series")

    def __init__(self, model: str, series: Series, checks: Sequence[Check[Any]]) -> None:
        self.model, self.series = model, series
        self.last_t = -1
        self.checks = ([each for each in checks if not each.ordered], [each for each in checks if each.ordered])
        self.any_order: list[Step] = [each.watch(series) for each in self.checks[0]]
        self.ordered: list[Step] = [each.watch(series) for each in self.checks[1]]


class NodeJudge:
    """All series of one node. State is bounded; `failed` is told of a bug in a check, with the check's name.

    A check that fails gives its sample the bit `unjudged` and begins anew with the next.
    """

    __slots__ = ("_checks", "_failed", "_shared", "_slots", "amended")

    def __init__(
        self, checks: Sequence[Check[Any]], failed: Failed, like: NodeJudge | None = None
    ) -> None:
        """`like`: another judge of this node, from which is taken what needs no order."""
        self._checks = checks
        self._failed = failed
        self._slots: dict[str, _Slot] = {}
        self._shared: dict[str, Any] = {}
        if like is not None:
            kept = {each.name for each in checks if not each.ordered}
            self._shared = {name: list(it) for name, it in like._shared.items() if name in kept}
        # Bits that later samples gave to earlier ones; who calls takes them out.
        self.amended: list[tuple[Sample, int]] = []

    @property
    def newest_t(self) -> int:
        """The latest time judged in order; -1 before the first."""
        return max([slot.last_t for slot in self._slots.values()], default=-1)

    def judge(self, s: Sample) -> int:
        """The sample's bits. One that comes out of order gets `provisional` and what needs no order."""
        slot = self._slots.get(s.slot)
        if slot is None or slot.model != s.model:
            slot = self._begin(s)
        qc = 0
        for step in slot.any_order:
            try:
                qc |= step(s)
            except Exception as error:  # noqa: BLE001 - told to `failed`, and marked in the sample
                qc |= self._fail(slot, 0, step, error)
        t = s.t
        if t is None:
            return qc
        if t < slot.last_t:
            return qc | PROVISIONAL
        slot.last_t = t
        for step in slot.ordered:
            try:
                qc |= step(s)
            except Exception as error:  # noqa: BLE001 - told to `failed`, and marked in the sample
                qc |= self._fail(slot, 1, step, error)
        return qc

    def _begin(self, s: Sample) -> _Slot:
        """A series begins, also where another model is in the slot from now on."""
        before = self._slots.get(s.slot)
        series = Series(s.slot, model_of(s.model), self._amend, self._shared)
        slot = self._slots[s.slot] = _Slot(s.model, series, self._checks)
        slot.last_t = before.last_t if before is not None else -1
        return slot

    def _amend(self, s: Sample, bit: int) -> None:
        self.amended.append((s, bit))

    def _fail(self, slot: _Slot, kind: int, step: Step, error: Exception) -> int:
        steps = slot.ordered if kind else slot.any_order
        at = next(i for i, each in enumerate(steps) if each is step)
        check = slot.checks[kind][at]
        self._failed(check.name, error)
        steps[at] = check.watch(slot.series)
        return UNJUDGED
