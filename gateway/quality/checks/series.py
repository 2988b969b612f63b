"""The checks of one node's series, in the order of time: the same code for what comes and for the past."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gateway.quality.checks.base import Check, Series, Step
from gateway.quality.checks.bits import PROVISIONAL, UNJUDGED
from gateway.quality.checks.models import model_of
from gateway.quality.checks.plain import SCREENED, screen_of
from gateway.quality.checks.sample import Sample

# No check of a series looks further back than that: from there on, a judgement begun anew is the same.
MEMORY_S = 4 * 3600
Failed = Callable[[str, Exception], None]
# A stranger may make names up.
_MODELS = 1024


# Kinds of steps, in the order in which a sample meets them.
_SCREENED, _ANY_ORDER, _ORDERED = range(3)


class Checkset:
    """Checks by kind. What has no state is made once for all series of a model."""

    def __init__(self, checks: Sequence[Check[Any]]) -> None:
        self.kinds: tuple[list[Check[Any]], ...] = ([], [], [])
        for check in checks:
            kind = _SCREENED if isinstance(check, SCREENED) else _ORDERED if check.ordered else _ANY_ORDER
            self.kinds[kind].append(check)
        self._by_model: dict[str, tuple[Callable[[Sample], bool], list[Step]]] = {}

    def stateless(self, series: Series, model: str) -> tuple[Callable[[Sample], bool], list[Step]]:
        """The quick look, and the steps that it speaks for."""
        found = self._by_model.get(model)
        if found is None:
            checks = self.kinds[_SCREENED]
            found = screen_of(series.model, checks), [check.watch(series) for check in checks]
            if len(self._by_model) < _MODELS:
                self._by_model[model] = found
        return found


class _Slot:
    """The steps of one series by their kind; `is_plain` tells whether the first kind need be asked."""

    __slots__ = ("is_plain", "last_t", "model", "series", "steps")

    def __init__(self, model: str, series: Series, checks: Checkset) -> None:
        self.model, self.series = model, series
        self.last_t = -1
        self.is_plain, screened = checks.stateless(series, model)
        any_order = [check.watch(series) for check in checks.kinds[_ANY_ORDER]]
        ordered = [check.watch(series) for check in checks.kinds[_ORDERED]]
        self.steps = (screened, any_order, ordered)


class NodeJudge:
    """All series of one node. State is bounded; `failed` is told of a bug in a check, with the check's name.

    A check that fails gives its sample the bit `unjudged` and begins anew with the next.
    """

    __slots__ = ("_checks", "_failed", "_shared", "_slots", "amended")

    def __init__(self, checks: Checkset, failed: Failed, like: NodeJudge | None = None) -> None:
        """`like`: another judge of this node, from which is taken what needs no order."""
        self._checks = checks
        self._failed = failed
        self._slots: dict[str, _Slot] = {}
        self._shared: dict[str, Any] = {}
        if like is not None:
            kept = {check.name for check in checks.kinds[_ANY_ORDER]}
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
        screened, any_order, ordered = slot.steps
        qc = 0
        if not slot.is_plain(s):
            for step in screened:
                try:
                    qc |= step(s)
                except Exception as error:  # noqa: BLE001 - told to `failed`, and marked in the sample
                    qc |= self._fail(slot, _SCREENED, step, error)
        for step in any_order:
            try:
                qc |= step(s)
            except Exception as error:  # noqa: BLE001 - told to `failed`, and marked in the sample
                qc |= self._fail(slot, _ANY_ORDER, step, error)
        t = s.t
        if t is None:
            return qc
        if t < slot.last_t:
            return qc | PROVISIONAL
        slot.last_t = t
        for step in ordered:
            try:
                qc |= step(s)
            except Exception as error:  # noqa: BLE001 - told to `failed`, and marked in the sample
                qc |= self._fail(slot, _ORDERED, step, error)
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
        steps = slot.steps[kind]
        at = next(i for i, each in enumerate(steps) if each is step)
        check = self._checks.kinds[kind][at]
        self._failed(check.name, error)
        steps[at] = check.watch(slot.series)
        return UNJUDGED
