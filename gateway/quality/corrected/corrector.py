"""What is written beside a reading's raw values: corrected ones, by what, and the shared error's factor.

    corrector = Corrector("calibration", Held(library, stations), places)
    made = corrector.correct(sample, qc)      # Made(pm25, pm10, by, factor), or None
    corrector.amend(earlier, bits)            # what a later sample decided of an earlier one

Corrected values stand beside good and bad readings alike: `qc` says which is which.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from gateway.quality.calibration.library import Plan
from gateway.quality.calibration.shared import Shared
from gateway.quality.checks.bits import CLIMATE
from gateway.quality.checks.judge import Version
from gateway.quality.checks.near import Spot
from gateway.quality.checks.sample import Sample
from gateway.quality.corrected.shared import SharedError
from gateway.quality.corrected.sources import Sources
from gateway.quality.corrections import CORRECTIONS, Measured

CALIBRATION, NONE = "calibration", "none"
SPECIES = ("pm25", "pm10")


class Made(NamedTuple):
    """ug/m3, None where there is none; `by`: name and version of what made pm25 and pm10, "" for nothing.
    `factor` is in pm25 already; None where none was known."""

    pm25: float | None
    pm10: float | None
    by: tuple[str, str]
    factor: float | None


class _Way(NamedTuple):
    """A calibration, at hand: which column of a sample it is for, and whether it is the unit's own."""

    column: int
    id: str
    own: bool
    compute: Callable[[float, float | None, float | None], tuple[float | None, list[str]]]


class _Unit(NamedTuple):
    """What holds for a series with since <= t < until (UTC s): best first, by species."""

    model: str
    since: float
    until: float
    pm25: tuple[_Way, ...]
    pm10: tuple[_Way, ...]


def _ways(plan: Plan, species: str) -> tuple[_Way, ...]:
    columns = Sample._fields
    return tuple(
        _Way(columns.index(one.field), one.id, one.kind == "field", one.compute)
        for one in plan.of(species)
        if one.field in columns
    )


def _first_that_can(
    ways: tuple[_Way, ...], s: Sample, rh: float | None, temp: float | None
) -> tuple[float | None, str, bool]:
    """Library's `first_that_can`, without its words: a value in ug/m3, by which id, whether by its own."""
    for column, id, own, compute in ways:
        raw: Any = s[column]
        if raw is not None:
            value = compute(raw, rh, temp)[0]
            if value is not None:
                return value, id, own
    return None, "", False


class Corrector:
    """`by`: "calibration", or the name of a correction. State is bounded by the number of series."""

    def __init__(self, by: str, sources: Sources, places: Mapping[str, Spot]) -> None:
        self._by = by
        self._sources = sources
        self._units: dict[tuple[int, str], _Unit] = {}
        self.shared: SharedError | None = None
        if by == CALIBRATION:
            if sources.stations:
                self.shared = SharedError(sources.stations, places)
        else:
            self._correction = CORRECTIONS.pick(by)
            self._name = f"{by}.v{self._correction.version}"
        self._places = places
        self._about: dict[str, Any] | None = None
        self._versions: dict[str, Version] = {}

    def changed(self) -> None:
        """The sources have changed: go on by what they hold now."""
        self._units.clear()
        self._about = None
        self._versions.clear()
        if self._by == CALIBRATION:
            if self.shared is not None:
                self.shared.replace(self._sources.stations)
            elif self._sources.stations:
                self.shared = SharedError(self._sources.stations, self._places)

    def places_changed(self) -> None:
        if self.shared is not None:
            self.shared.places_changed()

    def correct(self, s: Sample, qc: int, *, again: bool = False) -> Made | None:
        """None when nothing can be said. `again`: a reading that was corrected before."""
        if self._by != CALIBRATION:
            return self._by_correction(s, None if qc & CLIMATE else s.rh)
        return self._by_calibration(s, qc, anchor=not again, ask=True)

    def amend(self, s: Sample, bits: int) -> None:
        if self.shared is not None:
            self.shared.amend(s, bits)

    def take_factors(self) -> list[tuple[int, Shared]]:
        """Hours that have got a factor since the last call."""
        return [] if self.shared is None else self.shared.take_factors()

    def restore(
        self, factors: Iterable[tuple[int, Shared]], past: Iterable[tuple[Sample, int | None]]
    ) -> None:
        """Know what it would know had it run on: the factors that were taken, and the last readings of units
        beside stations with their `qc`, in the order of time."""
        if self.shared is None:
            return
        self.shared.restore(factors)
        for s, qc in past:
            self._by_calibration(s, qc or 0, anchor=True, ask=False)

    def version(self, checks: Version) -> Version:
        """By what readings are judged, and corrected."""
        found = self._versions.get(checks.hash)
        if found is None:
            if self._about is None:
                self._about = self._describe()
            text = json.dumps(
                [*json.loads(checks.checks), self._about], separators=(",", ":"), sort_keys=True
            )
            found = Version(hashlib.sha256(text.encode()).hexdigest()[:16], text)
            self._versions[checks.hash] = found
        return found

    def _describe(self) -> dict[str, Any]:
        settings: dict[str, Any] = {"by": self._by}
        if self._by == CALIBRATION:
            ids = sorted(self._sources.library.all)
            settings["calibrations"] = len(ids)
            settings["sha256"] = hashlib.sha256("\n".join(ids).encode()).hexdigest()[:16]
            settings["stations"] = sorted(self._sources.stations)
        else:
            settings["version"] = self._correction.version
        return {"name": "corrected", "version": 1, "settings": settings}

    def _plan(self, s: Sample, t: int) -> _Unit:
        plan = self._sources.library.plan(s.node, s.slot, s.model, t)
        ways = _ways(plan, "pm25"), _ways(plan, "pm10")
        unit = self._units[s.node_id, s.slot] = _Unit(s.model, plan.since, plan.until, *ways)
        return unit

    def _by_calibration(self, s: Sample, qc: int, *, anchor: bool, ask: bool) -> Made | None:
        """`anchor`: it may serve to find the shared error's factor; `ask`: that is asked for."""
        t = s.t
        if t is None:
            return None
        unit = self._units.get((s.node_id, s.slot))
        if unit is None or unit.model != s.model or not unit.since <= t < unit.until:
            unit = self._plan(s, t)
        fine, coarse, shared = unit.pm25, unit.pm10, self.shared
        if not (fine or coarse):
            return None
        rh, temp = (None, None) if qc & CLIMATE else (s.rh, s.temp)
        pm25, by25, own = _first_that_can(fine, s, rh, temp) if fine else (None, "", False)
        pm10, by10, _ = _first_that_can(coarse, s, rh, temp) if coarse else (None, "", False)
        factor = None
        if pm25 is None:
            if pm10 is None:
                return None
        elif shared is not None:
            if anchor and own:
                shared.note(s, t, pm25, qc)
            known = shared.factor(t, s.received_ms // 1000) if ask else None
            if known is not None:
                factor = round(known.factor, 6)
                pm25 = round(pm25 * factor, 6)
        return Made(pm25, pm10, (by25, by10), factor)

    def _by_correction(self, s: Sample, rh: float | None) -> Made | None:
        values: list[float | None] = []
        for field, raw in (("pm25", s.pm25), ("pm10", s.pm10)):
            done = None if raw is None else self._correction.correct(Measured(raw, rh, s.model, field))
            values.append(None if done is None else done.value)
        if values == [None, None]:
            return None
        by25, by10 = ("" if value is None else self._name for value in values)
        return Made(values[0], values[1], (by25, by10), None)
