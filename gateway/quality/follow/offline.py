"""Judge a span of the past of all nodes, in the order of time: what `dustline reprocess` rests on.

The same Judge as in the stream. In order nothing is provisional, and the neighbours' verdicts are those of
all that the journal has, backlogs included.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator

from gateway.quality.checks.hours import HOUR_S, hour_of
from gateway.quality.checks.judge import Judge
from gateway.quality.checks.network import HISTORY_DAYS
from gateway.quality.checks.series import MEMORY_S
from gateway.quality.follow import store
from gateway.quality.follow.batch import judge_batch
from gateway.quality.follow.store import Judgements

# A piece that is read, judged and written at once; 1,000 nodes have some 10,000 readings in it.
PIECE_S = 600


def judge_span(
    db: sqlite3.Connection, judge: Judge, since: int, until: int
) -> Generator[tuple[int, Judgements]]:
    """Yield (t, judgements) for the readings with since < t <= until (UTC s): complete up to t.

    `judge` is a new one. It first reads MEMORY_S and an hour before `since`, and the hours of two weeks
    before that. To go on later from some t, begin again there. Readings without a time are left out: nothing
    about them can change.
    """
    begin = since - MEMORY_S - HOUR_S
    first = hour_of(begin)
    known = store.hours_since(db, first - HISTORY_DAYS * 24)
    judge.network.restore((hour, name) for hour, name in known if hour.hour < first)
    at = begin
    while at < until:
        upto = min(at + PIECE_S, since if at < since else until)
        found = judge_batch(judge, store.samples_between(db, at, upto))
        at = upto
        if at > since:
            yield at, found
    # Hours that are over by then, which no later reading has closed.
    judge.network.advance(until)
    yield until, Judgements(hours=judge.take_hours())
