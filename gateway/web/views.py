"""What the page knows of each node, put together from the journal and the configured places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, Protocol, TypedDict

from gateway.quality.checks.bits import Trust, names_of, trust_of
from gateway.quality.follow.reader import Correction
from gateway.reading import StoredReading
from gateway.records import LedgerRow


class Place(Protocol):
    """Where a node stands, as the public may see it: label for people, degrees north and east."""

    @property
    def label(self) -> str: ...
    @property
    def lat(self) -> float: ...
    @property
    def lon(self) -> float: ...
    @property
    def precision(self) -> str: ...


class QualityView(TypedDict):
    """What the checks say of a reading: bits, how far its PM is to be trusted, the bits' names; and to
    what it was corrected.

    None and [] while it is not judged.
    """

    qc: int | None
    trust: Trust | None
    checks: list[str]
    corrected: Correction | None


class SlotView(QualityView):
    """Last reading of one sensor. t and received in UTC s, pm* in ug/m3; None where there is none."""

    slot: str
    model: str
    t: int | None
    tq: str
    received: int
    pm25: float | None
    pm10: float | None
    flags: list[str]


# Of which values a number is.
Of = Literal["corrected", "raw"]


class SensorView(TypedDict):
    """What a node says of one sensor; None where it says nothing. laser_h in hours."""

    slot: str
    model: str
    id: str | None
    fw: str | None
    state: str | None
    laser_h: float | None


class NodeView(QualityView):
    """A node with its last reading: the fields of a slot are those of the slot that speaks for it."""

    name: str
    label: str
    lat: float | None
    lon: float | None
    precision: str | None  # of the place: exact, grid (100 m) or district
    online: bool | None
    seen: int | None
    fw: str | None
    slot: str | None
    model: str | None
    t: int | None
    tq: str | None
    received: int | None
    pm25: float | None
    pm10: float | None
    shown: float | None  # PM2.5: the corrected value where there is one, else the raw one
    shown_of: Of | None  # which of them that is; None without a value
    flags: list[str]
    safe: bool  # it crashed again and again, and measures nothing
    crashed: int | None  # when the gateway last heard of a crash, UTC s
    slots: list[SlotView]
    sensors: list[SensorView]


class AgedNodeView(NodeView):
    """With the age of the last reading, s; by its arrival when it has no time of its own."""

    age: int | None


class LedgerView(TypedDict):
    born: int
    stored: int
    quarantined: int
    missing: int


def node_views(
    latest: Iterable[StoredReading],
    statuses: Mapping[str, Mapping[str, Any]],
    places: Mapping[str, Place],
    judged: Mapping[int, int] | None = None,
    corrected: Mapping[int, Correction] | None = None,
) -> dict[str, NodeView]:
    """Every node that has a place, a reading or a status, by name. `judged` has the readings' bits, by id,
    `corrected` what they were corrected to.
    """
    slots: dict[str, list[SlotView]] = {}
    for reading in latest:
        slot = _slot(reading, (judged or {}).get(reading.id), (corrected or {}).get(reading.id))
        slots.setdefault(reading.node, []).append(slot)
    names = sorted(slots.keys() | statuses.keys() | places.keys())
    return {
        name: _node(name, slots.get(name, []), statuses.get(name, {}), places.get(name)) for name in names
    }


def with_age(view: NodeView, now: int) -> AgedNodeView:
    at = view["received"] if view["t"] is None else view["t"]
    return {**view, "age": None if at is None else max(0, now - at)}


def ledger_views(rows: Iterable[LedgerRow]) -> dict[str, LedgerView]:
    """Each node's counts, over all its boots."""
    found: dict[str, LedgerView] = {}
    for row in rows:
        counts = found.setdefault(row.node, {"born": 0, "stored": 0, "quarantined": 0, "missing": 0})
        counts["born"] += row.born
        counts["stored"] += row.stored
        counts["quarantined"] += row.quarantined
        counts["missing"] += row.missing
    return found


def _slot(reading: StoredReading, qc: int | None, corrected: Correction | None) -> SlotView:
    return {
        "slot": reading.slot,
        "model": reading.model,
        "t": reading.t,
        "tq": reading.tq,
        "received": reading.received_ms // 1000,
        "pm25": reading.values.get("pm25"),
        "pm10": reading.values.get("pm10"),
        "flags": list(reading.flags),
        "qc": qc,
        "trust": None if qc is None else trust_of(qc),
        "checks": [] if qc is None else names_of(qc),
        "corrected": corrected,
    }


def _node(name: str, slots: list[SlotView], status: Mapping[str, Any], place: Place | None) -> NodeView:
    speaks = max(slots, key=_weight, default=None)
    seen_ms: int | None = status.get("seen_ms")
    health: Mapping[str, Any] = status.get("health") or {}
    crash_ms: int | None = health.get("crash_ms")
    shown, shown_of = _shown(speaks)
    return {
        "name": name,
        "label": (place.label if place else "") or name,
        "lat": place.lat if place else None,
        "lon": place.lon if place else None,
        "precision": place.precision if place else None,
        "online": status.get("online"),
        "seen": None if seen_ms is None else seen_ms // 1000,
        "fw": status.get("fw"),
        "slot": speaks["slot"] if speaks else None,
        "model": speaks["model"] if speaks else None,
        "t": speaks["t"] if speaks else None,
        "tq": speaks["tq"] if speaks else None,
        "received": speaks["received"] if speaks else None,
        "pm25": speaks["pm25"] if speaks else None,
        "pm10": speaks["pm10"] if speaks else None,
        "shown": shown,
        "shown_of": shown_of,
        "flags": speaks["flags"] if speaks else [],
        "qc": speaks["qc"] if speaks else None,
        "trust": speaks["trust"] if speaks else None,
        "checks": speaks["checks"] if speaks else [],
        "corrected": speaks["corrected"] if speaks else None,
        "safe": status.get("mode") == "safe",
        "crashed": None if crash_ms is None else crash_ms // 1000,
        "slots": slots,
        "sensors": _sensors(status),
    }


def _shown(slot: SlotView | None) -> tuple[float | None, Of | None]:
    if slot is None:
        return None, None
    made = slot["corrected"]
    if made is not None and made["pm25"] is not None:
        return made["pm25"], "corrected"
    return slot["pm25"], None if slot["pm25"] is None else "raw"


def _sensors(status: Mapping[str, Any]) -> list[SensorView]:
    """From the last health message; from the status when that message is of an earlier start."""
    health: dict[str, Any] = status.get("health") or {}
    newest = bool(health) and health.get("boot") == status.get("boot")
    entries: list[dict[str, Any]] = (health if newest else status).get("sensors") or []
    return [
        {
            "slot": entry["slot"],
            "model": entry["model"],
            "id": entry.get("id"),
            "fw": entry.get("fw"),
            "state": entry.get("state"),
            "laser_h": entry.get("laser_h"),
        }
        for entry in entries
    ]


# Two sensors of a node rarely finish their windows in the same second.
_SAME_ROUND_S = 600


def _weight(slot: SlotView) -> tuple[int, bool, int]:
    """The sensor of the newest round that has a value speaks for its node."""
    at = slot["received"] if slot["t"] is None else slot["t"]
    return at // _SAME_ROUND_S, slot["pm25"] is not None, at
