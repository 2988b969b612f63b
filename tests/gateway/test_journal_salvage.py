"""What salvage makes of damaged files: what reads is kept, the rest is quarantined and counted."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.journal import Journal, JournalBusyError, JournalError, JournalReader
from gateway.journal.integrity import check_fully
from gateway.journal.salvage import salvage
from tests.gateway.batches import batch, new
from tests.gateway.damage import EACH, NODES, PAGE, invoke, page_of, root_of, sound, spoil
from tests.support import REPO


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return sound(tmp_path)


def kept(path: Path) -> dict[tuple[str, int], int]:
    with JournalReader(path) as reader:
        return {(each.node, each.seq): each.id for each in reader.after(0, 10**6)}


def test_salvage_keeps_what_reads_and_counts_what_does_not(path: Path) -> None:
    before, damaged_bytes = kept(path), path.stat().st_size
    spoil(path, {page_of(path, text) for text in ("m-1-300-", "m-1-301-", "m-2-700-", f"m-2-{EACH}-")})
    result = invoke("gateway", "journal", "salvage", path=path)
    assert result.exit_code == 1
    after = kept(path)
    lost = {identity for identity in before if identity not in after}
    assert 10 < len(lost) < 200
    assert after == {identity: id for identity, id in before.items() if identity not in lost}
    assert f"readings: {len(after)} rows kept, and " in result.output
    assert f"{len(lost)} acknowledged readings lost" in result.output
    assert "node n1 boot 1: seq " in result.output
    assert "influx" not in result.output
    (aside,) = path.parent.glob("journal.sqlite.damaged-*")
    assert str(aside) in result.output
    assert aside.stat().st_size == damaged_bytes
    with Journal(path) as journal, JournalReader(path) as reader:
        assert check_fully(journal._db) == []
        assert journal.cursor("influx") == 2000
        rows = {row.node: row for row in reader.ledger()}
        # What was born stays born; what is lost is missing, and nothing else has changed.
        for number in range(NODES):
            row, lost_here = rows[f"n{number}"], sum(node == f"n{number}" for node, _ in lost)
            quarantined = 1 if number == 0 else 0
            missing = 5 - quarantined + lost_here
            expected = (EACH + 5, EACH - lost_here, quarantined, missing)
            assert (row.born, row.stored, row.quarantined, row.missing) == expected
        assert {each.reason for each in reader.quarantined()} == {"reading", "not_json"}
        assert {each.node for each in reader.latest()} == {"n0", "n1", "n2"}
        # A new id is above every old one, also above those that were lost.
        journal.commit(batch(new(1, "later")))
        assert reader.newest_id() == NODES * EACH + 1
        # A node that still has what was lost can send it again.
        node, seq = min(lost)
        assert journal.commit(batch(new(seq, node))).stored == 1


def test_salvage_without_the_small_tables(path: Path) -> None:
    tables = ("extents", "claims", "cursors", "latest", "status", "gone")
    spoil(path, [root_of(path, table) for table in tables])
    report = salvage(path)
    assert set(report.damaged) >= {"extents", "claims", "cursors"}
    with Journal(path) as journal, JournalReader(path) as reader:
        assert check_fully(journal._db) == []
        assert len(kept(path)) == NODES * EACH
        assert [(row.stored, row.quarantined) for row in reader.ledger()] == [(1000, 1), (1000, 0), (1000, 0)]
        assert journal.cursor("influx") == 0
        assert len(reader.latest()) == NODES


def test_salvage_finds_readings_below_a_lost_inner_page(path: Path) -> None:
    before = kept(path)
    with JournalReader(path) as reader:
        whole = reader.after(0, 10**6)
    lost_page = page_of(path, "m-1-300-")
    spoil(path, [root_of(path, "readings"), lost_page])
    report = salvage(path)
    after = kept(path)
    assert 0 < len(before) - len(after) == report.lost_readings < 100
    assert report.oddities == 0
    with JournalReader(path) as reader:
        identities = after.keys()
        assert reader.after(0, 10**6) == [each for each in whole if (each.node, each.seq) in identities]
        assert check_fully(reader._db) == []


def test_salvage_brings_nothing_back_that_was_pruned(path: Path) -> None:
    from gateway.journal.bounds import Bounds, Pruner

    at = page_of(path, "m-0-5-")
    old_page = path.read_bytes()[at : at + PAGE]
    with Journal(path) as journal, JournalReader(path) as reader:
        pruner = Pruner(journal)
        pruner.begin(Bounds(max_bytes=250_000), [])
        while pruner.step():
            pass
        before, left = reader.ledger(), reader.after(0, 10**6)
    # Some builds of SQLite wipe what they delete, others leave it on free pages.
    with path.open("ab") as file:
        file.write(old_page)
    spoil(path, [root_of(path, "readings")])
    salvage(path)
    with JournalReader(path) as reader:
        assert reader.after(0, 10**6) == left
        assert reader.ledger() == before


def test_salvage_without_the_nodes_takes_their_names_from_the_index(path: Path) -> None:
    spoil(path, [root_of(path, "nodes")])
    report = salvage(path)
    assert (len(kept(path)), report.oddities) == (NODES * EACH, 0)


def test_rows_that_are_no_readings_go_into_the_quarantine(path: Path) -> None:
    content = bytearray(path.read_bytes())
    at = content.index(b"m-1-300-")
    content[at : at + 3] = b"\xff\xfe\xfd"
    path.write_bytes(content)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE readings SET node_id = 99 WHERE id = 7")
        db.execute("UPDATE readings SET pm25 = 'abc' WHERE id = 8")
    db.close()
    report = salvage(path)
    assert report.oddities == 3
    with JournalReader(path) as reader:
        found = [each for each in reader.quarantined() if each.reason == "salvage"]
        assert {each.detail.split(": ")[1] for each in found} == {
            "model is no text",
            "its node, number 99, has no name any more",
            "a value is no number",
        }
        assert json.loads(found[0].payload)["seq"] > 0
        assert sum(row.missing for row in reader.ledger()) == 3 * 5 - 1 + 3


def test_salvage_of_what_has_been_pruned_and_dropped_stays_exact(path: Path) -> None:
    from gateway.journal.bounds import Bounds, Pruner
    from gateway.quarantine.bound import QuarantineBounds, Trimmer

    with Journal(path) as journal, JournalReader(path) as reader:
        pruner = Pruner(journal)
        pruner.begin(Bounds(max_bytes=250_000), [])
        while pruner.step():
            pass
        trimmer = Trimmer(journal)
        trimmer.begin(QuarantineBounds(0, 10**9))
        trimmer.look(reader._db)
        trimmer.step()
        before = reader.ledger()
    assert 0 < len(kept(path)) < 2500
    report = salvage(path)
    assert (report.damaged, report.lost) == ({}, [])
    with JournalReader(path) as reader:
        assert reader.ledger() == before
        assert reader.dropped() == {"not_json": 1, "reading": 1}
        assert check_fully(reader._db) == []


def test_salvage_takes_the_log_along_and_leaves_none_beside_the_new_file(path: Path) -> None:
    """A crash leaves readings in the log only; and a log beside another file would be taken for its own."""
    script = (
        "import os, sys; from pathlib import Path; from gateway.journal import Journal;"
        "from tests.gateway.batches import batch, new;"
        "Journal(Path(sys.argv[1])).commit(batch(new(1, 'in-the-log'))); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(path)], cwd=REPO)
    assert killed.returncode == -signal.SIGKILL
    assert path.with_name("journal.sqlite-wal").stat().st_size > 0
    # Whoever has the file open keeps its log there.
    with JournalReader(path):
        report = salvage(path)
        assert not path.with_name("journal.sqlite-wal").exists()
        assert report.aside.with_name(report.aside.name + "-wal").exists()
        assert ("in-the-log", 1) in kept(path)


def test_salvage_that_cannot_be_leaves_all_as_it_was(path: Path) -> None:
    spoil(path, [0])
    content = path.read_bytes()
    result = invoke("gateway", "journal", "salvage", path=path)
    assert result.exit_code == 1
    assert "cannot be salvaged" in result.output
    assert "put a backup in its place" in result.output
    assert path.read_bytes() == content
    assert sorted(each.name for each in path.parent.iterdir() if "salvage" in each.name) == []


def test_salvage_beside_a_running_gateway_is_refused(path: Path) -> None:
    with Journal(path), pytest.raises(JournalBusyError):
        salvage(path)


def test_salvage_cut_off_at_its_last_step_does_not_begin_an_empty_journal(path: Path) -> None:
    path.rename(path.with_name("journal.sqlite.salvage"))
    with pytest.raises(JournalError, match="rename that file to the journal's name"):
        Journal(path)
    assert not path.exists()
