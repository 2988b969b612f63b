"""Judge and correct a span of the past into a run of its own, and go on where one was cut off."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.config import Settings
from gateway.journal.schema import JournalError, open_reader
from gateway.quality.checks.hours import HOUR_S
from gateway.quality.checks.judge import Judge, Version
from gateway.quality.checks.series import MEMORY_S
from gateway.quality.corrected.corrector import CALIBRATION, NONE, Corrector
from gateway.quality.corrected.sources import Files
from gateway.quality.follow import store
from gateway.quality.follow.correct import restore
from gateway.quality.follow.offline import judge_span
from gateway.quality.reprocess import runs
from gateway.quality.reprocess.beside import Beside
from gateway.quality.reprocess.runs import COMING, JUDGING, READY, Run

Tell = Callable[[float], None]


class RefusedError(Exception):
    """It cannot be reprocessed as asked; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """UTC s; `until` None is now. `node` "" is all nodes. `aside`: it is not brought into use."""

    since: int
    until: int | None = None
    node: str = ""
    aside: bool = False


@dataclass(slots=True)
class Done:
    """`resumed`: from where (UTC s) a run that was cut off went on. `errors`: bugs met, by check."""

    run: Run
    resumed: int | None = None
    errors: dict[str, int] = field(default_factory=dict[str, int])


def reprocess(beside: Beside, settings: Settings, wanted: Wanted, tell: Tell = lambda _: None) -> Done:
    """Judge what was asked for. The run is then ready, or with one more step on its way into use: a kill in
    between finds it there. Raises RefusedError, JournalError, CalibrationError."""
    if not settings.quality.enabled:
        raise RefusedError("quality.enabled is false: there are no checks to judge by; set it to true")
    db = open_reader(beside.path)
    try:
        until = int(time.time()) if wanted.until is None else wanted.until
        _refuse_impossible(db, wanted, until)
        judge = Judge(settings.quality, settings.places)
        corrector = _corrector(settings)
        by = judge.version if corrector is None else corrector.version(judge.version)
        done = _begin(beside, by, wanted, until)
        run = done.run
        if run.state == JUDGING:
            _judge(beside, db, judge, corrector, run, tell)
            done.errors = judge.errors
            with beside.writing() as writing:
                runs.set_state(writing, run.id, READY if wanted.aside else COMING)
        found = runs.find(db, run.id)
        assert found is not None
        done.run = found
        return done
    finally:
        db.close()


def _judge(
    beside: Beside, db: sqlite3.Connection, judge: Judge, corrector: Corrector | None, run: Run, tell: Tell
) -> None:
    if corrector is not None:
        restore(corrector, db, run.id, run.upto - MEMORY_S - HOUR_S + 1)
    steps = judge_span(db, judge, run.upto, run.until, corrector, run=run.id, node=run.node)
    for t, found in steps:
        if found or t >= run.until:
            with beside.writing() as writing:
                runs.write(writing, run, found, t)
        tell((t - run.since) / max(1, run.until - run.since))


def _begin(beside: Beside, by: Version, wanted: Wanted, until: int) -> Done:
    with beside.writing() as db:
        number = store.version_id(db, by)
        found = runs.unfinished(db, number, wanted.since, wanted.until, wanted.node)
        if found is None:
            return Done(runs.begin(db, number, wanted.since, until, wanted.until is None, wanted.node))
        return Done(found, found.until if found.state == COMING else found.upto)


def _corrector(settings: Settings) -> Corrector | None:
    by, files = settings.quality.corrected, Files(settings.calibration.folder, settings.calibration.stations)
    if by == NONE or (by == CALIBRATION and not files.named):
        return None
    if by == CALIBRATION:
        files.look()
    return Corrector(by, files, settings.places)


def _refuse_impossible(db: sqlite3.Connection, wanted: Wanted, until: int) -> None:
    if wanted.since >= until:
        raise RefusedError("--since must be before --until, and not in the future")
    if wanted.node and db.execute("SELECT 1 FROM nodes WHERE name = ?", (wanted.node,)).fetchone() is None:
        raise RefusedError(f"the journal knows no node {wanted.node!r}")
    row = db.execute("SELECT max(newest_t) FROM gone WHERE was = 'stored'").fetchone()
    pruned = row[0]
    if pruned is not None and wanted.since < pruned:
        raise RefusedError(
            f"readings up to {said(pruned)} are no longer all in the journal: its bounds (journal.keep_days, "
            "journal.max_mb) have taken them out. A destination still has what it got of them, but it is not "
            f"read back; give --since {said(pruned)} or later"
        )


def said(t: int) -> str:
    return datetime.fromtimestamp(t, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


__all__ = ["Done", "JournalError", "RefusedError", "Wanted", "reprocess", "said"]
