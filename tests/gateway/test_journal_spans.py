"""Readings are stored once, and found, wherever in the journal they lie.

The journal's ids are made to jump, so that few readings lie in many spans.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from gateway import extents
from gateway.journal import Journal, JournalReader, Rejected, bounds
from gateway.journal.integrity import check_fully
from gateway.journal.salvage import salvage
from gateway.journal.spans import PERIOD_S, SPAN_BITS, newest_upto, oldest_from
from gateway.journal.writer import NotReplayedError
from gateway.quality.follow.store import samples_between, samples_of_node
from gateway.quarantine.bound import QuarantineBounds, Trimmer
from gateway.records import Claim, LedgerRow, NewReading
from tests.gateway.batches import bad, batch, new

T0 = 1_700_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with Journal(path, synchronous="NORMAL") as journal:
        yield journal


def jump(journal: Journal, spans: int = 1) -> None:
    """The next reading's id lies so many spans further on, as after so many more readings."""
    with journal.writing() as db:
        db.execute("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'readings'", (spans << SPAN_BITS,))


def forget(journal: Journal) -> None:
    """What is remembered between commits, as after a start."""
    journal._held.clear(), journal._nodes.clear(), journal._spans.clear()


def test_a_duplicate_is_one_however_long_ago_it_came(journal: Journal) -> None:
    journal.commit(batch(new(1), new(2)))
    for restarted in (False, True):
        jump(journal, 300)
        if restarted:
            forget(journal)
        done = journal.commit(batch(new(2), new(1, values={"pm25": 99.0}), new(3)))
        assert (done.stored, done.duplicates, done.quarantined) == (
            (0, 3, {}) if restarted else (1, 1, {"conflict": 1})
        )
    assert check_fully(journal._db) == []


def test_what_is_remembered_wrongly_stores_nothing_twice(path: Path, journal: Journal) -> None:
    journal.commit(batch(new(1), new(2), new(5)))
    for wrong in ([], [(1, 1)], [(1, 2)], [(1, 1), (5, 5)], [(1, 2), (4, 4)], [(5, 5)]):
        jump(journal)
        journal._held[1, 1] = list(wrong)
        with pytest.raises(sqlite3.IntegrityError, match="other seqs than those that are remembered"):
            journal.commit(batch(new(2), new(5), new(6)))
        # The error has made it look again.
        assert journal.commit(batch(new(2), new(5))).duplicates == 2
    journal._held[1, 1] = [(1, 2)]
    with pytest.raises(sqlite3.IntegrityError, match="other seqs"):
        journal.commit(batch(new(3)))  # next to what is remembered, and the file has more above
    with JournalReader(path) as reader:
        assert [(row.stored, row.missing_ranges) for row in reader.ledger()] == [(3, ((3, 4),))]
    assert check_fully(journal._db) == []


def test_a_second_row_of_an_identity_is_found_by_the_check(path: Path, journal: Journal) -> None:
    journal.commit(batch(new(1), new(2)))
    columns = [row[1] for row in journal._db.execute("PRAGMA table_info(readings)")][1:]
    names = ", ".join(columns)
    journal._db.execute(
        f"INSERT INTO readings (id, {names}) SELECT 1000000, {names} FROM readings WHERE id = 2"
    )
    assert check_fully(journal._db) == [
        "1 hours of readings cannot be found by their time",
        "node 1 boot 1: seq 2 is stored twice",
    ]
    journal.close()
    assert salvage(path).oddities == 1
    with Journal(path) as sound:
        assert check_fully(sound._db) == []


def test_a_late_reading_is_found_by_its_time(path: Path, journal: Journal) -> None:
    journal.commit(batch(*(new(seq, t=T0 + 60 * seq) for seq in range(100, 200))))
    jump(journal, 40)
    late = [new(seq, t=T0 + 60 * seq) for seq in range(1, 100)]
    journal.commit(batch(*late, new(300, t=T0 + 60 * 300)))
    with JournalReader(path) as reader:
        found = reader.series("n1", T0 + 60 * 90, T0 + 60 * 110)
        assert [each.seq for each in found] == list(range(90, 111))
        assert [each.seq for each in reader.series("n1", T0, T0 + 60 * 300, limit=3)] == [198, 199, 300]
        (row,) = reader.ledger(since=T0 + 60 * 150)
        assert (row.born, row.stored, row.missing) == (151, 51, 100)
        assert [each.seq for each in reader.identified("n1", 1, 7)] == [7]
    for t, before, after in (
        (-1, None, 1),
        (0, None, 1),
        (60, 1, 1),
        (90, 1, 2),
        (60 * 250, 199, 300),
        (1 << 31, 300, None),
    ):
        assert seq_of(journal, newest_upto(journal._db, 1, T0 + t)) == before
        assert seq_of(journal, oldest_from(journal._db, 1, T0 + t)) == after
    assert newest_upto(journal._db, 2, T0 + 60 * 250) is None
    seqs = [int(each.id) for each in samples_between(journal._db, T0 + 60 * 98, T0 + 60 * 102)]
    assert len(seqs) == 4
    assert seqs != sorted(seqs)  # by time, not by arrival
    page = samples_of_node(journal._db, 1, (T0 + 60 * 98, 0), T0 + 60 * 150, 1 << 62, 5)
    assert [each.t for each, *_ in page] == [T0 + 60 * seq for seq in range(98, 103)]


def seq_of(journal: Journal, id: int | None) -> int | None:
    row = journal._db.execute("SELECT seq FROM readings WHERE id = ?", (id,)).fetchone()
    return row and int(row[0])


def brute_ledger(db: sqlite3.Connection, since: int | None) -> list[LedgerRow]:
    """By counting rows, one boot after the other."""
    found: list[LedgerRow] = []
    boots = db.execute(
        "SELECT id, name, boot FROM nodes JOIN (SELECT node_id, boot FROM extents UNION SELECT node_id, boot"
        " FROM claims) ON node_id = id ORDER BY name, boot"
    ).fetchall()
    for id, name, boot in boots:
        held = db.execute(
            "SELECT first, last FROM extents WHERE node_id = ? AND boot = ? ORDER BY first", (id, boot)
        ).fetchall()
        claim = db.execute(
            "SELECT last, seen_ms FROM claims WHERE node_id = ? AND boot = ?", (id, boot)
        ).fetchone()
        if not held and since is not None and claim[1] < since * 1000:
            continue
        last = max([claim[0] if claim else 0, *(high for _, high in held)])
        gone = db.execute(
            "SELECT first, last, newest_t FROM gone WHERE node_id = ? AND boot = ? AND was = 'stored'",
            (id, boot),
        ).fetchall()
        older = [high for _, high, t in gone if since is not None and t is not None and t < since]
        older += [
            seq
            for seq, t in db.execute("SELECT seq, t FROM readings WHERE node_id = ? AND boot = ?", (id, boot))
            if since is not None and t is not None and t < since
        ]
        first = max(older, default=0) + 1
        if since is not None and first > last:
            continue
        (stored,) = db.execute(
            "SELECT count(*) FROM readings WHERE node_id = ? AND boot = ? AND seq >= ?", (id, boot, first)
        ).fetchone()
        stored += sum(high - max(low, first) + 1 for low, high, _ in gone if high >= first)
        gaps = tuple(extents.gaps(held, first, last))
        born, missing = last - first + 1, extents.total(gaps)
        found.append(LedgerRow(name, boot, born, stored, born - stored - missing, missing, gaps))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_any_order_of_events_gives_what_counting_gives(path: Path, seed: int) -> None:
    print("seed", seed)
    chance = random.Random(seed)
    with Journal(path, synchronous="NORMAL") as journal:
        trimmer = Trimmer(journal)
        trimmer.begin(QuarantineBounds(entries=10))
        for _ in range(150):
            items: list[NewReading | Rejected | Claim] = []
            for _ in range(chance.randint(1, 12)):
                node, boot, seq = (
                    chance.choice(["n1", "n2", "n3"]),
                    chance.randint(1, 2),
                    chance.randint(1, 60),
                )
                late = T0 + chance.choice([0, 0, 0, 5, 40]) * PERIOD_S + 60 * seq
                it = new(seq, node, boot, t=None if chance.random() < 0.1 else late)
                it.values = {"pm25": float(chance.choice([1, 1, 2]))}
                match chance.random():
                    case luck if luck < 0.8:
                        items.append(it)
                    case luck if luck < 0.95:
                        items.append(bad(seq, node, boot, chance.choice(["reading", "time_past"])))
                    case _:
                        items.append(Claim((T0 + 60 * seq) * 1000, node, boot, chance.randint(1, 70)))
            before = count(journal)
            done = journal.commit(batch(*items))
            assert count(journal) == before + done.stored
            match chance.random():
                case luck if luck < 0.3:
                    jump(journal, chance.randint(1, 3))
                case luck if luck < 0.4:
                    forget(journal)
                case luck if luck < 0.5:
                    (entry,) = journal._db.execute("SELECT max(id) FROM quarantine").fetchone()
                    lost = new(chance.randint(1, 60), chance.choice(["n1", "n2"]), 1, t=T0)
                    with suppress(NotReplayedError):
                        journal.replay(entry, batch(lost))
                case luck if luck < 0.55:
                    prune(journal, chance.randint(1, 20))
                case luck if luck < 0.6:
                    trimmer.look(journal._db)
                    trimmer.step()
                case _:
                    pass
        assert check_fully(journal._db) == []
    with JournalReader(path) as reader, closing(sqlite3.connect(path)) as db:
        (rows, identities) = db.execute(
            "SELECT count(*), count(DISTINCT node_id || '/' || boot || '/' || seq) FROM readings"
        ).fetchone()
        assert rows == identities
        times = [T0 + hours * PERIOD_S for hours in (-1, 0, 1, 5, 6, 40, 42)]
        for since in (None, *times):
            assert reader.ledger(since=since) == brute_ledger(db, since), since
        for since, until in ((a, b) for a in times for b in times):
            query = (
                "SELECT readings.id FROM readings JOIN nodes ON nodes.id = node_id WHERE name = 'n1'"
                " AND t BETWEEN ? AND ? ORDER BY t, readings.id"
            )
            expected = [id for (id,) in db.execute(query, (since, until))]
            assert [each.id for each in reader.series("n1", since, until)] == expected
        for node, boot, seq in db.execute(
            "SELECT name, boot, seq FROM readings JOIN nodes ON nodes.id = node_id"
        ):
            assert len(reader.identified(node, boot, seq)) == 1


def count(journal: Journal) -> int:
    return int(journal._db.execute("SELECT count(*) FROM readings").fetchone()[0])


def prune(journal: Journal, readings: int) -> None:
    """Take the oldest out, as a bound does."""
    with journal.writing() as db:
        oldest = db.execute(
            "SELECT id, node_id, boot, seq, t FROM readings WHERE id NOT IN (SELECT reading_id FROM latest)"
            " ORDER BY id LIMIT ?",
            (readings,),
        ).fetchall()
        if oldest:
            bounds._take_out(db, oldest)
