"""Judge and correct a span of the past into a run of its own, and go on where one was cut off."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from gateway.config import Settings
from gateway.journal.schema import JournalError, open_reader
from gateway.quality.checks.hours import HOUR_S
from gateway.quality.checks.judge import Judge, Version
from gateway.quality.checks.series import MEMORY_S
from gateway.quality.corrected.corrector import CALIBRATION, NONE, Corrector
from gateway.quality.corrected.sources import Files
from gateway.quality.follow import store
from gateway.quality.follow.correct import restore
from gateway.quality.follow.offline import Earlier, judge_span
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


class Before(Earlier, Protocol):
    """What InfluxDB gave back of the time before; see past/edge.py."""

    def restore(self, corrector: Corrector, until: int) -> None:
        """As follow.correct.restore."""
        ...


@dataclass(slots=True)
class By:
    """What judges and corrects, each new, and the version that names both."""

    judge: Judge
    corrector: Corrector | None
    version: Version


def by_settings(settings: Settings) -> By:
    """Raises RefusedError, CalibrationError."""
    if not settings.quality.enabled:
        raise RefusedError("quality.enabled is false: there are no checks to judge by; set it to true")
    judge, corrector = Judge(settings.quality, settings.places), _corrector(settings)
    return By(judge, corrector, judge.version if corrector is None else corrector.version(judge.version))


def reprocess(
    beside: Beside,
    settings: Settings,
    wanted: Wanted,
    tell: Tell = lambda _: None,
    before: Before | None = None,
) -> Done:
    """Judge what was asked for. The run is then ready, or with one more step on its way into use: a kill in
    between finds it there. `before` has what the journal has lost of the time before `since`. Raises
    RefusedError, JournalError, CalibrationError."""
    by = by_settings(settings)
    db = open_reader(beside.path)
    try:
        until = int(time.time()) if wanted.until is None else wanted.until
        _refuse_impossible(db, wanted, until, before is not None)
        done = _begin(beside, by.version, wanted, until)
        run = done.run
        if run.state == JUDGING:
            _judge(beside, db, by, run, tell, before)
            done.errors = by.judge.errors
            with beside.writing() as writing:
                runs.set_state(writing, run.id, READY if wanted.aside else COMING)
        found = runs.find(db, run.id)
        assert found is not None
        done.run = found
        return done
    finally:
        db.close()


def _judge(
    beside: Beside, db: sqlite3.Connection, by: By, run: Run, tell: Tell, before: Before | None
) -> None:
    if by.corrector is not None:
        until = run.upto - MEMORY_S - HOUR_S + 1
        if before is not None:
            before.restore(by.corrector, until)
        restore(by.corrector, db, run.id, until, since=0 if before is None else before.upto)
    steps = judge_span(
        db, by.judge, run.upto, run.until, by.corrector, run=run.id, node=run.node, earlier=before
    )
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


def pruned_upto(db: sqlite3.Connection) -> int | None:
    """The time (UTC s) of the newest reading that the journal's bounds have taken out."""
    row = db.execute("SELECT max(newest_t) FROM gone WHERE was = 'stored'").fetchone()
    return None if row[0] is None else int(row[0])


def knows(db: sqlite3.Connection, node: str) -> bool:
    return db.execute("SELECT 1 FROM nodes WHERE name = ?", (node,)).fetchone() is not None


def _refuse_impossible(db: sqlite3.Connection, wanted: Wanted, until: int, known_before: bool) -> None:
    if wanted.since >= until:
        raise RefusedError("--since must be before --until, and not in the future")
    if wanted.node and not knows(db, wanted.node):
        raise RefusedError(f"the journal knows no node {wanted.node!r}")
    pruned = pruned_upto(db)
    if pruned is not None and wanted.since < pruned and not known_before:
        raise RefusedError(
            f"readings up to {said(pruned)} are no longer all in the journal: its bounds (journal.keep_days, "
            "journal.max_mb) have taken them out, and by --from journal they are not read back; "
            f"give --since {said(pruned)} or later"
        )


def said(t: int) -> str:
    return datetime.fromtimestamp(t, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


__all__ = [
    "By",
    "Done",
    "JournalError",
    "RefusedError",
    "Wanted",
    "by_settings",
    "knows",
    "pruned_upto",
    "reprocess",
    "said",
]
