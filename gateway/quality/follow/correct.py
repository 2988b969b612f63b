"""The follower's corrector: begun from the journal, and kept up to date with the files behind it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping

import structlog

from gateway.quality.calibration.record import CalibrationError
from gateway.quality.checks.judge import Version
from gateway.quality.checks.near import Spot
from gateway.quality.checks.sample import Sample
from gateway.quality.corrected.corrector import CALIBRATION, NONE, Corrector
from gateway.quality.corrected.sources import Files
from gateway.quality.follow import store

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.quality")

# Between two looks at the files.
LOOK_S = 30.0
_PAGE = 1000
_ANY = 1 << 62


class LiveCorrector:
    """For the follower's thread. Without calibrations, and with "none", there is no corrector.

    Files that cannot be used are told of, once for each change of them; what was read before goes on to hold.
    """

    def __init__(self, by: str, files: Files, places: Mapping[str, Spot]) -> None:
        self._by, self._files, self._places = by, files, places
        self._next_look = 0.0
        self.corrector: Corrector | None = None

    def begin(self, reader: sqlite3.Connection, upto_id: int) -> None:
        """Anew, as if it had run on until the reading with that id."""
        self.corrector, self._next_look = None, 0.0
        self.look()
        if self._by not in (CALIBRATION, NONE) or (self._by == CALIBRATION and self._files.named):
            self.corrector = Corrector(self._by, self._files, self._places)
        if self.corrector is not None:
            row = reader.execute(
                "SELECT received_ms FROM readings WHERE id <= ? ORDER BY id DESC LIMIT 1", (upto_id,)
            ).fetchone()
            now = 0 if row is None else int(row[0]) // 1000
            restore(self.corrector, reader, 0, now + 1, upto_id)

    def look(self) -> None:
        """Read the files again if they have changed."""
        if self._by != CALIBRATION or not self._files.named or time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_S
        try:
            changed = self._files.look()
        except CalibrationError as error:
            log.error(
                "calibrations or stations cannot be read; those known before hold on", problem=str(error)
            )
            return
        if changed and self.corrector is not None:
            self.corrector.changed()
            log.info(
                "calibrations and stations were read",
                calibrations=len(self._files.library.all),
                stations=len(self._files.stations),
            )

    def places_changed(self) -> None:
        if self.corrector is not None:
            self.corrector.places_changed()

    def version(self, checks: Version) -> Version:
        """By what readings are judged and corrected."""
        return checks if self.corrector is None else self.corrector.version(checks)


def restore(
    corrector: Corrector, db: sqlite3.Connection, run: int, until: int, upto_id: int = _ANY, since: int = 0
) -> None:
    """Give a new corrector what it needs of the time before `until` (UTC s): the run's factors, and the last
    hours of the units beside stations, as far as they are later than `since`."""
    if corrector.shared is not None:
        past = of_anchors(corrector, db, run, until, upto_id, since)
        corrector.restore(store.factors_of(db, run), past)


def of_anchors(
    corrector: Corrector, db: sqlite3.Connection, run: int, until: int, upto_id: int = _ANY, since: int = 0
) -> Iterator[tuple[Sample, int | None]]:
    """Readings of nodes beside stations, node by node in the order of time, with their `qc`: the run's own
    where it has one, else the one in use."""
    shared = corrector.shared
    assert shared is not None
    nodes = db.execute("SELECT id, name FROM nodes").fetchall()
    for node_id, name in nodes:
        if shared.station_of(name) is None:
            continue
        after = (max(until - shared.memory_s, since + 1), 0)
        while True:
            page = store.samples_of_node(db, node_id, after, until - 1, upto_id, _PAGE)
            for s, qc, _ in page:
                yield s, store.qc_of_run(db, run, s.id, qc)
            if len(page) < _PAGE:
                break
            after = (page[-1][0].t or 0, page[-1][0].id)
