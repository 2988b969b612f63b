"""What all units read wrong alike, out of the readings as they go by: an hour's factor, from hours before it.

The rule is calibration/shared.py's. An anchor is a unit within 200 m of a station that is corrected by a
calibration of its own. Its hour is a mean of corrected values under the 75 % rule, without what the checks
speak against. A factor, once taken for an hour, stays: readings of one hour are treated alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.quality.calibration.shared import Anchor, Shared, SharedRules, shared_factor
from gateway.quality.calibration.stations import BESIDE_KM, km_between
from gateway.quality.checks.bits import QC_BITS, UNFIT
from gateway.quality.checks.hours import HOUR_S, Completeness, HourBook, hour_of
from gateway.quality.checks.near import Spot
from gateway.quality.checks.sample import Sample
from gateway.quality.checks.settings import CompleteSettings

# So long hours and factors are remembered, for readings that come late.
KEPT_HOURS = 14 * 24
_INCOMPLETE = QC_BITS["incomplete"]


@dataclass(frozen=True)
class StationHours:
    """A station: degrees north and east, and PM2.5 in ug/m3 by the hour's begin (UTC s)."""

    lat: float
    lon: float
    pm25: Mapping[int, float]


class SharedError:
    """Feed it with anchors' readings in the order of arrival or of time; ask for a reading's factor."""

    def __init__(
        self,
        stations: Mapping[str, StationHours],
        places: Mapping[str, Spot],
        rules: SharedRules | None = None,
    ) -> None:
        self.rules = rules or SharedRules()
        self._stations, self._places = stations, places
        self._station_of: dict[str, str | None] = {}
        self._book = HourBook()
        self._complete = Completeness(CompleteSettings.model_construct())
        self._at: dict[tuple[int, str], str] = {}  # a series' station
        self._means: dict[int, list[tuple[str, float]]] = {}
        self._factors: dict[int, Shared | None] = {}
        self._closed_upto = -1
        self._taken: list[tuple[int, Shared]] = []

    @property
    def memory_s(self) -> int:
        """So far before an hour readings matter to its factor."""
        return (self.rules.lag + self.rules.hours + 1) * HOUR_S

    def replace(self, stations: Mapping[str, StationHours]) -> None:
        """Stations have reported more. Hours that have a factor keep it."""
        self._stations = stations
        self.places_changed()
        self._factors = {hour: found for hour, found in self._factors.items() if found is not None}

    def places_changed(self) -> None:
        self._station_of.clear()

    def station_of(self, node: str) -> str | None:
        """The station that a node stands beside."""
        if node not in self._station_of:
            place, nearest = self._places.get(node), None
            if place is not None and self._stations:
                km, name = min((km_between(place, one), name) for name, one in self._stations.items())
                nearest = name if km <= BESIDE_KM else None
            self._station_of[node] = nearest
        return self._station_of[node]

    def note(self, s: Sample, t: int, corrected: float, qc: int) -> None:
        """A reading of a unit with a calibration of its own, corrected by that alone, ug/m3."""
        station = self.station_of(s.node)
        if station is None or hour_of(t) <= self._closed_upto:
            return
        self._at[s.node_id, s.slot] = station
        value = None if qc & UNFIT else corrected
        self._book.add((s.node_id, s.slot), s._replace(pm25=value), t, qc)

    def amend(self, s: Sample, bits: int) -> None:
        """A later reading has decided on `s`."""
        if bits & UNFIT:
            self._book.amend(s, bits)

    def factor(self, t: int, received: int) -> Shared | None:
        """For a reading of that time which came then (UTC s); None when too little is known.

        A clock that runs ahead ends no hour too soon.
        """
        hour = hour_of(min(t, received))
        if hour in self._factors:
            return self._factors[hour]
        self._close(hour - self.rules.lag)
        first = hour - self.rules.lag - self.rules.hours + 1
        found = shared_factor([self._anchors(each) for each in range(first, hour)], self.rules)
        self._factors[hour] = found
        if found is not None:
            self._taken.append((hour, found))
        return found

    def take_factors(self) -> list[tuple[int, Shared]]:
        """Hours that have got a factor since the last call."""
        taken, self._taken = self._taken, []
        return taken

    def restore(self, factors: Iterable[tuple[int, Shared]]) -> None:
        """Of hours of the past, as they were taken then."""
        self._factors.update(factors)

    def _anchors(self, hour: int) -> list[Anchor]:
        found: list[Anchor] = []
        for station, mean in self._means.get(hour, ()):
            at = self._stations.get(station)
            reference = None if at is None else at.pm25.get(hour * HOUR_S)
            if reference is not None:
                found.append(Anchor(station, mean, reference))
        return found

    def _close(self, upto: int) -> None:
        """Hours up to that number are over."""
        if upto <= self._closed_upto:
            return
        self._closed_upto = upto
        for hour in sorted(self._book.open):
            if hour <= upto:
                self._means[hour] = [
                    (self._at[row.node_id, row.slot], row.pm25)
                    for row in self._book.take(hour, self._complete)
                    if row.pm25 is not None and not row.qc & _INCOMPLETE
                ]
        for old in [each for each in self._means if each <= upto - KEPT_HOURS]:
            del self._means[old]
        for old in [each for each in self._factors if each <= upto - KEPT_HOURS]:
            del self._factors[old]
