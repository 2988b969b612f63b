"""The checks of one node's series, in the order of time: the same code for what comes and for the past."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gateway.quality.checks.base import Check, Series, Step
from gateway.quality.checks.bits import PROVISIONAL, UNJUDGED
from gateway.quality.checks.disagree import Disagree
from gateway.quality.checks.models import model_of
from gateway.quality.checks.plain import SCREENED
from gateway.quality.checks.quick import CALM, COVERED, Look, look_of
from gateway.quality.checks.sample import Sample

# No check of a series looks further back than that: from there on, a judgement begun anew is the same.
MEMORY_S = 4 * 3600
Failed = Callable[[str, Exception], None]
# A stranger may make names up.
_MODELS = 1024


# Kinds of steps, in the order in which a sample meets them.
_SCREENED, _ANY_ORDER, _ORDERED = range(3)


class Checkset:
    """Checks by kind, in each those first that a quick look speaks for. What has no state is made once for
    all series of a model.
    """

    def __init__(self, checks: Sequence[Check[Any]]) -> None:
        self.kinds: tuple[list[Check[Any]], ...] = ([], [], [])
        for check in sorted(checks, key=lambda check: not isinstance(check, COVERED)):
            kind = _SCREENED if isinstance(check, SCREENED) else _ORDERED if check.ordered else _ANY_ORDER
            self.kinds[kind].append(check)
        covered = tuple(sum(isinstance(each, COVERED) for each in kind) for kind in self.kinds)
        # How many of each kind need not be asked, by what the look says: ASK, PLAIN, CALM.
        self.passed = ((0, 0, 0), (covered[_SCREENED], 0, 0), covered)
        # Nothing is left after a calm one but what compares the node's slots.
        left = [each for kind, n in zip(self.kinds, covered, strict=True) for each in kind[n:]]
        self.only_slots_left = all(isinstance(each, Disagree) for each in left)
        self._by_model: dict[str, tuple[Look, list[Step]]] = {}

    def stateless(self, series: Series, model: str) -> tuple[Look, list[Step]]:
        """The quick look, and the steps without state."""
        found = self._by_model.get(model)
        if found is None:
            look = look_of(series.model, [each for kind in self.kinds for each in kind])
            found = look, [check.watch(series) for check in self.kinds[_SCREENED]]
            if len(self._by_model) < _MODELS:
                self._by_model[model] = found
        return found


class _Slot:
    """The steps of one series by their kind, and the look that tells which of them need be asked."""

    __slots__ = ("look", "memory", "model", "series", "steps")

    def __init__(self, model: str, series: Series, checks: Checkset) -> None:
        self.model, self.series, self.memory = model, series, series.memory
        self.look, screened = checks.stateless(series, model)
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
        return max([slot.memory.newest_t for slot in self._slots.values()], default=-1)

    def judge(self, s: Sample) -> int:
        """The sample's bits. One that comes out of order gets `provisional` and what needs no order."""
        slot = self._slots.get(s.slot)
        if slot is None or slot.model != s.model:
            slot = self._begin(s)
        seen = slot.look(s, slot.memory)
        if seen == CALM and self._checks.only_slots_left and len(self._slots) == 1:
            return 0
        return self._ask(slot, s, seen)

    def _ask(self, slot: _Slot, s: Sample, seen: int) -> int:
        """The checks that are left after a look."""
        qc, passed, memory = 0, self._checks.passed[seen], slot.memory
        for kind, steps in enumerate(slot.steps):
            if kind == _ORDERED:
                t = s.t
                if t is None:
                    return qc
                if t < memory.newest_t:
                    return qc | PROVISIONAL
                memory.newest_t = t
            for step in steps[passed[kind] :]:
                try:
                    qc |= step(s)
                except Exception as error:  # noqa: BLE001 - told to `failed`, and marked in the sample
                    qc |= self._fail(slot, kind, step, error)
        return qc

    def _begin(self, s: Sample) -> _Slot:
        """A series begins, also where another model is in the slot from now on."""
        before = self._slots.get(s.slot)
        series = Series(s.slot, model_of(s.model), self._amend, self._shared)
        slot = self._slots[s.slot] = _Slot(s.model, series, self._checks)
        slot.memory.newest_t = before.memory.newest_t if before is not None else -1
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
