"""Checks: what speaks against a reading, as bits of an integer. Streaming and offline with the same code.

Pure: no I/O, no clock. `judge.py` puts them together; `base.py` says what a check is, `bits.py` what the bits
mean. Sample by sample: `plain`, `clock`, `change`, `stuck`, `disagree`; by hours: `hours`, `network`.
docs/quality-checks.md is for people; `gateway/quality/follow` runs them beside the pipeline.
"""

from gateway.quality.checks.bits import BAD, QC_BITS, SUSPECT, Trust, mask_of, names_of, trust_of
from gateway.quality.checks.hours import Hour
from gateway.quality.checks.judge import Judge, Version
from gateway.quality.checks.sample import Sample, sample_of
from gateway.quality.checks.settings import QualitySettings

__all__ = [
    "BAD",
    "QC_BITS",
    "SUSPECT",
    "Hour",
    "Judge",
    "QualitySettings",
    "Sample",
    "Trust",
    "Version",
    "mask_of",
    "names_of",
    "sample_of",
    "trust_of",
]
