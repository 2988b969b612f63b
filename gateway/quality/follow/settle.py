"""Judge a span of a node's past anew, in the order of time: what came late, and what it changes around it.

The same for a backlog that came in and for any other reason: begin MEMORY_S before the span with nothing
known, and the judgements within it are those of a stream in order.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator

from gateway.quality.checks.bits import mask_of
from gateway.quality.checks.hours import HOUR_S, Hour, HourBook, hour_of
from gateway.quality.checks.judge import Judge
from gateway.quality.checks.sample import Sample
from gateway.quality.checks.series import MEMORY_S, NodeJudge
from gateway.quality.corrected.corrector import Corrector
from gateway.quality.follow.store import Judgements, Span, samples_of_node

PAGE = 1000
_OF_NETWORK = mask_of("neighbours", "clogged")


def rejudge(
    db: sqlite3.Connection,
    judge: Judge,
    node_id: int,
    span: Span,
    upto_id: int,
    corrector: Corrector | None = None,
) -> Generator[Judgements, None, NodeJudge]:
    """Yield what changes, a page at a time; return the node's judge as it is at the end.

    Readings with ids beyond `upto_id` are left for the one who follows the journal. What the network said is
    kept where it is no longer remembered. Hours within the span are counted anew once they are over.
    """
    node, book = judge.fresh_node(node_id), HourBook()
    first_hour, last_hour = hour_of(span.since), hour_of(span.until)
    until = max(span.until, (last_hour + 1) * HOUR_S) + MEMORY_S
    after = (min(span.since, first_hour * HOUR_S) - MEMORY_S, 0)
    while True:
        page = samples_of_node(db, node_id, after, until, upto_id, PAGE)
        if not page:
            break
        found = Judgements(again=True)
        changed: dict[int, int] = {}
        for s, before, made in page:
            qc = _judge(judge, node, s, before)
            _take_amended(node, book, changed, found)
            t = s.t or 0
            # What is before the span is read for the memory alone: some of its own past is not.
            if t >= span.since and qc != before:
                changed[s.id] = qc
                made = None if corrector is None else corrector.correct(s, qc, again=True)
                if made is not None:
                    found.made[s.id] = made
            if first_hour <= hour_of(t) <= last_hour:
                key = s.node_id, s.slot
                book.add(key, s, t, qc)
                if made is not None:
                    book.correct(key, s.id, made.pm25, made.pm10, (*made.by, made.factor))
        last = page[-1][0]
        after = (last.t or 0, last.id)
        found.qc = list(changed.items())
        if corrector is not None:
            found.factors = corrector.take_factors()
        # An hour's last readings may still be amended by the next ones.
        found.hours = _take_hours(judge, book, hour_of(after[0]) - 1)
        if found:
            yield found
    hours = _take_hours(judge, book, last_hour)
    if hours:
        yield Judgements(hours=hours, again=True)
    return node


def _judge(judge: Judge, node: NodeJudge, s: Sample, before: int | None) -> int:
    t = s.t or 0
    qc = node.judge(s)
    if judge.network.remembers(t):
        return qc | judge.network.bits(s.node_id, s.slot, t)
    return qc | (before or 0) & _OF_NETWORK


def _take_amended(node: NodeJudge, book: HourBook, changed: dict[int, int], found: Judgements) -> None:
    """A bit for an earlier reading: of this page, or of one that is written already."""
    for earlier, bit in node.amended:
        book.amend(earlier, bit)
        if earlier.id in changed:
            changed[earlier.id] |= bit
        else:
            found.added.append((earlier.id, bit))
    node.amended.clear()


def _take_hours(judge: Judge, book: HourBook, upto: int) -> list[Hour]:
    """Those up to that number, if they are over for the network, too: else it counts them itself."""
    upto = min(upto, judge.network.closed_upto)
    return [row for hour in sorted(book.open) if hour <= upto for row in book.take(hour, judge.complete)]
