"""A folder of calibrations: which one holds for a reading, and what it makes of it.

    library = Library.load(Path("calibrations"))
    applied = library.apply(reading)     # Applied(value, id, reason, notes)

A unit's own calibration goes before a remote one, that before its model's; of two of a kind the one that
began last. One that lacks what it needs (a humidity that was not measured) leaves its place to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import NamedTuple

from gateway.quality.calibration.record import Calibration, CalibrationError, read
from gateway.reading import StoredReading

_RANK = {"field": 0, "remote": 1, "model": 2}


@dataclass(frozen=True, slots=True)
class Applied:
    """`value` in ug/m3 and the `id` of what made it, or a reason. `notes`: what to know of the value."""

    value: float | None
    id: str | None
    reason: str | None = None
    notes: tuple[str, ...] = ()


class Plan(NamedTuple):
    """What holds for a unit with since <= t < until (UTC s), best first."""

    since: float
    until: float
    calibrations: tuple[Calibration, ...]

    def of(self, species: str) -> tuple[Calibration, ...]:
        return tuple(one for one in self.calibrations if one.field.removesuffix("_cf1") == species)


def first_that_can(
    candidates: Sequence[Calibration],
    raw: Callable[[str], float | None],
    rh: float | None,
    temp: float | None,
) -> Applied | None:
    """What the first of the candidates makes of the field it is for, which `raw` gives in ug/m3; RH in %, T
    in degC. When none can, why the first could not; None without candidates."""
    refused: str | None = None
    for one in candidates:
        value = raw(one.field)
        if value is None:
            refused = refused or f"{one.id}: the reading has no {one.field}"
            continue
        made, notes = one.compute(value, rh, temp)
        if made is not None:
            return Applied(made, one.id, None, tuple(notes))
        refused = refused or f"{one.id}: {notes[0]}"
    return None if refused is None else Applied(None, None, refused)


class Library:
    """Calibrations by unit and by model."""

    def __init__(self, calibrations: Iterable[Calibration] = ()) -> None:
        """Raises CalibrationError when an id stands twice."""
        self.all: dict[str, Calibration] = {}
        self._of_unit: dict[tuple[str, str], list[Calibration]] = {}
        self._of_model: dict[str, list[Calibration]] = {}
        for each in calibrations:
            if each.id in self.all:
                raise CalibrationError(f"{each.id} stands twice; take one of both away")
            self.all[each.id] = each
            subject = each.subject
            if subject.node is not None and subject.slot is not None:
                self._of_unit.setdefault((subject.node, subject.slot), []).append(each)
            else:
                self._of_model.setdefault(subject.model, []).append(each)
        for found in [*self._of_unit.values(), *self._of_model.values()]:
            found.sort(key=lambda one: (_RANK[one.kind], -one.begins.timestamp(), -one.version, one.name))

    @classmethod
    def load(cls, folder: Path) -> Library:
        """All *.json of a folder. Raises CalibrationError that names every file that cannot be used."""
        if not folder.is_dir():
            raise CalibrationError(
                f"{folder}: there is no such folder; make it, or correct calibration.folder"
            )
        found: list[Calibration] = []
        wrong: list[str] = []
        for path in sorted(folder.glob("*.json")):
            try:
                one = read(path)
                if path.stem != one.id:
                    wrong.append(f"{path}: holds {one.id}; name the file {one.id}.json")
                found.append(one)
            except CalibrationError as error:
                wrong.append(str(error))
        if wrong:
            raise CalibrationError("\n".join(wrong))
        return cls(found)

    def candidates(self, node: str, slot: str, model: str, t: float) -> list[Calibration]:
        """Those that hold for that unit at t (UTC s), best first."""
        return [one for one in self._all_of(node, slot, model) if one.holds(t)]

    def plan(self, node: str, slot: str, model: str, t: float) -> Plan:
        """The same, with the time around t in which it stays so: for who corrects many readings."""
        since, until = -inf, inf
        for one in self._all_of(node, slot, model):
            for at in (one.begins, one.ends):
                edge = inf if at is None else at.timestamp()
                if edge <= t:
                    since = max(since, edge)
                else:
                    until = min(until, edge)
        return Plan(since, until, tuple(self.candidates(node, slot, model, t)))

    def _all_of(self, node: str, slot: str, model: str) -> list[Calibration]:
        own = [one for one in self._of_unit.get((node, slot), ()) if one.subject.model == model]
        return [*own, *self._of_model.get(model, ())]

    def apply(self, reading: StoredReading, species: str = "pm25") -> Applied:
        """Correct a reading's `species` (pm1, pm25, pm4, pm10), from whichever field the calibration is
        for."""
        if reading.t is None:
            return Applied(None, None, "its time is not known, so none can be chosen")
        held = self.candidates(reading.node, reading.slot, reading.model, reading.t)
        fit = [one for one in held if one.field.removesuffix("_cf1") == species]
        values = reading.values.get
        reason = f"no calibration of {species} holds for {reading.node}/{reading.slot} ({reading.model}) then"
        return first_that_can(fit, values, values("rh"), values("temp")) or Applied(None, None, reason)
