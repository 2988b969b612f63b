"""What is written beside a reading's raw values: corrected ones, by what, and the shared error's factor.

    corrector = Corrector("calibration", Held(library, stations), places)
    made = corrector.correct(sample, qc)      # Made(pm25, pm10, by, factor), or None
    corrector.amend(earlier, bits)            # what a later sample decided of an earlier one

Corrected values stand beside good and bad readings alike: `qc` says which is which.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

from gateway.quality.calibration.library import Plan, first_that_can
from gateway.quality.calibration.record import Calibration
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


class _Unit(NamedTuple):
    """A series' plan, by species."""

    model: str
    plan: Plan
    pm25: tuple[Calibration, ...]
    pm10: tuple[Calibration, ...]


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
        made = self._by_calibration(s, qc, anchor=not again)
        if made is None or made.pm25 is None or self.shared is None or s.t is None:
            return made
        known = self.shared.factor(s.t, s.received_ms // 1000)
        if known is None:
            return made
        factor = round(known.factor, 6)
        return made._replace(pm25=round(made.pm25 * factor, 6), factor=factor)

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
            self._by_calibration(s, qc or 0, anchor=True)

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
        unit = self._units[s.node_id, s.slot] = _Unit(s.model, plan, plan.of("pm25"), plan.of("pm10"))
        return unit

    def _by_calibration(self, s: Sample, qc: int, anchor: bool) -> Made | None:
        """Without the shared error's factor. `anchor`: it may serve to find that."""
        t = s.t
        if t is None:
            return None
        unit = self._units.get((s.node_id, s.slot))
        if unit is None or unit.model != s.model or not unit.plan.since <= t < unit.plan.until:
            unit = self._plan(s, t)
        if not unit.plan.calibrations:
            return None
        rh, temp = (None, None) if qc & CLIMATE else (s.rh, s.temp)

        raw = partial(getattr, s)
        fine = first_that_can(unit.pm25, raw, rh, temp) if unit.pm25 else None
        coarse = first_that_can(unit.pm10, raw, rh, temp) if unit.pm10 else None
        pm25, by25 = (None, "") if fine is None else (fine.value, fine.id or "")
        pm10, by10 = (None, "") if coarse is None else (coarse.value, coarse.id or "")
        if pm25 is None and pm10 is None:
            return None
        own = pm25 is not None and self._sources.library.all[by25].kind == "field"
        if anchor and own and self.shared is not None and pm25 is not None:
            self.shared.note(s, t, pm25, qc)
        return Made(pm25, pm10, (by25, by10), None)

    def _by_correction(self, s: Sample, rh: float | None) -> Made | None:
        values: list[float | None] = []
        for field, raw in (("pm25", s.pm25), ("pm10", s.pm10)):
            done = None if raw is None else self._correction.correct(Measured(raw, rh, s.model, field))
            values.append(None if done is None else done.value)
        if values == [None, None]:
            return None
        by25, by10 = ("" if value is None else self._name for value in values)
        return Made(values[0], values[1], (by25, by10), None)
