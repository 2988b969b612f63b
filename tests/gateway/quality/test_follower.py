"""The follower against a real journal: each reading is judged, once, and late ones as if they were not."""

from __future__ import annotations

import random
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gateway.journal import Batch, Journal, NewReading
from gateway.journal.bounds import Bounds, Pruner
from gateway.journal.integrity import check_fully
from gateway.journal.salvage import salvage
from gateway.quality.checks import Judge, QualitySettings, Sample, names_of
from gateway.quality.checks.base import Check, Series, Step
from gateway.quality.checks.bits import PROVISIONAL, UNJUDGED
from gateway.quality.checks.settings import CheckSettings
from gateway.quality.follow import follower as follow
from gateway.quality.follow import store
from gateway.quality.follow.follower import QualityFollower
from tests.gateway.quality.judging import T0, judge_all, wobbling
from tests.support import wait_for

Start = Callable[..., QualityFollower]


def new(seq: int, value: float | None = None, node: str = "n1", **changes: Any) -> NewReading:
    t = T0 + 60 * seq
    value = wobbling(500, 20.0)[seq % 500] if value is None else value
    given: dict[str, Any] = {
        "received_ms": (t + 2) * 1000,
        "node": node,
        "boot": 1,
        "seq": seq,
        "t": t,
        "tq": "ntp",
        "up": 100_000 + 60 * seq,
        "dt": 60,
        "n": 58,
        "slot": "a",
        "model": "sds011",
        "flags": (),
        "values": {"pm25": value, "pm10": round(value * 1.5, 2), "rh": 50.0},
    }
    return NewReading(**{**given, **changes})


def commit(journal: Journal, *readings: NewReading) -> None:
    assert journal.commit(Batch("warsaw", readings=list(readings))).stored == len(readings)


def judged(journal: Journal) -> dict[tuple[str, int], int]:
    """Bits by node and seq, of what is judged."""
    with journal.writing() as db:
        rows = db.execute(
            "SELECT name, seq, qc FROM quality JOIN readings ON readings.id = reading_id"
            " JOIN nodes ON nodes.id = node_id"
        ).fetchall()
    return {(name, seq): qc for name, seq, qc in rows}


def in_order(journal: Journal, **sections: Any) -> dict[tuple[str, int], int]:
    """What one judge makes of all that the journal has, in the order of time."""
    with journal.writing() as db:
        samples = store.samples_after(db, 0, 1_000_000)
        seqs = dict(db.execute("SELECT id, seq FROM readings").fetchall())
    ordered = sorted(samples, key=lambda each: (each.t or 0, each.id))
    judge = Judge(QualitySettings.model_validate(sections), {})
    found = judge_all(ordered, judge)
    assert judge.errors == {}
    return {(each.node, seqs[each.id]): found[each.id] for each in samples}


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.sqlite") as made:
        yield made


@pytest.fixture
def start(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Followers that settle after a second; `checks` are added to the usual ones."""
    monkeypatch.setattr(follow, "PAUSE_S", 0.01)
    running: list[QualityFollower] = []

    def begin(*checks: Check[Any], where: Any = None, **sections: Any) -> QualityFollower:
        settings = QualitySettings.model_validate({"settle_s": 1, **sections})
        judge = Judge(settings, where or {}, checks) if checks else None
        running.append(QualityFollower(journal, settings, where or {}, judge))
        running[-1].start()
        return running[-1]

    yield begin
    for each in running:
        assert each.stop(10)


def wait_until_judged(journal: Journal, follower: QualityFollower, seconds: float = 20.0) -> None:
    def is_done() -> bool:
        with journal.writing() as db:
            newest = db.execute("SELECT max(id) FROM readings").fetchone()[0]
            left = db.execute(f"SELECT 1 FROM quality WHERE qc & {PROVISIONAL} LIMIT 1").fetchone()
            return store.cursor(db, store.JUDGED) == newest and left is None

    wait_for(is_done, seconds, f"all to be judged: {follower.figures}")


def test_every_reading_is_judged_and_none_is_changed(journal: Journal, start: Start) -> None:
    commit(journal, *(new(seq, 300.0 if seq == 20 else None) for seq in range(1, 150)))
    with journal.writing() as db:
        before = db.execute("SELECT * FROM readings").fetchall()
    follower = start()
    wait_until_judged(journal, follower)
    commit(journal, *(new(seq) for seq in range(150, 200)), new(200, t=None, tq="none"))
    wait_until_judged(journal, follower)
    found = judged(journal)
    assert found.keys() == {("n1", seq) for seq in range(1, 201)}
    assert names_of(found["n1", 20]) == ["rate", "spike"]
    assert names_of(found["n1", 200]) == ["clock"]
    assert sum(1 for qc in found.values() if qc) == 2
    with journal.writing() as db:
        assert db.execute("SELECT * FROM readings WHERE id < 150").fetchall() == before
        assert check_fully(db) == []
        assert db.execute("SELECT count(*), count(DISTINCT version) FROM quality").fetchone() == (200, 1)
        hours = db.execute("SELECT expected, have, qc FROM quality_hours ORDER BY hour").fetchall()
    assert hours[:2] == [(60, 59, 0), (60, 60, 0)]


@pytest.mark.parametrize("seed", [1, 2])
def test_a_backlog_that_comes_late_is_judged_as_if_in_order(
    journal: Journal, start: Start, seed: int
) -> None:
    print("seed", seed)
    rng = random.Random(seed)
    values = wobbling(400, 20.0)
    values[100] = values[250] = 300.0
    values[140:200] = [33.3] * 60
    readings = [new(seq, values[seq]) for seq in range(1, 400)]
    # The newest first, then the outbox in order, in between what is born.
    fresh, backlog = readings[300:], readings[:300]
    arrival: list[NewReading] = []
    while fresh or backlog:
        source = fresh if fresh and (not backlog or rng.random() < 0.3) else backlog
        arrival += [source.pop(0) for _ in range(min(len(source), rng.randint(1, 30)))]
    follower = start()
    for at in range(0, len(arrival), 40):
        commit(journal, *arrival[at : at + 40])
    wait_until_judged(journal, follower)
    assert follower.figures.late > 100
    found, wanted = judged(journal), in_order(journal)
    assert {
        key: (names_of(found[key]), names_of(wanted[key])) for key in wanted if found[key] != wanted[key]
    } == {}
    assert sum(1 for qc in wanted.values() if "stuck" in names_of(qc)) == 31
    assert [seq for (_, seq), qc in sorted(wanted.items()) if "spike" in names_of(qc)] == [100, 250]
    with journal.writing() as db:
        hours = db.execute("SELECT hour, expected, have FROM quality_hours ORDER BY hour").fetchall()
    assert [have for _, _, have in hours][:3] == [60, 59, 60 - 12]


def test_a_restart_goes_on_with_what_was_known(journal: Journal, start: Start) -> None:
    values = wobbling(60, 20.0)
    values[20:] = [33.3] * 40
    values[19] = 300.0  # judged when its successor comes: after the restart
    commit(journal, *(new(seq, values[seq]) for seq in range(1, 20)))
    first = start()
    wait_until_judged(journal, first)
    assert first.stop(10)
    assert "spike" not in names_of(judged(journal)["n1", 19])
    for begin, end in ((20, 30), (30, 60)):
        commit(journal, *(new(seq, values[seq]) for seq in range(begin, end)))
        follower = start()
        wait_until_judged(journal, follower)
        assert follower.stop(10)
    assert judged(journal) == in_order(journal)
    assert "spike" in names_of(judged(journal)["n1", 19])
    assert "stuck" in names_of(judged(journal)["n1", 50])


def test_late_readings_that_a_stop_left_are_judged_anew_at_the_next_start(
    journal: Journal, start: Start
) -> None:
    patient = start(settle_s=600)
    commit(journal, *(new(seq) for seq in range(30, 60)))
    commit(journal, *(new(seq) for seq in range(1, 30)))
    wait_for(lambda: patient.figures.late == 29, what="late readings")
    wait_for(lambda: patient.figures.lag == 0, what="the cursor")
    assert patient.stop(10)
    assert sum(1 for qc in judged(journal).values() if qc & PROVISIONAL) == 29
    follower = start()
    wait_until_judged(journal, follower)
    assert judged(journal) == in_order(journal)


def test_an_older_journal_is_judged_from_its_last_day_on(journal: Journal, start: Start) -> None:
    days = [new(1 + 720 * half, received_ms=(T0 + 43200 * half) * 1000) for half in range(8)]
    commit(journal, *days)
    wait_until_judged(journal, start())
    assert sorted(seq for _, seq in judged(journal)) == [1 + 720 * half for half in (5, 6, 7)]


def test_in_a_flood_it_steps_back_and_gets_through(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []
    monkeypatch.setattr(follow, "BATCH", 10)
    monkeypatch.setattr(follow, "_REST", 0.0)
    monkeypatch.setattr(QualityFollower, "_rest", lambda _, seconds: rests.append(seconds))
    flood = threading.Event()
    flood.set()
    commit(journal, *(new(seq) for seq in range(1, 100)))
    follower = QualityFollower(journal, QualitySettings(settle_s=1), {}, busy=flood.is_set)
    follower.start()
    wait_until_judged(journal, follower)
    assert all(seconds > 0 for seconds in rests)
    flood.clear()
    rests.clear()
    commit(journal, *(new(seq) for seq in range(100, 110)))
    wait_until_judged(journal, follower)
    assert follower.stop(10)
    assert 0.0 in rests


class Blocking(Check[CheckSettings]):
    """Waits on reading 3 until it is let go."""

    name: ClassVar[str] = "rate"
    gate: ClassVar[threading.Event]
    reached: ClassVar[threading.Event]

    def watch(self, series: Series) -> Step:
        def step(s: Sample) -> int:
            if s.id == 3:
                self.reached.set()
                assert self.gate.wait(30)
            return 0

        return step


def test_nothing_waits_for_a_check(journal: Journal, start: Start) -> None:
    Blocking.gate, Blocking.reached = threading.Event(), threading.Event()
    commit(journal, *(new(seq) for seq in range(1, 5)))
    follower = start(Blocking(CheckSettings()))
    try:
        assert Blocking.reached.wait(10)
        commit(journal, new(5))  # what an ack waits for
        assert judged(journal) == {}
    finally:
        Blocking.gate.set()
    wait_until_judged(journal, follower)
    assert len(judged(journal)) == 5


class Failing(Check[CheckSettings]):
    name: ClassVar[str] = "humid"

    def watch(self, series: Series) -> Step:
        def step(s: Sample) -> int:
            raise KeyError("made for a test")

        return step


def test_a_check_with_a_bug_is_counted_and_the_rest_goes_on(journal: Journal, start: Start) -> None:
    commit(journal, *(new(seq, 300.0 if seq == 20 else None) for seq in range(1, 40)))
    follower = start(Failing(CheckSettings()))
    wait_until_judged(journal, follower)
    assert follower.errors == {"humid": 39}
    assert follower.figures.failures == 0
    found = judged(journal)
    assert all(qc & UNJUDGED for qc in found.values())
    assert "spike" in names_of(found["n1", 20])


def test_a_journal_that_cannot_be_written_for_a_while_costs_no_judgement(
    journal: Journal, start: Start, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    left = [3]
    write = store.write

    def sometimes(*arguments: Any) -> None:
        write(*arguments)
        if left[0]:
            left[0] -= 1
            raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(store, "write", sometimes)
    monkeypatch.setattr(follow, "LONGEST_RETRY_S", 0.05)
    commit(journal, *(new(seq, 300.0 if seq == 20 else None) for seq in range(1, 40)))
    follower = start()
    wait_until_judged(journal, follower)
    assert (left, follower.figures.failures) == ([0], 3)
    assert judged(journal) == in_order(journal)
    assert capsys.readouterr().out.count("readings are not judged now") <= 1


def test_a_bug_in_the_follower_itself_is_told_and_it_begins_anew(
    journal: Journal, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [2]
    take_hours = Judge.take_hours

    def sometimes(judge: Judge) -> Any:
        if left[0]:
            left[0] -= 1
            raise RuntimeError("made for a test")
        return take_hours(judge)

    monkeypatch.setattr(Judge, "take_hours", sometimes)
    monkeypatch.setattr(follow, "LONGEST_RETRY_S", 0.05)
    commit(journal, *(new(seq, 300.0 if seq == 20 else None) for seq in range(1, 40)))
    follower = start()
    wait_until_judged(journal, follower)
    assert follower.figures.failures == 2
    assert judged(journal) == in_order(journal)


def test_judgements_go_with_their_readings(journal: Journal, start: Start) -> None:
    commit(journal, *(new(seq) for seq in range(1, 400)))
    wait_until_judged(journal, start())
    pruner = Pruner(journal)
    pruner.begin(Bounds(max_bytes=1), [])
    while pruner.step():
        pass
    with journal.writing() as db:
        assert db.execute("SELECT count(*) FROM readings").fetchone() == (1,)
        assert db.execute("SELECT reading_id FROM quality").fetchall() == [(399,)]
        assert db.execute("SELECT count(*) FROM quality_hours").fetchone()[0] <= 2
        assert check_fully(db) == []


def test_judgements_are_checked_and_salvaged(journal: Journal, start: Start) -> None:
    commit(journal, *(new(seq) for seq in range(1, 200)))
    follower = start()
    wait_until_judged(journal, follower)
    assert follower.stop(10)
    before = judged(journal)
    with journal.writing() as db:
        hours = db.execute("SELECT * FROM quality_hours").fetchall()
        db.execute("INSERT INTO quality (reading_id, version, qc, change) VALUES (5000, 1, 0, 5000)")
    assert check_fully(journal._db) == ["1 judgements are of no reading or by no known checks"]
    journal.close()
    report = salvage(journal.path)
    assert (report.damaged, report.lost, report.kept["quality"]) == ({}, [], 200)
    with Journal(journal.path) as again:
        assert check_fully(again._db) == []
        assert judged(again) == before
        with again.writing() as db:
            assert db.execute("SELECT * FROM quality_hours").fetchall() == hours
            assert store.cursor(db, store.JUDGED) == 199
