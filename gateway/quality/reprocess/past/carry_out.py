"""Judge a span of what InfluxDB has, in the side file, as the journal's is judged: by the same code."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.config import Settings
from gateway.quality.checks.hours import HOUR_S
from gateway.quality.checks.series import MEMORY_S
from gateway.quality.follow import store
from gateway.quality.follow.correct import restore
from gateway.quality.follow.offline import PIECE_S as JUDGED_AT_ONCE_S
from gateway.quality.follow.offline import judge_span
from gateway.quality.reprocess import runs
from gateway.quality.reprocess.beside import Beside
from gateway.quality.reprocess.carry_out import By, RefusedError, Wanted, said
from gateway.quality.reprocess.past import fetch, file
from gateway.quality.reprocess.past.fetch import Fetched
from gateway.quality.reprocess.past.file import PIECE_S, Asked
from gateway.quality.reprocess.past.influxql import Influx
from gateway.quality.reprocess.past.plan import From
from gateway.quality.reprocess.runs import COMING, JUDGING, READY, Run

Tell = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Task:
    """`until`: of the part that is read from InfluxDB, UTC s. `history_s`: so much of the time before is read
    and judged for what is usual, and said of nothing."""

    wanted: Wanted
    source: From
    until: int
    history_s: int


@dataclass(slots=True)
class Done:
    """`resumed`: from where (UTC s) a run that was cut off went on. `errors`: bugs met, by check."""

    asked: Asked
    run: Run
    fetched: Fetched
    resumed: int | None = None
    errors: dict[str, int] = field(default_factory=dict[str, int])


def reprocess(
    past: Beside, influx: Influx, settings: Settings, task: Task, by: By, tells: tuple[Tell, Tell]
) -> Done:
    """Read and judge what was asked for. The run is then ready, or on its way into use. `tells`: of reading,
    of judging. `by` is new. Raises RefusedError, PastError, JournalError."""
    wanted = task.wanted
    with past.writing() as db:
        asked = file.asked(db, _text(task, by))
        run = runs.find(db, asked.run)
    until = task.until if run is None else run.until
    shared = 0 if by.corrector is None or by.corrector.shared is None else by.corrector.shared.memory_s
    lead_s = task.history_s + MEMORY_S + HOUR_S + shared
    whose = fetch.Whose(settings.network, frozenset(settings.broker.shard_digits))
    fetched = fetch.fetch(past, influx, whose, max(0, wanted.since - lead_s), until, tells[0])
    reader = file.reader(past.path)
    try:
        resumed = None
        if run is None:
            _refuse_nothing(reader, influx, settings, wanted, until)
            run = _begin(past, asked, task, by, until, fetched.first or 0)
        else:
            resumed = max(run.since, run.upto)
        if run.state == JUDGING:
            _judge(past, reader, by, run, tells[1])
            with past.writing() as db:
                runs.set_state(db, run.id, READY if wanted.aside else COMING)
        found = runs.find(reader, run.id)
        assert found is not None
        return Done(asked, found, fetched, resumed, by.judge.errors)
    finally:
        reader.close()


def _judge(past: Beside, reader: sqlite3.Connection, by: By, run: Run, tell: Tell) -> None:
    """Up to run.since it is judged for the hours alone, and for what the corrector must know."""
    begin = run.upto
    if by.corrector is not None:
        restore(by.corrector, reader, run.id, begin - MEMORY_S - HOUR_S + 1)
    steps = judge_span(
        reader, by.judge, begin, run.until, by.corrector, run=run.id, node=run.node, every_hour=True
    )
    for t, found in steps:
        if t <= run.since:
            found.qc, found.made = [], {}
        if found or t >= run.until:
            with past.writing() as db:
                runs.write(db, run, found, t)
        tell((t - begin) / max(1, run.until - begin))


def _begin(past: Beside, asked: Asked, task: Task, by: By, until: int, first_hour: int) -> Run:
    since = task.wanted.since
    # Where there is nothing, nothing need be judged. Pieces end at `since`.
    lead_s = max(0, min(task.history_s, since - first_hour * PIECE_S))
    with past.writing() as db:
        number = store.version_id(db, by.version)
        run = runs.begin(db, number, since, until, task.wanted.until is None, task.wanted.node)
        runs.set_upto(db, run.id, since - -(-lead_s // JUDGED_AT_ONCE_S) * JUDGED_AT_ONCE_S)
        file.note_run(db, asked.id, run.id)
        found = runs.find(db, run.id)
    assert found is not None
    return found


def _refuse_nothing(
    reader: sqlite3.Connection, influx: Influx, settings: Settings, wanted: Wanted, until: int
) -> None:
    node = f" of node {wanted.node}" if wanted.node else ""
    if store.has_readings(reader, wanted.since, until, wanted.node):
        return
    raise RefusedError(
        f"{influx.where} ({influx.target}) has no readings{node} of network {settings.network!r} from "
        f"{said(wanted.since)} to {said(until)}: its retention may have taken them out; or check {SETTINGS}"
    )


SETTINGS = "influx.url, influx.database or influx.bucket, and network"


def _text(task: Task, by: By) -> str:
    """What makes a command the same, so that it goes on where it was cut off."""
    wanted = task.wanted
    return json.dumps(
        [wanted.since, wanted.until, wanted.node, wanted.aside, task.source, task.history_s, by.version.hash]
    )
