"""What the journal's part of a command needs of the time before it, out of the side file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from gateway.quality.checks.hours import Hour, hour_of
from gateway.quality.checks.sample import Sample
from gateway.quality.corrected.corrector import Corrector
from gateway.quality.follow import store
from gateway.quality.follow.correct import of_anchors


class Edge:
    """`run`: the version in the side file that has judged up to `upto` (UTC s) or further."""

    def __init__(self, past: sqlite3.Connection, journal: sqlite3.Connection, run: int, upto: int) -> None:
        self._db, self._run = past, run
        self.upto = upto
        known = {(network, name): id for id, network, name in journal.execute("SELECT * FROM nodes")}
        # One that the journal does not know stands for itself.
        self._ids = {
            int(id): int(known.get((network, name), -int(id)))
            for id, network, name in past.execute("SELECT * FROM nodes")
        }

    def samples(self, since: int, until: int) -> list[Sample]:
        found = store.samples_between(self._db, since, until)
        return [s._replace(node_id=self._ids[s.node_id]) for s in found]

    def hours(self, hour: int) -> Iterator[tuple[Hour, str]]:
        for row, name in store.hours_since(self._db, hour, self._run):
            yield row._replace(node_id=self._ids[row.node_id]), name

    def restore(self, corrector: Corrector, until: int) -> None:
        """See follow.correct.restore: what is up to `upto`."""
        past = (
            (s._replace(node_id=self._ids[s.node_id]), qc)
            for s, qc in of_anchors(corrector, self._db, self._run, min(until, self.upto + 1))
        )
        # Of an hour behind the edge the journal's part takes its own, from the same anchors.
        last = hour_of(self.upto)
        factors = [each for each in store.factors_of(self._db, self._run) if each[0] <= last]
        corrector.restore(factors, past)
