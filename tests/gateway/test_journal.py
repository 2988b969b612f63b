"""The journal: exact, idempotent, all or nothing."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.journal import Claim, Journal, JournalError, JournalReader, Sighting
from gateway.journal.schema import advice
from tests.gateway.batches import bad, batch, new


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "journal.sqlite"


def test_reading_comes_back_as_it_went_in(path: Path) -> None:
    with Journal(path) as journal:
        given_ = new(
            3, flags=("stuck", "out_of_range"), values={"pm25": 0.0, "temp": -3.25}, t=None, tq="none"
        )
        assert journal.commit(batch(given_)).stored == 1
        with JournalReader(path) as reader:
            (found,) = reader.after(0, 10)
            assert reader.newest_id() == found.id == 1
    assert found.network == "warsaw"
    for name in ("received_ms", "node", "boot", "seq", "t", "tq", "up", "dt", "n", "slot", "model", "flags"):
        assert getattr(found, name) == getattr(given_, name)
    assert found.values == given_.values


def test_duplicate_changes_nothing_even_after_reopening(path: Path) -> None:
    with Journal(path) as journal:
        journal.commit(batch(new(1), bad(2)))
    with Journal(path) as journal, JournalReader(path) as reader:
        # The time may have been worked out since; the reading is the same.
        done = journal.commit(batch(new(1, t=5, tq="back"), new(1), bad(2), new(2)))
        assert (done.stored, done.duplicates, done.quarantined) == (0, 4, {})
        assert done.held == {("n1", 1): [(1, 2)]}
        assert [each.t for each in reader.after(0, 10)] == [1_700_000_060]
        assert len(reader.quarantined()) == 1


def test_another_reading_under_a_taken_identity_is_kept_in_quarantine(path: Path) -> None:
    with Journal(path) as journal, JournalReader(path) as reader:
        journal.commit(batch(new(1)))
        erased = new(1, up=7, values={"pm25": 99.0})
        assert journal.commit(batch(erased)).quarantined == {"conflict": 1}
        assert journal.commit(batch(erased)).duplicates == 1
        (entry,) = reader.quarantined()
        assert "flash erased" in entry.detail
        assert b'"pm25":99.0' in entry.payload
        assert [each.values["pm25"] for each in reader.after(0, 10)] == [0.1]


def test_bad_reading_under_a_taken_identity_is_listed_once_and_stores_nothing(path: Path) -> None:
    with Journal(path) as journal, JournalReader(path) as reader:
        journal.commit(batch(new(1)))
        assert journal.commit(batch(bad(1))).quarantined == {"reading": 1}
        assert journal.commit(batch(bad(1))).duplicates == 1
        (entry,) = reader.quarantined()
        assert (entry.boot, entry.seq) == (1, 1)
        (row,) = reader.ledger()
        assert (row.born, row.stored, row.quarantined, row.missing) == (1, 1, 0, 0)


def test_ledger_counts_each_boot(path: Path) -> None:
    with Journal(path) as journal, JournalReader(path) as reader:
        journal.commit(
            batch(new(1), new(2), new(5), bad(4), new(1, boot=2), new(1, node="n2"), bad(None, boot=None))
        )
        journal.commit(batch(Claim(1_700_000_400_000, "n1", 2, 3), Claim(1_700_000_400_000, "n3", 8, 0)))
        # A claim that arrives late takes nothing back.
        journal.commit(batch(Claim(1_700_000_400_000, "n1", 2, 2)))
        rows = {(row.node, row.boot): row for row in reader.ledger()}
        first = rows["n1", 1]
        assert (first.born, first.stored, first.quarantined, first.missing) == (5, 3, 1, 1)
        assert first.missing_ranges == ((3, 3),)
        assert rows["n1", 2].missing_ranges == ((2, 3),)
        assert rows["n2", 1].missing == 0
        assert rows["n3", 8].born == 0
        assert [row.boot for row in reader.ledger("n1")] == [1, 2]
        assert reader.ledger("nobody") == []


def test_ledger_since_begins_after_the_last_older_reading(path: Path) -> None:
    with Journal(path) as journal, JournalReader(path) as reader:
        journal.commit(batch(*[new(seq) for seq in (1, 2, 3, 6, 7)], new(1, boot=2, t=1_700_000_010)))
        (row,) = reader.ledger(since=1_700_000_000 + 60 * 4)
        assert (row.boot, row.born, row.stored, row.missing_ranges) == (1, 4, 2, ((4, 5),))


def test_latest_is_newest_by_time_for_each_slot(path: Path) -> None:
    with Journal(path) as journal, JournalReader(path) as reader:
        journal.commit(batch(new(5), new(1, slot="b", boot=2)))
        journal.commit(batch(new(2), new(3)))
        assert [(each.slot, each.seq) for each in reader.latest()] == [("a", 5), ("b", 1)]
        journal.commit(batch(new(9, t=None, tq="none", received_ms=1_800_000_000_000)))
        assert [(each.slot, each.seq) for each in reader.latest()] == [("a", 9), ("b", 1)]


def test_series_is_the_newest_part_in_ascending_time(path: Path) -> None:
    with Journal(path) as journal, JournalReader(path) as reader:
        journal.commit(batch(*[new(seq) for seq in (4, 2, 3, 1, 5)], new(9, node="n2")))
        t0 = 1_700_000_000
        assert [each.seq for each in reader.series("n1", t0 + 120, t0 + 240)] == [2, 3, 4]
        assert [each.seq for each in reader.series("n1", 0, t0 + 900, limit=2)] == [4, 5]


def test_statuses_tell_what_is_known(path: Path) -> None:
    with Journal(path) as journal, JournalReader(path) as reader:
        online = {"fw": "0.1", "reset": "power", "config": 0, "sensors": [{"slot": "a", "model": "sds011"}]}
        journal.commit(batch(Sighting(10, "n1", False, online=True, boot=4, status=online)))
        assert reader.statuses()["n1"]["seen_ms"] is None  # retained: nobody saw it now
        journal.commit(batch(Sighting(20, "n1", True, boot=4, health={"up": 5})))
        journal.commit(batch(Sighting(30, "n1", False, online=False)))
        found = reader.statuses()["n1"]
        assert (found["online"], found["boot"], found["seen_ms"], found["fw"]) == (False, 4, 20, "0.1")
        assert found["health"] == {"up": 5}


def test_delivered_moves_the_cursor_and_lists_the_refused(path: Path) -> None:
    with Journal(path) as journal, JournalReader(path) as reader:
        journal.commit(batch(new(1), new(2)))
        assert journal.cursor("influx") == 0
        journal.delivered("influx", 2, [(reader.after(0, 1)[0], "field type conflict")])
        assert (journal.cursor("influx"), journal.cursor("other")) == (2, 0)
        (entry,) = reader.quarantined()
        assert (entry.destination, entry.reason, entry.seq) == ("influx", "refused", 1)
        # It is in the journal all the same.
        assert reader.ledger()[0].stored == 2


def test_full_disk_leaves_nothing_half_done(path: Path) -> None:
    with Journal(path) as journal, JournalReader(path) as reader:
        journal.commit(batch(new(1)))
        pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
        journal._db.execute(f"PRAGMA max_page_count = {pages + 2}")
        many = batch(*[new(seq, node=f"m{seq % 7}") for seq in range(1, 2000)], Claim(0, "n1", 1, 50))
        with pytest.raises(sqlite3.OperationalError, match="full"):
            journal.commit(many)
        assert reader.newest_id() == 1
        assert [row.node for row in reader.ledger()] == ["n1"]
        journal._db.execute("PRAGMA max_page_count = 1000000")
        assert journal.commit(many).stored == 1999
        assert sum(row.stored for row in reader.ledger()) == 2000


def test_journal_that_was_moved_away_takes_nothing_until_it_is_back(path: Path) -> None:
    with Journal(path) as journal:
        journal.commit(batch(new(1)))
        away = path.with_name("away")
        path.rename(away)
        with pytest.raises(sqlite3.OperationalError, match="moved away or replaced"):
            journal.commit(batch(new(2)))
        path.write_bytes(b"another file")
        with pytest.raises(sqlite3.OperationalError, match="moved away or replaced"):
            journal.commit(batch(new(2)))
        away.replace(path)
        assert journal.commit(batch(new(2))).stored == 1


def test_bell_rings_after_each_commit(path: Path) -> None:
    with Journal(path) as journal:
        heard = journal.bell.wait(-1, 0)
        journal.commit(batch(new(1)))
        assert journal.bell.wait(heard, 0) == heard + 1


def test_second_writer_is_told_and_readers_are_welcome(path: Path) -> None:
    with Journal(path):
        with pytest.raises(JournalError, match="another gateway has it open for writing"):
            Journal(path)
        JournalReader(path).close()
    Journal(path).close()


def write_meta(path: Path) -> None:
    Journal(path).close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE meta SET value = '99'")


def spoil_meta(path: Path) -> None:
    Journal(path).close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE meta SET value = 'fifth' WHERE key = 'schema'")


def write_text(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("this is no database at all, but long enough to be taken for one " * 20)


def write_other(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE songs (title)")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (write_meta, "has schema 99, this program knows schema 6; use the Dustline that wrote it"),
        (spoil_meta, "its schema reads 'fifth': the file is damaged: stop the gateway and run"),
        (write_text, "move the file away"),
        (write_other, "not a journal; set journal.path to another file"),
    ],
)
def test_file_that_is_no_journal_of_ours(path: Path, spoil: Any, words: str) -> None:
    spoil(path)
    for opener in (Journal, JournalReader):
        with pytest.raises(JournalError, match=words) as caught:
            opener(path)
        assert str(path) in str(caught.value)


def test_absent_right_to_write_is_told_as_such(path: Path) -> None:
    """What SQLite says of a file, or a directory, that another user may only read; also of reading."""
    Journal(path).close()
    db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    with pytest.raises(sqlite3.OperationalError) as caught:
        db.execute("DELETE FROM readings")
    db.close()
    assert "run as the gateway's user" in advice(caught.value)
    path.with_name(path.name + ".lock").unlink()
    path.with_name(path.name + ".lock").mkdir()  # root may write everything else
    with pytest.raises(JournalError, match=r"journal\.sqlite\.lock cannot be written"):
        Journal(path)


def test_reader_without_a_journal(path: Path) -> None:
    with pytest.raises(JournalError, match="no such file"):
        JournalReader(path)


ITEMS = st.tuples(st.sampled_from(["a", "b"]), st.integers(1, 2), st.integers(1, 12), st.booleans())


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(ITEMS, max_size=12), max_size=6), st.dictionaries(st.integers(1, 3), st.integers(0, 15))
)
def test_any_history_adds_up(batches: list[list[tuple[str, int, int, bool]]], claims: dict[int, int]) -> None:
    """Readings and rejects in any order, repeated, over several starts: the ledger is what plain sets say."""
    stored: set[tuple[str, int, int]] = set()
    quarantined: set[tuple[str, int, int]] = set()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "journal.sqlite"
        for items in batches:
            readings = [new(seq, node, boot) for node, boot, seq, good in items if good]
            rejects = [bad(seq, node, boot) for node, boot, seq, good in items if not good]
            # The journal takes the readings of a batch first.
            stored |= {(r.node, r.boot, r.seq) for r in readings} - quarantined
            quarantined |= {(r.node or "", r.boot or 0, r.seq or 0) for r in rejects} - stored
            with Journal(path, synchronous="NORMAL") as journal:
                held = journal.commit(batch(*readings, *rejects)).held
            for (node, boot), ranges in held.items():
                expected = {s for n, b, s in stored | quarantined if (n, b) == (node, boot)}
                assert {s for first, last in ranges for s in range(first, last + 1)} == expected
        with Journal(path, synchronous="NORMAL") as journal:
            journal.commit(batch(*[Claim(1, "a", boot, last) for boot, last in claims.items()]))
        with JournalReader(path) as reader:
            rows = {(row.node, row.boot): row for row in reader.ledger()}
    known = {(n, b) for n, b, _ in stored | quarantined} | {("a", boot) for boot in claims}
    assert set(rows) == known
    for (node, boot), row in rows.items():
        s = {seq for n, b, seq in stored if (n, b) == (node, boot)}
        q = {seq for n, b, seq in quarantined if (n, b) == (node, boot)}
        born = max([claims.get(boot, 0) if node == "a" else 0, *s, *q])
        assert (row.born, row.stored, row.quarantined) == (born, len(s), len(q))
        assert {x for f, e in row.missing_ranges for x in range(f, e + 1)} == set(range(1, born + 1)) - s - q
        assert row.missing == born - len(s) - len(q)


def test_a_value_that_is_absent_is_null_in_the_file(path: Path) -> None:
    with Journal(path) as journal:
        journal.commit(batch(new(1, values={"pm25": 1.5})))
        query = "SELECT typeof(pm1), typeof(pm25), typeof(press) FROM readings"
        assert journal._db.execute(query).fetchall() == [("null", "real", "null")]
