"""Remote calibration out of the journal: gather the network's hours, and make what can be made."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gateway.config import Settings
from gateway.journal.reader import JournalReader
from gateway.places import Place
from gateway.quality.calibration import make, reference
from gateway.quality.calibration.collocate import UnitHours, unit_hours
from gateway.quality.calibration.fit import corrected
from gateway.quality.calibration.library import Library
from gateway.quality.calibration.record import Calibration, CalibrationError, Subject
from gateway.quality.calibration.remote import (
    Floats,
    Mixed,
    Network,
    RemoteRules,
    gain_of,
    mixed_hours,
    place_error,
)
from gateway.quality.calibration.stations import BESIDE_KM, Station, km_between, read_stations
from gateway.quality.follow.reader import QualityReader
from gateway.quality.means import HOUR


@dataclass(frozen=True)
class Done:
    """What was made, and why not for the others; `told`: of the hours."""

    made: list[Calibration]
    refused: dict[str, str]
    told: str


@dataclass(frozen=True)
class _Unit:
    hours: UnitHours
    place: Place
    base: Calibration


def remote_all(
    settings: Settings,
    library: Library,
    stations_file: Path,
    since: int,
    until: int,
    begins: int,
    ends: int | None,
    rules: RemoteRules | None = None,
) -> Done:
    """For all units with a place and a model's calibration, and without one of their own. Raises
    CalibrationError."""
    rules = rules or RemoteRules()
    stations = read_stations(stations_file)
    if len(stations) < rules.stations:
        raise CalibrationError(
            f"{stations_file}: names {len(stations)} stations; at least {rules.stations} are needed to tell "
            "when the air is well mixed"
        )
    files = {name: reference.read(stations_file.parent / one.file, name) for name, one in stations.items()}
    starts = np.arange(since, until, HOUR, dtype=np.int64)
    units, refused = _units(settings, library, since, until)
    network = _network(units, stations, files, starts)
    mixed = mixed_hours(network, rules)
    place = place_error(network, mixed, rules)
    made: list[Calibration] = []
    for column, unit in enumerate(units):
        if unit.base.kind != "model":
            continue
        called = f"{unit.hours.node}-{unit.hours.slot}-remote"
        try:
            gain = gain_of(column, network, mixed, rules, place)
        except CalibrationError as error:
            refused[f"{unit.hours.node}/{unit.hours.slot}"] = str(error)
            continue
        version = 1 + max([one.version for one in library.all.values() if one.name == called], default=0)
        made.append(
            make.from_gain(
                gain,
                unit.base,
                called,
                version,
                Subject(model=unit.hours.model, node=unit.hours.node, slot=unit.hours.slot),
                list(stations),
                (since, until),
                _digest(network, column),
                make.utc(begins),
                None if ends is None else make.utc(ends),
            )
        )
    return Done(made, refused, _told(mixed, network, place))


def _units(
    settings: Settings, library: Library, since: int, until: int
) -> tuple[list[_Unit], dict[str, str]]:
    """All units that have a place and a calibration. Of two of a unit's own, the remote one is not looked
    at."""
    found: list[_Unit] = []
    refused: dict[str, str] = {}
    path = settings.journal.path
    with JournalReader(path) as reader, QualityReader(path) as judged:
        slots = sorted({(each.node, each.slot, each.model) for each in reader.latest()})
        for node, slot, model in slots:
            name = f"{node}/{slot}"
            if node not in settings.places:
                refused[name] = "it has no place in nodes_file"
                continue
            held = [one for one in library.candidates(node, slot, model, until) if one.kind != "remote"]
            held = [one for one in held if one.field.startswith("pm25")]
            if not held:
                refused[name] = (
                    f"no calibration of its model ({model}): make one with `dustline calibrate model`"
                )
                continue
            try:
                hours = unit_hours(reader, node, slot, since, until, held[0].field, judged)
            except CalibrationError as error:
                refused[name] = str(error)
                continue
            if hours.model != model:
                refused[name] = f"it is a {model} now and was a {hours.model} then"
                continue
            found.append(_Unit(hours, settings.places[node], held[0]))
    return found, refused


def _network(
    units: list[_Unit],
    stations: dict[str, Station],
    files: dict[str, reference.Reference],
    starts: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> Network:
    def column(name: str, of: str) -> Floats:
        values = files[name].columns.get(of, {})
        return np.array([values.get(int(start), np.nan) for start in starts])

    values = [
        corrected(each.base.coefficients, each.hours.pm, each.hours.rh, each.hours.temp) for each in units
    ]
    anchors = [
        number
        for number, each in enumerate(units)
        if each.base.kind == "field"
        and any(km_between(each.place, one) <= BESIDE_KM for one in stations.values())
    ]
    winds = [column(name, "wind") for name in stations if files[name].columns.get("wind")]
    return Network(
        starts,
        np.stack([column(name, "pm25") for name in stations], axis=1),
        np.array([(one.lat, one.lon) for one in stations.values()]),
        np.stack(values, axis=1) if values else np.zeros((len(starts), 0)),
        np.array([(each.place.lat, each.place.lon) for each in units]).reshape(-1, 2),
        anchors,
        np.nanmedian(np.stack(winds), axis=0) if winds else None,
    )


def _digest(network: Network, column: int) -> str:
    """Of the unit's hours and the stations'."""
    rows = np.column_stack([network.starts, network.units[:, column], network.stations]).tolist()
    text = "\n".join(",".join(f"{value:.4f}" for value in row) for row in rows)
    return hashlib.sha256(text.encode()).hexdigest()


def _told(mixed: Mixed, network: Network, place: float) -> str:
    lost = ", ".join(f"{name} {count}" for name, count in mixed.lost.items() if count)
    anchors = f"{len(network.anchors)} calibrated units beside stations"
    if len(network.anchors) < RemoteRules().anchors:
        anchors += ", too few: stations themselves are the anchors"
    return (
        f"{int(mixed.hours.sum())} well-mixed hours of {len(network.starts)}"
        + (f" (lost: {lost})" if lost else "")
        + f"; {anchors}; places differ by {100 * place:.0f} % even so"
    )
