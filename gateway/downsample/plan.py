"""What the means are made of: fields, flags that exclude a reading, hours, days, and how late data may be.

The one source of both dialects' text; docs/influxdb.md is for readers.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.destinations.lines import FLAG_BITS, MEASUREMENT, UNKNOWN_FLAG_BIT
from gateway.quality.checks.bits import BAD, mask_of

SOURCE = MEASUREMENT
HOURLY, DAILY = f"{MEASUREMENT}_1h", f"{MEASUREMENT}_1d"
TAGS = ("network", "node", "slot")
# Retention policy of 1.x; in 2.x the name of a bucket ends with it.
MEANS = "means"

# These flags speak of temp, rh and press only. A value out of range may be any of a reading's.
_CLIMATE_FLAGS = ("climate_error", "climate_stuck")
_CLIMATE_MASK = sum(FLAG_BITS[flag] for flag in (*_CLIMATE_FLAGS, "out_of_range")) | UNKNOWN_FLAG_BIT
_PM_MASK = sum(bit for flag, bit in FLAG_BITS.items() if flag not in _CLIMATE_FLAGS) | UNKNOWN_FLAG_BIT


@dataclass(frozen=True, slots=True)
class Group:
    """Fields whose values are left out when a reading has a flag of `mask`; and where the checks' word
    counts, when it has a bit of `qc` or is not judged yet."""

    name: str
    fields: tuple[str, ...]
    mask: int
    qc: int


# Beside raw values where a correction was applied; they come with `qc`, never without.
CORRECTED = ("pm25_cor", "pm10_cor")
GROUPS = (
    Group("pm", ("pm1", "pm25", "pm4", "pm10", "pm25_cf1", *CORRECTED), _PM_MASK, BAD),
    Group("climate", ("temp", "rh", "press"), _CLIMATE_MASK, mask_of("climate")),
)
FIELDS = tuple(field for group in GROUPS for field in group.fields)
# All readings of an hour, whatever their flags; counted by a field that each has.
READINGS, COUNTED = "readings", "seq"


@dataclass(frozen=True, slots=True)
class Rerun:
    """How often the hours are made anew, and how many days of them; `ending` is of its name.

    `offset_min`: how many minutes after the hour a task begins.
    """

    ending: str
    every: str
    days: int
    offset_min: int


# A node's backlog of a night is in within the hour, that of a fortnight within a day.
RERUNS = (Rerun("", "1h", 2, 5), Rerun("_late", "1d", 15, 20))
DAYS_RERUN = Rerun("", "1h", 16, 50)
# Readings must be kept longer than they are averaged anew: else a mean is made of what is left of an hour.
LEAST_RETENTION_S = (RERUNS[-1].days + 1) * 86400

HOUR, DAY = 3600, 86400


@dataclass(frozen=True, slots=True)
class Span:
    """Readings with `start` < t <= `stop`, UTC seconds, both at the bound of an hour or day.

    A reading's time is the end of its window, so one of 11:00:00 speaks of the hour before.
    """

    start: int
    stop: int


def hours_of(since: float, until: float, now: float) -> Span:
    """The whole hours that a period touches, as far as they are over."""
    start = int(since // HOUR) * HOUR
    stop = min(-int(-until // HOUR) * HOUR, int(now // HOUR) * HOUR)
    return Span(start, max(start, stop))


def days_of(hours: Span, offset_h: int) -> Span:
    """The days that these hours lie in; a day begins `offset_h` hours before midnight UTC."""
    shift = day_shift(offset_h)
    start = (hours.start - shift) // DAY * DAY + shift
    stop = -(-(hours.stop - shift) // DAY) * DAY + shift
    return Span(start, stop)


def day_shift(offset_h: int) -> int:
    """Seconds after midnight UTC at which a day begins."""
    return -offset_h * HOUR % DAY


def parts(span: Span, length: int) -> list[Span]:
    """In pieces of at most `length` seconds, so that a server never has a year in its memory at once."""
    return [Span(start, min(start + length, span.stop)) for start in range(span.start, span.stop, length)]
