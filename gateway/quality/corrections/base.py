"""What all corrections share: what goes in, what comes out, and the check for whom a correction is made."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

from gateway.quality.amount import InputError, picograms
from gateway.quality.registry import Entry

# The fields of a reading that carry a mass concentration: docs/contract.md.
MASS_FIELDS = ("pm1", "pm25", "pm4", "pm10", "pm1_cf1", "pm25_cf1", "pm10_cf1")


@dataclass(frozen=True, slots=True)
class Measured:
    """One raw value: ug/m3, relative humidity in % (None: not measured), the field's name, the sensor's
    model.
    """

    value: float
    rh: float | None
    model: str
    field: str = "pm25"


@dataclass(frozen=True, slots=True)
class Corrected:
    """The corrected value in ug/m3, or None and the reason. `note` tells what happened on the way."""

    value: float | None
    reason: str | None = None
    note: str | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Correction(Entry, ABC):
    """An entry that corrects. `models` and `fields` are those it may be used for."""

    models: tuple[str, ...]
    fields: tuple[str, ...]
    needs_rh: bool

    def correct(self, measured: Measured) -> Corrected:
        """Never raises: what cannot be corrected has its reason. The result is rounded to 1e-6 ug/m3."""
        reason = self.refusal(measured)
        return Corrected(None, reason) if reason else self._correct(measured)

    def refusal(self, measured: Measured) -> str | None:
        """Why this value is not corrected, or None."""
        if self.models and measured.model not in self.models:
            return f"{self.name} is for {', '.join(self.models)}, not for {measured.model}"
        if measured.field not in self.fields:
            return f"{self.name} is for the field {', '.join(self.fields)}, not for {measured.field}"
        try:
            picograms(measured.value)
        except InputError as error:
            return str(error)
        return self._refusal_by_humidity(measured.rh) if self.needs_rh else None

    def _refusal_by_humidity(self, rh: float | None) -> str | None:
        if rh is None:
            return f"{self.name} needs the humidity, and none was measured"
        if not math.isfinite(rh) or not 0 <= rh <= 100:
            return f"a humidity of {rh} % is none: it is 0 to 100"
        return None

    @abstractmethod
    def _correct(self, measured: Measured) -> Corrected:
        """The value of one that is not refused."""


def rounded(value: float) -> float:
    """To 1e-6 ug/m3, as all values are read: takes off what binary floating point adds."""
    return round(value, 6)
