"""Stage 4, check: one reading against the contract, the calendar and the sensor's physical range."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, cast

from pydantic import ValidationError

from gateway.config import CheckSettings
from gateway.contract import MAX_MESSAGE_BYTES, READING, ReadingItem, explain
from gateway.identify import seq_of
from gateway.reading import FIELDS
from gateway.records import NewReading, Rejected

OUT_OF_RANGE = "out_of_range"

_MEASURED = frozenset(FIELDS)
_PM = tuple(name for name in FIELDS if name.startswith("pm"))
# Lowest and highest value that a sensor can truly report, from the datasheets: SDS011 999.9 ug/m3, Plantower
# x003 and SPS30 at least 1000 ug/m3 and specified to there, BME280 -40..85 degC and 300..1100 hPa.
_ANY_SENSOR: dict[str, tuple[float, float]] = {
    **dict.fromkeys(_PM, (0.0, 10000.0)),
    "temp": (-40.0, 85.0),
    "rh": (0.0, 100.0),
    "press": (300.0, 1100.0),
}
_PM_MOST = {"sds011": 999.9, "pms": 1000.0, "sps30": 1000.0, "sen5": 1000.0}


@dataclass(slots=True, frozen=True)
class Limits:
    """How far a reading's time may lie from the gateway's clock, seconds."""

    future_s: int = 600
    oldest_s: int = 400 * 86400

    @classmethod
    def of(cls, settings: CheckSettings) -> Limits:
        return cls(settings.future_s, settings.oldest_days * 86400)


@dataclass(slots=True, frozen=True)
class Origin:
    received_ms: int
    topic: str
    node: str
    boot: int


def check(item: Any, origin: Origin, limits: Limits) -> NewReading | Rejected:
    """Judge one item of a message. Never raises for what is in it."""
    try:
        reading = READING.validate_python(item)
    except ValidationError as error:
        return _reject(item, origin, "reading", explain(error))
    wrong_time = _wrong_time(reading["t"], origin.received_ms // 1000, limits)
    if wrong_time is not None:
        return _reject(item, origin, *wrong_time)
    values = _values(reading)
    flags: tuple[str, ...] = tuple(reading["flags"])
    if OUT_OF_RANGE not in flags and _out_of_range(reading["model"], values):
        flags += (OUT_OF_RANGE,)
    return NewReading(
        received_ms=origin.received_ms,
        node=origin.node,
        boot=origin.boot,
        seq=reading["seq"],
        t=reading["t"],
        tq=reading["tq"],
        up=reading["up"],
        dt=reading["dt"],
        n=reading["n"],
        slot=reading["slot"],
        model=reading["model"],
        flags=flags,
        values=values,
    )


def _wrong_time(t: int | None, now: int, limits: Limits) -> tuple[str, str] | None:
    if t is None or now - limits.oldest_s <= t <= now + limits.future_s:
        return None
    when = datetime.fromtimestamp(t, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    if t > now + limits.future_s:
        return "time_future", f"t is {when}, {_span(t - now)} ahead of the gateway's clock"
    return "time_past", f"t is {when}, {_span(now - t)} ago; the node's clock was probably not set"


def _span(seconds: int) -> str:
    for size, name in ((86400 * 365, "years"), (86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {name}"
    return f"{seconds} s"


def _values(reading: ReadingItem) -> dict[str, float]:
    found = cast("dict[str, Any]", reading)
    return {name: value for name, value in found.items() if name in _MEASURED and value is not None}


@lru_cache(1024)  # a stranger may make names up
def _range_of(model: str) -> dict[str, tuple[float, float]]:
    """Lowest and highest value of each field for a sensor model."""
    pm_most = next((most for start, most in _PM_MOST.items() if model.startswith(start)), None)
    found: dict[str, tuple[float, float]] = {}
    for name in FIELDS:
        low, high = _ANY_SENSOR.get(name, (0.0, float("inf")))
        if pm_most is not None and name.startswith("pm"):
            high = pm_most
        found[name] = low, high
    return found


def _out_of_range(model: str, values: dict[str, float]) -> bool:
    ranges = _range_of(model)
    for name, value in values.items():
        low, high = ranges[name]
        if not low <= value <= high:
            return True
    return False


def _reject(item: Any, origin: Origin, reason: str, detail: str) -> Rejected:
    payload = json.dumps(item, separators=(",", ":")).encode()
    return Rejected(
        received_ms=origin.received_ms,
        topic=origin.topic,
        node=origin.node,
        boot=origin.boot,
        seq=seq_of(item),
        reason=reason,
        detail=detail,
        payload=payload[:MAX_MESSAGE_BYTES],
        size=len(payload),
    )
