"""Where calibrations and stations' hours come from: files that others write while the gateway runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from gateway.quality.calibration import reference
from gateway.quality.calibration.library import Library
from gateway.quality.calibration.record import CalibrationError
from gateway.quality.calibration.stations import read_stations
from gateway.quality.corrected.shared import StationHours

Signature = tuple[tuple[str, int, int], ...]


class Sources(Protocol):
    """What a corrector works by."""

    @property
    def library(self) -> Library: ...
    @property
    def stations(self) -> Mapping[str, StationHours]: ...


@dataclass
class Held:
    """Sources that do not change."""

    library: Library = field(default_factory=Library)
    stations: Mapping[str, StationHours] = field(default_factory=dict[str, StationHours])


class Files:
    """The folder of calibrations, and the stations' file with the CSV files that it names.

    `look` reads what has changed. What cannot be read leaves all as it was.
    """

    def __init__(self, folder: Path | None, stations: Path | None) -> None:
        self._folder, self._file = folder, stations
        self._seen: Signature | None = None
        self.library = Library()
        self.stations: Mapping[str, StationHours] = {}

    @property
    def named(self) -> bool:
        """Whether there is a folder to look into."""
        return self._folder is not None

    def look(self) -> bool:
        """Whether something has changed and was read. Raises CalibrationError, once for each change."""
        seen = self._signature()
        if seen == self._seen:
            return False
        self._seen = seen
        library = self.library if self._folder is None else Library.load(self._folder)
        stations = {} if self._file is None else _hours_of(self._file)
        self.library, self.stations = library, stations
        # The stations' file may name files that were not known before.
        self._seen = self._signature()
        return True

    def _signature(self) -> Signature:
        paths = [] if self._folder is None else [self._folder, *sorted(self._folder.glob("*.json"))]
        if self._file is not None:
            paths.append(self._file)
            try:
                named = read_stations(self._file)
            except CalibrationError:
                named = {}
            paths += [self._file.parent / one.file for one in named.values()]
        return tuple(map(_stamp, paths))


def _stamp(path: Path) -> tuple[str, int, int]:
    try:
        found = path.stat()
    except OSError:
        return str(path), -1, -1
    return str(path), found.st_mtime_ns, found.st_size


def _hours_of(file: Path) -> dict[str, StationHours]:
    found: dict[str, StationHours] = {}
    for name, one in read_stations(file).items():
        read = reference.read(file.parent / one.file, name)
        if "pm25" not in read.columns:
            raise CalibrationError(f"{file.parent / one.file}: has no column pm25")
        found[name] = StationHours(one.lat, one.lon, read.columns["pm25"])
    return found
