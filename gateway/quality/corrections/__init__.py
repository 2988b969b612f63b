"""Corrections of raw values, as dated entries of one registry. Raw stays beside corrected.

CORRECTIONS.pick("epa-2021").correct(Measured(10.0, rh=50.0, model="pms5003"))   # Corrected(6.68, ...)
"""

from __future__ import annotations

from gateway.quality.corrections import epa_2021, kappa, plain
from gateway.quality.corrections.base import MASS_FIELDS, Corrected, Correction, Measured
from gateway.quality.corrections.kappa import Kappa
from gateway.quality.registry import Registry

CORRECTIONS: Registry[Correction] = Registry([plain.ENTRY, epa_2021.ENTRY, kappa.ENTRY])
ALIASES = {"kappa": "kappa-koehler"}

__all__ = ["ALIASES", "CORRECTIONS", "MASS_FIELDS", "Corrected", "Correction", "Kappa", "Measured"]
