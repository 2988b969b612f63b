"""Judge a span of the past of all nodes, in the order of time: what `dustline reprocess` rests on.

The same Judge as in the stream. In order nothing is provisional, and the neighbours' verdicts are those of
all that the journal has, backlogs included.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Protocol

from gateway.quality.checks.hours import HOUR_S, Hour, hour_of
from gateway.quality.checks.judge import Judge
from gateway.quality.checks.sample import Sample
from gateway.quality.checks.series import MEMORY_S
from gateway.quality.checks.usual import HISTORY_DAYS
from gateway.quality.corrected.corrector import Corrector
from gateway.quality.follow import store
from gateway.quality.follow.batch import judge_batch
from gateway.quality.follow.store import Judgements

# A piece that is read, judged and written at once; 1,000 nodes have some 10,000 readings in it.
PIECE_S = 600


class Earlier(Protocol):
    """Another file that has all up to `upto` (UTC s), of which the journal has lost some. Nodes have the
    journal's numbers."""

    @property
    def upto(self) -> int: ...
    def samples(self, since: int, until: int) -> Sequence[Sample]:
        """As store.samples_between."""
        ...

    def hours(self, hour: int) -> Iterable[tuple[Hour, str]]:
        """As store.hours_since."""
        ...


def judge_span(
    db: sqlite3.Connection,
    judge: Judge,
    since: int,
    until: int,
    corrector: Corrector | None = None,
    *,
    run: int = 0,
    node: str = "",
    every_hour: bool = False,
    earlier: Earlier | None = None,
) -> Generator[tuple[int, Judgements]]:
    """Yield (t, judgements) for the readings with since < t <= until (UTC s): complete up to t.

    `judge` is a new one. It first reads MEMORY_S and an hour before `since`, and the hours of two weeks
    before that, those that `run` has counted before others. To go on later from some t, begin again there.
    With `node` all are judged, as neighbours are, and only what is said of that one is given, with
    `every_hour` also the others' hours. Readings without a time are left out: nothing about them can change.
    What lies before `since` is taken from `earlier` as far as that goes.
    """
    begin = since - MEMORY_S - HOUR_S
    first = hour_of(begin)
    known = _hours(db, first - HISTORY_DAYS * 24, run, earlier)
    # An hour that begins before that is taken as it was counted, not as what is left of it.
    judge.network.restore((hour, name) for hour, name in known if hour.hour <= first)
    numbers = {int(id) for (id,) in db.execute("SELECT id FROM nodes WHERE name = ?", (node,))}
    at = begin
    while at < until:
        upto = min(at + PIECE_S, since if at < since else until)
        samples = _samples(db, at, upto, earlier)
        found = judge_batch(judge, samples, corrector)
        at = upto
        if at > since:
            yield at, _only_of(numbers, samples, found, every_hour) if node else found
    # Hours that are over by then, which no later reading has closed.
    judge.network.advance(until)
    found = Judgements(hours=judge.take_hours())
    yield until, _only_of(numbers, [], found, every_hour) if node else found


def _samples(db: sqlite3.Connection, since: int, until: int, earlier: Earlier | None) -> list[Sample]:
    if earlier is None or since >= earlier.upto:
        return store.samples_between(db, since, until)
    found = list(earlier.samples(since, min(until, earlier.upto)))
    return found + (store.samples_between(db, earlier.upto, until) if until > earlier.upto else [])


def _hours(
    db: sqlite3.Connection, hour: int, run: int, earlier: Earlier | None
) -> Iterator[tuple[Hour, str]]:
    """An hour that is not whole in `earlier` is the journal's."""
    whole = -1 if earlier is None else earlier.upto // HOUR_S - 1
    if earlier is not None:
        yield from (each for each in earlier.hours(hour) if each[0].hour <= whole)
    yield from (each for each in store.hours_since(db, hour, run) if each[0].hour > whole)


def _only_of(numbers: set[int], samples: Sequence[Sample], found: Judgements, every_hour: bool) -> Judgements:
    own = {s.id for s in samples if s.node_id in numbers}
    found.qc = [each for each in found.qc if each[0] in own]
    found.made = {id: made for id, made in found.made.items() if id in own}
    if not every_hour:
        found.hours = [each for each in found.hours if each.node_id in numbers]
    return found
