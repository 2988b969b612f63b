"""The bits of the integer `qc`: what a check found. A bit's meaning never changes; a new one takes the next.

As with the node's flags (destinations/lines.py), 0 is "nothing to remark". docs/quality-checks.md explains
each bit to people.
"""

from __future__ import annotations

from typing import Literal

Trust = Literal["good", "suspect", "bad"]

QC_BITS: dict[str, int] = {
    "no_value": 1,
    "range": 2,
    "saturated": 4,
    "warmup": 8,
    "rate": 16,
    "spike": 32,
    "stuck": 64,
    "clogged": 128,
    "humid": 256,
    "climate": 512,
    "sizes": 1024,
    "disagree": 2048,
    "clock": 4096,
    "neighbours": 8192,
    "incomplete": 16384,
    "device": 32768,
    # Judged out of the order of time and with what needs no order; to be judged anew.
    "provisional": 1 << 28,
    # A check failed on it, by a bug: it says nothing.
    "unjudged": 1 << 29,
}
PROVISIONAL = QC_BITS["provisional"]
UNJUDGED = QC_BITS["unjudged"]


def mask_of(*names: str) -> int:
    """The bits of these names, together."""
    mask = 0
    for name in names:
        mask |= QC_BITS[name]
    return mask


# The value does not tell what the air was like.
BAD = mask_of(
    "no_value", "range", "saturated", "warmup", "spike", "stuck", "clogged", "sizes", "device", "incomplete"
)
# It may be right; something speaks against it.
SUSPECT = mask_of("rate", "humid", "disagree", "clock", "neighbours", "unjudged")

# No calibration is fitted to such a value, nor to temperature and humidity with the second one.
UNFIT = BAD | mask_of("neighbours", "disagree", "clock")
CLIMATE = mask_of("climate")


def trust_of(qc: int) -> Trust:
    """How far the PM values may be trusted. `climate` and `provisional` do not speak against them."""
    if qc & BAD:
        return "bad"
    return "suspect" if qc & SUSPECT else "good"


def names_of(qc: int) -> list[str]:
    """The names of the bits that are set, in the order of the registry."""
    return [name for name, bit in QC_BITS.items() if qc & bit]
