"""What a node's own messages, its silence and its ledger say. Pure: facts in, reasons out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.stations.facts import LATE_DAYS, Facts, Reason, Span, Values

_HOUR, _DAY = 3600, 86400
# A node may be away for as long as its usual pause, an hour at least, four times over.
_PAUSES = 4
# Advice exists for these; the other states need nobody.
_BROKEN = ("silent", "swapped", "wrong_speed", "not_found", "bus_stuck", "failed")
# These tell nothing of dust: a node goes on without them.
_CLIMATE = ("bme280", "bmp280", "sht3x", "sht4x", "dht22")
# Hours of laser and fan by the makers' documents, which docs/sensors.md names; a mean time to failure for all
# but Nova's. By the beginning of the model's name.
_LIFE_H = {"sds": 8000, "pms": 26280, "sps30": 87600, "sen5": 87600}
_LASER_SHARE = 0.9
_WEAK_DBM = -85
# A node has some 60 KB; TLS takes 20 of them in large pieces.
_LITTLE_HEAP = 24_000
_RESTARTS = 4
_CRASH_DAYS = 7
_CLOCK_AGE_S = 2 * _DAY
# Readings in an outbox: a night without Wi-Fi is no reason for a visit, half a day's worth is.
_OUTBOX_S = 12 * _HOUR
_MISSING_SHARE, _MISSING_LEAST = 0.01, 30


def of_node(facts: Facts, at: Span) -> list[Reason]:
    """Reasons that are the node's as a whole, and those of its sensors that it tells itself."""
    if facts.heard is None:
        return [Reason("never")] if facts.placed else []
    health: Mapping[str, Any] = facts.status.get("health") or {}
    found = _silence(facts, at)
    if facts.status.get("mode") == "safe":
        found.append(Reason("safe"))
    found += _sensors(health)
    found += _program(facts, health, at)
    found += _delivery(facts, health)
    return found


def _silence(facts: Facts, at: Span) -> list[Reason]:
    assert facts.heard is not None
    for_s = at.now - facts.heard
    patience = _PAUSES * max(1.0, facts.usual_h) * _HOUR
    if for_s <= patience:
        return []
    kind = "silent" if for_s > max(_DAY, patience) else "quiet"
    return [Reason(kind, facts.heard)]


def _sensors(health: Mapping[str, Any]) -> list[Reason]:
    found: list[Reason] = []
    sensors: list[dict[str, Any]] = health.get("sensors") or []
    for sensor in sensors:
        slot, model = str(sensor["slot"]), str(sensor["model"])
        state = sensor.get("state")
        if state in _BROKEN and model in _CLIMATE:
            found.append(Reason("climate", None, slot, {"model": model}))
        elif state in _BROKEN:
            found.append(Reason(f"sensor_{state}", None, slot, {"model": model}))
        hours = float(sensor.get("laser_h") or 0.0)
        life = next((h for start, h in _LIFE_H.items() if model.startswith(start)), None)
        if life is not None and hours >= _LASER_SHARE * life:
            kind = "laser_over" if hours >= life else "laser"
            found.append(Reason(kind, None, slot, {"model": model, "laser_h": round(hours), "life_h": life}))
    return found


def _program(facts: Facts, health: Mapping[str, Any], at: Span) -> list[Reason]:
    """Restarts, crashes, memory, Wi-Fi, clock."""
    found: list[Reason] = []
    if facts.restarts >= _RESTARTS:
        reset = str(health.get("reset") or facts.status.get("reset") or "unknown")
        found.append(Reason("restarts", at.now - _DAY, None, {"restarts": facts.restarts, "reset": reset}))
    crash_ms = health.get("crash_ms")
    if crash_ms is not None and at.now - crash_ms / 1000 < _CRASH_DAYS * _DAY:
        found.append(Reason("crash", int(crash_ms) // 1000))
    heap = health.get("heap_free")
    if heap is not None and heap < _LITTLE_HEAP:
        found.append(Reason("heap", None, None, {"kb": round(heap / 1000)}))
    rssi = health.get("rssi")
    if rssi is not None and rssi <= _WEAK_DBM:
        found.append(Reason("rssi", None, None, {"dbm": int(rssi)}))
    told: dict[str, int] = health.get("clock") or {}
    age = told.get("age_s", 0)
    if age > _CLOCK_AGE_S:
        found.append(Reason("clock", facts.heard - age if facts.heard is not None else None))
    return found


def _delivery(facts: Facts, health: Mapping[str, Any]) -> list[Reason]:
    outbox: Mapping[str, Any] = health.get("outbox") or {}
    depth, aside = int(outbox.get("depth", 0)), int(outbox.get("aside", 0))
    found: list[Reason] = []
    per_day = max(1.0, facts.born / LATE_DAYS)
    if depth > max(60.0, per_day * _OUTBOX_S / _DAY):
        found.append(Reason("outbox", None, None, {"depth": depth}))
    # What waits in the outbox is on its way.
    missing = facts.missing - depth
    if missing > max(_MISSING_LEAST, _MISSING_SHARE * facts.born):
        values: Values = {"missing": missing, "born": facts.born}
        found.append(Reason("missing", None, None, values))
    if aside:
        found.append(Reason("aside", None, None, {"aside": aside}))
    return found
