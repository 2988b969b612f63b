"""The thread that judges what the journal has, behind the pipeline and apart from it."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace

import structlog

from gateway.bell import Bell
from gateway.journal import Journal, JournalError
from gateway.journal.reader import id_since
from gateway.journal.schema import advice, open_reader
from gateway.operate.heartbeat import Heartbeat
from gateway.quality.checks.bits import PROVISIONAL
from gateway.quality.checks.hours import HOUR_S
from gateway.quality.checks.judge import Judge
from gateway.quality.checks.near import Spot
from gateway.quality.checks.network import HISTORY_DAYS
from gateway.quality.checks.sample import Sample
from gateway.quality.checks.series import MEMORY_S
from gateway.quality.checks.settings import QualitySettings
from gateway.quality.corrected.corrector import Made
from gateway.quality.corrected.sources import Files
from gateway.quality.follow import store
from gateway.quality.follow.batch import judge_batch
from gateway.quality.follow.correct import LiveCorrector
from gateway.quality.follow.settle import rejudge
from gateway.quality.follow.store import Judgements, Span

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.quality")

BATCH = 1000
IDLE_SECONDS = 30.0
# How long it rests after a step, as a multiple of what the step took: Python runs one thread at a time, and
# the pipeline comes first, most of all when messages wait for it.
_REST, _REST_BUSY = 1.0, 15.0
# Between two commits when there is little to do: readings of a second are judged together.
PAUSE_S = 0.25
LONGEST_RETRY_S = 30.0
# No batch takes so long, on a slow and busy disk either.
STALL_SECONDS = 120.0
# A journal that has no judgements yet is judged from there on; what is older is for `dustline reprocess`.
FIRST_S = 86400
# A node whose backlog does not end is judged anew all the same after so many times settle_s.
_PATIENCE = 10


@dataclass(slots=True, frozen=True)
class Figures:
    """Since the start. `lag`: ids beyond the cursor at the last look; `waiting`: nodes to be judged anew."""

    judged: int = 0
    late: int = 0
    settled: int = 0
    failures: int = 0
    lag: int = 0
    waiting: int = 0
    last_error: str | None = None


@dataclass(slots=True)
class _Late:
    """A node's late readings: their span, and when the first and the last of them came (monotonic s)."""

    span: Span
    first: float
    last: float


class QualityFollower(threading.Thread):
    """One thread. It owns its judge; `bell` rings after each commit of judgements.

    The cursor moves with what was judged, in one transaction, so a kill at any point judges nothing twice and
    leaves nothing out. What fails is tried again; nothing else waits for it.
    """

    def __init__(
        self,
        journal: Journal,
        settings: QualitySettings,
        places: Mapping[str, Spot],
        judge: Judge | None = None,
        busy: Callable[[], bool] = lambda: False,
        files: Files | None = None,
    ) -> None:
        """`busy`: whether messages wait for the pipeline now. `files`: of calibrations and stations."""
        super().__init__(name="quality", daemon=True)
        self._journal = journal
        self._settings = settings
        self._places = places
        self._given = judge
        self._busy = busy
        self._judge: Judge | None = None
        self._by = LiveCorrector(settings.corrected, files or Files(None, None), places)
        self._cursor = 0
        self._unwritten = Judgements()
        self._late: dict[int, _Late] = {}
        self._stopping = threading.Event()
        self._new_places = threading.Event()
        self._trouble: str | None = None
        self._tries_in_vain = 0
        self._figures = Figures()
        self.bell = Bell()
        self.heart = Heartbeat()

    @property
    def figures(self) -> Figures:
        """A consistent copy; any thread may ask."""
        return self._figures

    @property
    def errors(self) -> dict[str, int]:
        """Bugs met, by check."""
        judge = self._judge
        return {} if judge is None else judge.errors

    def places_changed(self) -> None:
        """The nodes file was read again; any thread may say so."""
        self._new_places.set()

    def stop(self, seconds: float = 2.0) -> bool:
        """End after the step under way. True when it has."""
        self._stopping.set()
        self._journal.bell.ring()
        if self.ident is not None:
            self.join(seconds)
        return not self.is_alive()

    def run(self) -> None:
        reader: sqlite3.Connection | None = None
        while not self._stopping.is_set():
            # Counted before the journal is read: what is committed after that has rung again.
            heard = self._journal.bell.wait(-1, 0)
            self._alive()
            began = time.monotonic()
            try:
                if reader is None:
                    reader = open_reader(self._journal.path)
                found = self._turn(reader)
            except (sqlite3.Error, JournalError) as error:
                told = advice(error) if isinstance(error, sqlite3.Error) else ""
                self._failed("journal", f"{self._journal.path}: {error}; {told}")
            except Exception as error:  # noqa: BLE001 - told in the log; the pipeline must not notice
                # What it knows may be half changed: begin anew from the cursor.
                self._judge, self._given, self._unwritten = None, None, Judgements()
                self._failed(type(error).__name__, f"{type(error).__name__}: {error}", bug=error)
            else:
                self._worked()
                if found:
                    self._rest_since(began, 0.0 if found >= BATCH else PAUSE_S)
                else:
                    self._wait(heard)
        if reader is not None:
            reader.close()

    def _turn(self, reader: sqlite3.Connection) -> int:
        """Judge what is new, and then one node anew if that is due; how many were new."""
        if self._unwritten:
            self._write(self._unwritten)
        judge = self._judge or self._begin(reader)
        if self._new_places.is_set():
            self._new_places.clear()
            judge.network.places_changed()
            self._by.places_changed()
        self._by.look()
        batch = store.samples_after(reader, self._cursor, BATCH)
        if batch:
            what = self._judge_batch(judge, batch)
            self._cursor = batch[-1].id
            self._write(what)
            self._count(judged=self._figures.judged + len(batch))
        self._settle_one(reader, judge)
        newest = reader.execute("SELECT max(id) FROM readings").fetchone()[0] or 0
        self._count(lag=max(0, newest - self._cursor), waiting=len(self._late))
        return len(batch)

    def _judge_batch(self, judge: Judge, batch: list[Sample]) -> Judgements:
        what = judge_batch(judge, batch, self._by.corrector)
        what.upto = batch[-1].id
        for s, (_, qc) in zip(batch, what.qc, strict=True):
            if qc & PROVISIONAL:
                self._note_late(s)
        return what

    def _write(self, what: Judgements) -> None:
        """In one transaction; what cannot be written now is kept, as the judge knows it already."""
        self._unwritten = what
        judge = self._judge
        assert judge is not None
        with self._journal.writing() as db:
            store.write(db, self._by.version(judge.version), what)
        self._unwritten = Judgements()
        self.bell.ring()
        self._journal.bell.ring()  # the page looks again

    def _begin(self, reader: sqlite3.Connection) -> Judge:
        """A judge that knows what it would know had it run on: from the hours, and the last readings."""
        judge = self._given or Judge(self._settings, self._places)
        at = store.cursor(reader, store.JUDGED)
        self._cursor = _first_cursor(reader) if at is None else at
        newest = store.newest_hour(reader)
        judge.network.restore(store.hours_since(reader, newest - HISTORY_DAYS * 24))
        for s, made in self._before_cursor(reader):
            judge.judge(s)
            if made is not None:
                judge.network.correct(s, made.pm25, made.pm10, (*made.by, made.factor))
        judge.take_amended()
        judge.take_hours()
        self._by.begin(reader, self._cursor)
        now = time.monotonic()
        waiting = store.provisional(reader)
        self._late = {node_id: _Late(span, now, now) for node_id, span in waiting.items()}
        self._judge = judge
        return judge

    def _before_cursor(self, reader: sqlite3.Connection) -> Generator[tuple[Sample, Made | None]]:
        """What came in the last MEMORY_S and HOUR_S before the cursor, in pages, with what is in use."""
        row = reader.execute(
            "SELECT received_ms FROM readings WHERE id <= ? ORDER BY id DESC LIMIT 1", (self._cursor,)
        ).fetchone()
        if row is None:
            return
        at = id_since(reader, int(row[0]) - (MEMORY_S + HOUR_S) * 1000) - 1
        while not self._stopping.is_set():
            self._alive()
            began = time.monotonic()
            found = store.judged_samples_after(reader, at, BATCH)
            page = [each for each in found if each[0].id <= self._cursor]
            if not page:
                return
            yield from page
            at = page[-1][0].id
            self._rest_since(began)

    def _note_late(self, s: Sample) -> None:
        if s.t is None:
            return
        now = time.monotonic()
        late = self._late.get(s.node_id)
        if late is None:
            self._late[s.node_id] = _Late(Span(s.t, s.t), now, now)
        else:
            late.span.since, late.span.until = min(late.span.since, s.t), max(late.span.until, s.t)
            late.last = now
        self._count(late=self._figures.late + 1)

    def _settle_one(self, reader: sqlite3.Connection, judge: Judge) -> None:
        """Judge one node anew whose late readings seem to be all there."""
        now, wait = time.monotonic(), self._settings.settle_s
        due = [
            node_id
            for node_id, late in self._late.items()
            if now - late.last >= wait or now - late.first >= _PATIENCE * wait
        ]
        if not due:
            return
        node_id = due[0]
        steps = rejudge(reader, judge, node_id, self._late[node_id].span, self._cursor, self._by.corrector)
        while not self._stopping.is_set():
            self._alive()
            began = time.monotonic()
            try:
                what = next(steps)
            except StopIteration as end:
                live = judge.nodes.get(node_id)
                if live is None or end.value.newest_t >= live.newest_t:
                    judge.nodes[node_id] = end.value
                del self._late[node_id]
                self._count(settled=self._figures.settled + 1)
                return
            self._write(what)
            self._rest_since(began)

    def _wait(self, heard: int) -> None:
        """Until something is committed, or a node is to be judged anew."""
        seconds = IDLE_SECONDS
        if self._late:
            now = time.monotonic()
            due = min(late.last for late in self._late.values()) + self._settings.settle_s
            seconds = min(seconds, max(0.05, due - now))
        self.heart.back_within(STALL_SECONDS + IDLE_SECONDS)
        self._journal.bell.wait(heard, seconds)

    def _alive(self) -> None:
        self.heart.back_within(STALL_SECONDS + LONGEST_RETRY_S)

    def _rest_since(self, began: float, least: float = 0.0) -> None:
        """After a step that began then: for as long, or longer while the pipeline is busy."""
        took = time.monotonic() - began
        self._rest(max(least, min(2.0, took * (_REST_BUSY if self._busy() else _REST))))

    def _rest(self, seconds: float) -> None:
        self._stopping.wait(seconds)

    def _failed(self, trouble: str, message: str, bug: Exception | None = None) -> None:
        """Count each failure, log each kind once until it is over; then rest, longer each time."""
        self._count(failures=self._figures.failures + 1, last_error=message)
        if trouble != self._trouble:
            self._trouble = trouble
            if bug is not None:
                log.error("a bug in the quality follower; it begins anew", exc_info=bug)
            else:
                log.warning("readings are not judged now; none is lost", problem=message)
        delay = min(LONGEST_RETRY_S, 0.5 * 2.0 ** min(self._tries_in_vain, 10))
        self._tries_in_vain += 1
        self._alive()
        self._rest(delay)

    def _worked(self) -> None:
        self._tries_in_vain = 0
        if self._trouble is not None:
            self._trouble = None
            log.info("readings are judged again", lag=self._figures.lag)

    def _count(self, **changes: int | str | None) -> None:
        # Only this thread writes; readers see the old object or the new one.
        self._figures = replace(self._figures, **changes)  # pyright: ignore[reportArgumentType]


def _first_cursor(reader: sqlite3.Connection) -> int:
    row = reader.execute("SELECT received_ms FROM readings ORDER BY id DESC LIMIT 1").fetchone()
    return 0 if row is None else max(0, id_since(reader, int(row[0]) - FIRST_S * 1000) - 1)
