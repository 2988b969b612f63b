"""Judging the past gives what judging the stream gave, from wherever it begins."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gateway.journal import Journal
from gateway.journal.integrity import check_fully
from gateway.journal.schema import open_reader
from gateway.quality.checks import Judge, QualitySettings
from gateway.quality.follow import store
from gateway.quality.follow.offline import judge_span
from tests.gateway.quality.judging import T0, judge_all, places, wobbling
from tests.gateway.quality.test_follower import commit, judged, new

HOURS = 12
NODES = 5


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 hours of five nodes: spikes, a node that stands still, one far from the others."""
    made = tmp_path_factory.mktemp("offline") / "journal.sqlite"
    values = wobbling(997, 20.0)
    with Journal(made, synchronous="NORMAL") as journal:
        for seq in range(1, HOURS * 60 + 1):
            at_once = []
            for node in range(1, NODES + 1):
                value = values[seq * node % 997]
                value = 300.0 if seq % 101 == node else value
                value = 33.3 if node == 2 and 200 < seq < 300 else value
                value = round(value * 4, 2) if node == 3 and seq > 120 else value
                at_once.append(new(seq, value, f"n{node}"))
            commit(journal, *at_once)
    return made


def rejudge(path: Path, since: int, until: int) -> list[int]:
    reader = open_reader(path)
    upto: list[int] = []
    with Journal(path, synchronous="NORMAL") as journal:
        judge = Judge(QualitySettings(), places(NODES))
        for t, found in judge_span(reader, judge, since, until):
            upto.append(t)
            with journal.writing() as db:
                store.write(db, judge.version, found)
        assert judge.errors == {}
    reader.close()
    return upto


def hours_of(path: Path) -> list[tuple[object, ...]]:
    with sqlite3.connect(path) as db:
        return db.execute("SELECT * FROM quality_hours ORDER BY hour, node_id").fetchall()


def test_the_past_is_judged_as_the_stream_and_again_from_any_point(path: Path) -> None:
    end = T0 + HOURS * 3600
    upto = rejudge(path, T0, end)
    assert (upto[0], upto[-1], upto == sorted(upto)) == (T0 + 600, end, True)
    with Journal(path) as journal:
        with journal.writing() as db:
            samples = store.samples_after(db, 0, 1_000_000)
            seqs = dict(db.execute("SELECT id, seq FROM readings").fetchall())
        stream = judge_all(samples, where=places(NODES))
        wanted = {(each.node, seqs[each.id]): stream[each.id] for each in samples}
        assert judged(journal) == wanted
        assert check_fully(journal._db) == []
    kinds = set(wanted.values())
    assert len(kinds) > 4
    hours = hours_of(path)
    assert len(hours) == NODES * (HOURS - 1)
    # Once more over a part: nothing changes but the numbers of the changes.
    rejudge(path, T0 + 7 * 3600, T0 + 9 * 3600)
    with Journal(path) as journal:
        assert judged(journal) == wanted
    assert hours_of(path) == hours
