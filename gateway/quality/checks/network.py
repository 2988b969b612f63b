"""Checks of a series against what stands around it, hour by hour.

When an hour is over, each series' median is held against its neighbours'. The verdict holds for the readings
that come from then on until the next one: a reading is never judged by its own future. An hour is over
GRACE_S after its end, so that what nodes send in batches is in it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from math import log

from gateway.quality.checks.bits import QC_BITS
from gateway.quality.checks.hours import FEWEST, HOUR_S, By, Completeness, Hour, HourBook
from gateway.quality.checks.models import model_of
from gateway.quality.checks.near import Near, Spot
from gateway.quality.checks.sample import Sample
from gateway.quality.checks.settings import CloggedSettings, NeighbourSettings
from gateway.quality.checks.usual import MAD, RECENT_HOURS, Ratio, Track, Usual, median, ratio_of

GRACE_S = 600
# So long a verdict is remembered, for readings that come late.
KEPT_HOURS = 14 * 24
# A ratio that is not the usual one: in the median of so many hours, and by so many of its own scaled MAD.
_SHIFT_HOURS = 6
_SHIFT_MADS = 4.0
# In half a day, and of the neighbours' too: a MAD is that of single hours, and their median strays less.
_LASTING_MADS = 3.0
# And still in the last of them: what is over is over.
_GOES_ON_HOURS = 3
# So many times `most` are looked at for those of the same optics.
_LOOKED_AT = 3


class Neighbours:
    """For hours on end far from the median of what stands around it, or from its own usual ratio to that.

    Radius by season: within 11.5 km in winter, 12.7 in spring, 20 in summer and 17 in autumn PM2.5 of two
    places is alike enough to correct one by the other, says FILTER (Hassani et al. 2025, doi
    10.1016/j.jenvman.2025.125100): less in winter, when sources are local. The nearest ten are asked; those
    with the same optics where there are three, as raw values of different optics differ. Far is by 10 ug/m3,
    80 % and 4 scaled MAD of the neighbours, to one side in three of four hours; or, once there are three days
    to tell what is usual, a ratio in six hours that is 1.6 times that, and off by 4 of its own scaled MAD; or
    one in twelve hours that is 1.35 times that, by 3 of these, 10 ug/m3 and 3 scaled MAD of the neighbours,
    and by 10 ug/m3 in the last three as well.
    The last finds what smog hides: 25 ug/m3 too much beside 60 is no large ratio, but it lasts. These limits
    are a judgement, tried on the simulated city. A place with a fire of its own may be marked: it is suspect,
    not bad.
    """

    name = "neighbours"
    version = 3

    def __init__(self, settings: NeighbourSettings) -> None:
        self.settings = settings
        self.bit = QC_BITS[self.name]
        self._log_shift, self._log_lasting = log(settings.shift), log(settings.lasting)
        self._km = (settings.km_winter, settings.km_spring, settings.km_summer, settings.km_autumn)

    def km(self, hour: int) -> float:
        """The radius in the season of that hour (December to February is winter)."""
        return self._km[time.gmtime(hour * HOUR_S).tm_mon % 12 // 3]

    def side(self, own: float, near: float, spread: float) -> int:
        """1 far above, -1 far below, 0 neither; `spread` is the neighbours' scaled MAD, ug/m3."""
        off, set_ = own - near, self.settings
        if abs(off) <= max(set_.ug, set_.share * near, set_.mads * spread):
            return 0
        return 1 if off > 0 else -1

    def judge(self, sides: Sequence[int]) -> int:
        """`sides` of the last hours, newest last."""
        side = sides[-1]
        return self.bit if side and sides.count(side) >= self.settings.hours else 0

    def judge_shift(self, usual: Usual, recent: Sequence[Ratio]) -> int:
        """`recent`: ratios to the neighbours of the last hours, newest last."""
        if len(recent) < _SHIFT_HOURS:
            return 0
        off = median(each.log for each in list(recent)[-_SHIFT_HOURS:]) - usual.median
        return self.bit if abs(off) > max(self._log_shift, _SHIFT_MADS * usual.mad) else 0

    def judge_lasting(self, usual: Usual, recent: Sequence[Ratio]) -> int:
        """`recent`: ratios to the neighbours of the last hours."""
        if len(recent) < RECENT_HOURS:
            return 0
        off = median(each.log for each in recent) - usual.median
        if abs(off) <= max(self._log_lasting, _LASTING_MADS * usual.mad):
            return 0
        # In clean air such a ratio is little; where neighbours differ by as much it is the air that differs.
        least = max(self.settings.ug, _LASTING_MADS * median(each.spread for each in recent))
        excess = [each.excess(usual) for each in recent]
        if abs(median(excess)) <= least:
            return 0
        now = median(excess[-_GOES_ON_HOURS:])
        return self.bit if abs(now) > self.settings.ug and now * off > 0 else 0


class Clogged:
    """Air does not get in: inlet blocked, fan dead, web or dust before it. Found against the neighbours.

    Nearly nothing where the neighbours have something, for hours; or half a day's ratio to them fell to 60 %
    of what it was in two weeks (`decline`), as dust does it. deSouza et al. 2023 (doi 10.1039/d2ea00142j)
    find degraded PurpleAirs by what stands beside them; limits are a judgement, tried on the simulated city.
    Without neighbours it cannot be found: a low value is then as good as clean air.
    """

    name = "clogged"
    version = 3

    def __init__(self, settings: CloggedSettings) -> None:
        self.settings = settings
        self.bit = QC_BITS[self.name]
        self._log_decline = log(settings.decline)

    def is_nothing(self, own: float, near: float) -> bool:
        return near >= self.settings.ug and own < self.settings.share * near

    def judge(self, nothings: int) -> int:
        """`nothings`: hours in a row in which nearly nothing came in."""
        return self.bit if nothings >= self.settings.hours else 0

    def judge_decline(self, usual: Usual, recent: Sequence[Ratio]) -> int:
        """`recent`: ratios to the neighbours of the last hours."""
        if len(recent) < RECENT_HOURS:
            return 0
        off = median(each.log for each in recent) - usual.median
        return self.bit if off < min(self._log_decline, -_SHIFT_MADS * usual.mad) else 0


class Network:
    """All series together. `judge` each sample, in the order of time."""

    def __init__(
        self,
        neighbours: Neighbours,
        clogged: Clogged,
        complete: Completeness,
        places: Mapping[str, Spot],
    ) -> None:
        self._neighbours, self._clogged, self._complete = neighbours, clogged, complete
        self._places = places
        self._map: Near | None = None
        self._near: dict[tuple[str, float], list[str]] = {}
        self._book = HourBook()
        self._names: dict[int, str] = {}
        self._tracks: dict[tuple[int, str], Track] = {}
        # By series: its track's verdicts, to be looked up for every sample.
        self._verdicts: dict[tuple[int, str], dict[int, int]] = {}
        self._closed_upto = -1
        self._open_from = 0
        self._next_close = -1
        self.closed: list[Hour] = []

    @property
    def closed_upto(self) -> int:
        """Number of the last hour that is over; -1 before the first."""
        return self._closed_upto

    def places_changed(self) -> None:
        """Work out anew who is near whom."""
        self._map = None
        self._near.clear()

    def judge(self, s: Sample, t: int, qc: int) -> int:
        """`qc` with what the last hour that was over at t says of the series; then take the sample in.

        One of an hour that is over changes nothing.
        """
        # By the earlier of both clocks: one that runs ahead ends no hour too soon.
        received = s.received_ms // 1000
        now = t if t < received else received
        if now >= self._next_close:
            self.advance(now)
        key = (s.node_id, s.slot)
        verdicts = self._verdicts.get(key)
        if verdicts:
            qc |= verdicts.get((t - GRACE_S) // HOUR_S - 1, 0)
        if t > self._open_from:
            if s.node_id not in self._names:
                self._names[s.node_id] = s.node
            self._book.add(key, s, t, qc)
        return qc

    def correct(self, s: Sample, pm25: float | None, pm10: float | None, by: By) -> None:
        """To what the sample that was judged last was corrected."""
        self._book.correct((s.node_id, s.slot), s.id, pm25, pm10, by)

    def advance(self, t: int) -> None:
        """Time has come to t (UTC s): close the hours that are over."""
        upto = (t - GRACE_S) // HOUR_S - 1
        for hour in sorted(self._book.open):
            if hour <= upto:
                self._close(hour)
        self._note_closed(upto)

    def bits(self, node_id: int, slot: str, t: int) -> int:
        """What the last hour that was over at t says of a series."""
        verdicts = self._verdicts.get((node_id, slot))
        return verdicts.get((t - GRACE_S) // HOUR_S - 1, 0) if verdicts else 0

    def remembers(self, t: int) -> bool:
        """Whether verdicts are still known for a reading of that time."""
        return (t - GRACE_S) // HOUR_S - 1 > self._closed_upto - KEPT_HOURS

    def amend(self, s: Sample, bit: int) -> None:
        self._book.amend(s, bit)

    def take_closed(self) -> list[Hour]:
        """Hours that were closed since the last call."""
        closed, self.closed = self.closed, []
        return closed

    def restore(self, hours: Iterable[tuple[Hour, str]]) -> None:
        """Remember hours of the past, with their nodes' names, in the order of hours: as if just closed."""
        for row, name in hours:
            self._names[row.node_id] = name
            self._remember(row)
            self._note_closed(row.hour)

    def _note_closed(self, upto: int) -> None:
        self._closed_upto = max(self._closed_upto, upto)
        self._open_from = (self._closed_upto + 1) * HOUR_S
        self._next_close = self._open_from + HOUR_S + GRACE_S

    def _close(self, hour: int) -> None:
        rows = self._book.take(hour, self._complete)
        by_node: dict[str, list[tuple[str, float]]] = {}
        for row in rows:
            # A clogged one is no measure for others.
            if row.pm25_median is not None and row.have >= FEWEST and not row.qc & self._clogged.bit:
                family = model_of(row.model).family
                by_node.setdefault(self._names[row.node_id], []).append((family, row.pm25_median))
        for row in rows:
            near = self._around(row, hour, by_node)
            if near:
                middle = median(near)
                mad = MAD * median([abs(value - middle) for value in near])
                row = row._replace(near=middle, near_mad=mad, near_n=len(near))
            self.closed.append(row)
            self._remember(row)

    def _around(
        self, row: Hour, hour: int, by_node: Mapping[str, Sequence[tuple[str, float]]]
    ) -> list[float]:
        """The neighbours' medians, those of the same optics where there are enough; [] for too few."""
        settings = self._neighbours.settings
        family = model_of(row.model).family
        own_kind: list[float] = []
        others: list[float] = []
        for name in self._near_to(self._names[row.node_id], self._neighbours.km(hour)):
            for kind, value in by_node.get(name, ()):
                (own_kind if kind == family else others).append(value)
            if len(own_kind) >= settings.most:
                break
        found = own_kind[: settings.most]
        if len(found) < settings.least:
            found = (found + others)[: settings.most]
        return found if len(found) >= settings.least else []

    def _near_to(self, name: str, km: float) -> list[str]:
        """Other nodes within that radius, nearest first."""
        near = self._near.get((name, km))
        if near is None:
            if self._map is None:
                self._map = Near(self._places)
            enough = _LOOKED_AT * self._neighbours.settings.most
            near = self._near[name, km] = self._map.to(name, km, enough)[:enough]
        return near

    def _remember(self, row: Hour) -> None:
        """Add an hour to a series' track, and its verdict."""
        track = self._tracks.get((row.node_id, row.slot))
        if track is None:
            track = self._tracks[row.node_id, row.slot] = Track(self._neighbours.settings.hours)
            self._verdicts[row.node_id, row.slot] = track.verdicts
        own, near = row.pm25_median, row.near
        if own is None or near is None:
            return
        neighbours, clogged = self._neighbours, self._clogged
        track.sides.append(neighbours.side(own, near, row.near_mad or 0.0))
        track.nothings = track.nothings + 1 if clogged.is_nothing(own, near) else 0
        track.note(row.hour, ratio_of(own, near, row.near_mad or 0.0))
        far, blocked = neighbours.judge(track.sides), clogged.judge(track.nothings)
        if track.usual is not None:
            far |= neighbours.judge_shift(track.usual, track.recent)
            far |= neighbours.judge_lasting(track.usual, track.recent)
            blocked |= clogged.judge_decline(track.usual, track.recent)
        track.marked = bool(far or blocked)
        bits = (far if neighbours.settings.enabled else 0) | (blocked if clogged.settings.enabled else 0)
        if bits:
            track.verdicts[row.hour] = bits
        for old in [hour for hour in track.verdicts if hour <= row.hour - KEPT_HOURS]:
            del track.verdicts[old]
