"""The correction `none`: the raw value, so that "not corrected" has a name and a version too."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.quality.corrections.base import MASS_FIELDS, Corrected, Correction, Measured
from gateway.quality.registry import Source


@dataclass(frozen=True, slots=True)
class Plain(Correction):
    def _correct(self, measured: Measured) -> Corrected:
        return Corrected(measured.value)


ENTRY = Plain(
    "none", "1", None, Source("Dustline", "the raw value", "no outside source"), False, (), MASS_FIELDS, False
)
