"""A scenario: a short TOML file that says which city, for how long, what happens in it and what hangs there.

docs/simulated-city.md has the table of all fields. load() judges every field and names each that is wrong.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from simulator.city.faults import KINDS as FAULT_KINDS
from simulator.city.models import CLIMATE, PARTICLES
from simulator.city.warsaw import BOUNDS

SHIPPED = Path(__file__).resolve().parent.parent / "scenarios"
# Kind of event -> (what its strength is, default, least, most, hours by default).
EVENTS: dict[str, tuple[str, float, float, float, float]] = {
    "inversion": ("how far the air is held down, 0 to 1", 0.8, 0.0, 1.0, 36.0),
    "fog": ("how thick, 0 to 1", 1.0, 0.0, 1.0, 8.0),
    "dust": ("ug/m3 of PM10 from the Sahara", 80.0, 0.0, 1000.0, 36.0),
    "fireworks": ("ug/m3 of PM10 in the first hour, at the centre", 300.0, 0.0, 3000.0, 0.75),
    "bonfire": ("ug/m3 of PM2.5 200 m downwind, in a wind of 2 m/s", 150.0, 0.0, 5000.0, 4.0),
}
_PLACED = ("bonfire",)

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,32}$")]
Lat = Annotated[float, Field(ge=BOUNDS[0], le=BOUNDS[1])]
Lon = Annotated[float, Field(ge=BOUNDS[2], le=BOUNDS[3])]
Hours = Annotated[float, Field(gt=0, le=24 * 400)]


class ScenarioError(Exception):
    """The file cannot be used; the text says what, where, and what to do, a line for each finding."""


def _wrong(field: str, text: str) -> PydanticCustomError:
    return PydanticCustomError("scenario", "{field}: {text}", {"field": field, "text": text})


def _known(field: str, value: str, all_of: Sequence[str] | dict[str, Any]) -> None:
    if value not in all_of:
        raise _wrong(field, f"{value!r} is not known; take one of: {', '.join(all_of)}")


def _zoned(field: str, value: datetime) -> None:
    if value.tzinfo is None:
        raise _wrong(
            field, f"{value.isoformat()} has no time zone; add Z for UTC or an offset such as +01:00"
        )


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Event(_Strict):
    """Something that happens to the air."""

    kind: str
    start: datetime
    hours: Hours | None = None
    strength: float | None = None
    lat: Lat | None = None
    lon: Lon | None = None

    @model_validator(mode="after")
    def _fits(self) -> Event:
        _known("kind", self.kind, EVENTS)
        _zoned("start", self.start)
        what, _, least, most, _ = EVENTS[self.kind]
        if self.strength is not None and not least <= self.strength <= most:
            raise _wrong(
                "strength", f"is {self.strength:g}; for {self.kind} it is {what}: {least:g} to {most:g}"
            )
        placed = (self.lat is not None) + (self.lon is not None)
        if self.kind in _PLACED and placed < 2:
            raise _wrong("lat", f"a {self.kind} needs a place: add lat and lon")
        if self.kind not in _PLACED and placed:
            raise _wrong("lat", f"{self.kind} is everywhere: take lat and lon away")
        return self

    @property
    def begin(self) -> float:
        """Unix seconds."""
        return self.start.timestamp()

    @property
    def length_s(self) -> float:
        return 3600.0 * (self.hours or EVENTS[self.kind][4])

    @property
    def size(self) -> float:
        return EVENTS[self.kind][1] if self.strength is None else self.strength


class FaultPlan(_Strict):
    """A fault of one node, or of a share of all nodes, drawn by the seed."""

    kind: str
    node: Name | None = None
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    slot: Annotated[str, StringConstraints(pattern=r"^[a-g]$")] = "a"
    start: datetime | None = None  # None: at an instant drawn for each node
    hours: Hours = 24.0
    strength: float | None = None

    @model_validator(mode="after")
    def _fits(self) -> FaultPlan:
        _known("kind", self.kind, FAULT_KINDS)
        if (self.node is None) == (self.share is None):
            raise _wrong("node", "give either node (its name) or share (0 to 1 of all nodes), one of the two")
        if self.start is not None:
            _zoned("start", self.start)
        kind = FAULT_KINDS[self.kind]
        if self.strength is not None and not kind.least <= self.strength <= kind.most:
            limits = f"{kind.strength}: {kind.least:g} to {kind.most:g}"
            raise _wrong("strength", f"is {self.strength:g}; for {self.kind} it is {limits}")
        return self


class Kit(_Strict):
    """What hangs at a node: particle sensors in slots a, b, ..., then one climate sensor if any."""

    sensors: Annotated[list[str], Field(min_length=1, max_length=7)]
    share: Annotated[float, Field(gt=0)] = 1.0

    @model_validator(mode="after")
    def _fits(self) -> Kit:
        for name in self.sensors:
            _known("sensors", name, [*PARTICLES, *CLIMATE])
        if not self.particles:
            raise _wrong("sensors", "holds no particle sensor; add one of " + ", ".join(PARTICLES))
        if len(self.sensors) - len(self.particles) > 1:
            raise _wrong("sensors", "holds more than one climate sensor; keep one")
        return self

    @property
    def particles(self) -> list[str]:
        return [name for name in self.sensors if name in PARTICLES]

    @property
    def climate(self) -> str | None:
        return next((name for name in self.sensors if name in CLIMATE), None)


class Place(_Strict):
    """Where some nodes hang, for a scenario that needs them just there."""

    lat: Lat
    lon: Lon
    nodes: Annotated[int, Field(ge=1, le=1000)] = 1


class Fleet(_Strict):
    nodes: Annotated[int, Field(ge=1, le=100_000)] = 20
    prefix: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,24}$")] = "sim"
    period_s: Annotated[int, Field(ge=10, le=3600)] = 60  # between two readings of a sensor
    window_s: Annotated[int, Field(ge=1, le=3600)] | None = None  # of it measured; None: all of it
    health_s: Annotated[int, Field(ge=60, le=86400)] = 600
    age_years: Annotated[float, Field(ge=0, le=20)] = 2.0  # of the oldest; ages are spread evenly
    place: list[Place] = []  # the other nodes are spread over the town by the seed
    kit: Annotated[list[Kit], Field(min_length=1)] = [Kit(sensors=["sds011", "bme280"])]

    @model_validator(mode="after")
    def _fits(self) -> Fleet:
        if 3600 % self.period_s:
            raise _wrong("period_s", f"is {self.period_s}; take a divisor of 3600, such as 60, 300 or 600")
        if self.window_s is not None and self.window_s > self.period_s:
            raise _wrong(
                "window_s", f"is {self.window_s}, longer than period_s ({self.period_s}); shorten it"
            )
        return self

    @property
    def window(self) -> int:
        return self.window_s or self.period_s


class Reference(_Strict):
    """A reference station: station.py has what it reports."""

    name: Name
    lat: Lat
    lon: Lon
    beside: Annotated[int, Field(ge=0, le=100)] = 0  # nodes of the fleet that hang right at it


class Scenario(_Strict):
    name: Name
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = 1
    start: datetime
    days: Annotated[float, Field(gt=0, le=3660)]
    network: Name = "warsaw"
    event: list[Event] = []
    fleet: Fleet = Fleet()
    fault: list[FaultPlan] = []
    reference: list[Reference] = []

    @model_validator(mode="after")
    def _fits(self) -> Scenario:
        _zoned("start", self.start)
        if self.begin % 3600:
            raise _wrong("start", "is not at a full hour; move it to one")
        if len({one.name for one in self.reference}) < len(self.reference):
            raise _wrong("reference", "two stations have the same name; rename one")
        fleet = self.fleet
        placed = sum(one.beside for one in self.reference) + sum(one.nodes for one in fleet.place)
        if placed > fleet.nodes:
            text = f"is {fleet.nodes}, but {placed} have a place (reference.beside, fleet.place); raise it"
            raise _wrong("fleet.nodes", text)
        return self

    @property
    def begin(self) -> int:
        """Unix seconds."""
        return int(self.start.timestamp())

    @property
    def end(self) -> int:
        return self.begin + round(self.days * 86400)


def shipped() -> list[str]:
    """Names of the scenarios that come along."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def load(source: str | Path) -> Scenario:
    """From a file, or by the name of one that comes along. Raises ScenarioError."""
    path = Path(source)
    if isinstance(source, str) and source in shipped():
        path = SHIPPED / f"{source}.toml"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(shipped())
        raise ScenarioError(
            f"{path}: cannot be read ({error}); give a TOML file or one of: {known}"
        ) from error
    return parse(text, str(path))


def parse(text: str, where: str = "scenario") -> Scenario:
    """From TOML. `where` is what messages call it. Raises ScenarioError."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{where}: no TOML: {error}; correct the file there") from error
    return _judged(raw, where)


def _judged(raw: dict[str, Any], where: str) -> Scenario:
    try:
        return Scenario.model_validate(raw)
    except ValidationError as error:
        lines = [f"{where}: {_sentence(one)}" for one in error.errors()]
        raise ScenarioError("\n".join(lines)) from error


def changed(
    scenario: Scenario, where: str, *, fleet: dict[str, Any] | None = None, **fields: Any
) -> Scenario:
    """The same with other values in some fields; `fleet`: in its part. Raises ScenarioError."""
    raw = scenario.model_dump()
    return _judged({**raw, **fields, "fleet": {**raw["fleet"], **(fleet or {})}}, where)


def moved(scenario: Scenario, start: datetime, where: str) -> Scenario:
    """Begun at another time, and all that has a time in it moved along. Raises ScenarioError."""
    by = start - scenario.start

    def along(part: dict[str, Any]) -> dict[str, Any]:
        return {**part, "start": part["start"] + by} if part["start"] else part

    raw = scenario.model_dump()
    events, faults = ([along(part) for part in raw[kind]] for kind in ("event", "fault"))
    return changed(scenario, where, start=start, event=events, fault=faults)


_TYPES: dict[
    str, Literal["a whole number", "a number", "a text", "a list", "a table", "a date with a time"]
] = {
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "a text",
    "list_type": "a list",
    "model_type": "a table",
    "datetime_type": "a date with a time",
}


def _sentence(error: Any) -> str:
    """What is wrong, where and what to do, of one of pydantic's findings."""
    place = ""
    for part in error["loc"]:
        place += f" {part + 1}" if isinstance(part, int) else f"{'.' if place else ''}{part}"
    kind, context = error["type"], error.get("ctx", {})
    if kind == "scenario":
        return f"{place}{'.' if place else ''}{context['field']}: {context['text']}"
    given = f"is {error['input']!r}"
    if kind == "missing":
        return f"{place}: is missing; add it"
    if kind == "extra_forbidden":
        return f"{place}: there is no such field; correct the name or take it away"
    if kind in _TYPES:
        return f"{place}: {given}; write {_TYPES[kind]}"
    if kind == "string_pattern_mismatch":
        return f"{place}: {given}; it must match {context['pattern']}"
    return f"{place}: {given}; {error['msg'][0].lower()}{error['msg'][1:]}"
