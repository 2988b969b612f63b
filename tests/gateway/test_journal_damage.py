"""Files damaged on purpose: found at the start, in use and on demand, and made sound again."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner

from dustline.cli import main
from gateway.journal import Batch, Claim, Journal, JournalBusyError, JournalError, JournalReader
from gateway.journal.integrity import DamagedError, check_at_start, check_fully
from gateway.journal.salvage import salvage
from gateway.journal.schema import open_reader
from gateway.preflight.disk import check_file
from tests.gateway.batches import bad, batch, new
from tests.gateway.talker import reading
from tests.support import REPO, wait_for

PAGE = 4096
NODES = 3
EACH = 1000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of some hundred pages, closed in good order. Every reading's model is its own."""
    made = tmp_path / "journal.sqlite"
    with Journal(made, synchronous="NORMAL") as journal:
        for first in range(1, EACH + 1, 100):
            for node in range(NODES):
                seqs = range(first, first + 100)
                items = [new(seq, f"n{node}", model=f"m-{node}-{seq}-") for seq in seqs]
                journal.commit(batch(*items))
        journal.commit(batch(bad(EACH + 1, "n0"), bad(None, boot=None, reason="not_json")))
        journal.commit(batch(*[Claim(1, f"n{node}", 1, EACH + 5) for node in range(NODES)]))
        journal.delivered("influx", 2000)
    return made


def crash(path: Path) -> None:
    """As if the last end had not been orderly."""
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM meta WHERE key = 'clean'")
        db.commit()
    db.close()


def page_of(path: Path, text: str) -> int:
    """Where the page with that text begins."""
    return path.read_bytes().index(text.encode()) // PAGE * PAGE


def root_of(path: Path, table: str) -> int:
    with sqlite3.connect(path) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    db.close()
    return (page - 1) * PAGE


def spoil(path: Path, places: Iterable[int], size: int = PAGE) -> None:
    with path.open("r+b") as file:
        for place in places:
            file.seek(place)
            file.write(b"\xa5" * size)


def invoke(*words: str, path: Path) -> Any:
    config = path.with_name("gateway.toml")
    config.write_text(f"[journal]\npath = '{path}'\n")
    return CliRunner().invoke(main, [*words, "--config", str(config)])


def test_start_after_an_orderly_stop_is_a_glance_and_after_a_crash_a_look(path: Path) -> None:
    with Journal(path) as journal:
        assert (journal.checked.orderly, journal.checked.complete) == (True, True)
        # Gone while it is open: a kill from here on leaves no mark.
        with JournalReader(path) as reader:
            assert reader._db.execute("SELECT * FROM meta WHERE key = 'clean'").fetchall() == []
    crash(path)
    with Journal(path) as journal:
        assert (journal.checked.orderly, journal.checked.complete) == (False, True)
    assert Journal(path).checked.orderly


def test_look_is_bounded_in_time(path: Path) -> None:
    crash(path)
    db = sqlite3.connect(path, isolation_level=None)
    began = time.monotonic()
    found = check_at_start(db, path, limit_s=0.0)
    db.close()
    assert (found.orderly, found.complete) == (False, False)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("what", ["reading", "small table", "cut off"])
def test_damage_is_found_after_a_crash(what: str, path: Path) -> None:
    crash(path)
    if what == "reading":
        spoil(path, [page_of(path, "m-1-700-")])
    elif what == "small table":
        spoil(path, [root_of(path, "extents")])
    else:
        os.truncate(path, path.stat().st_size - 20 * PAGE)
    with pytest.raises(JournalError, match="run `dustline gateway journal salvage`"):
        Journal(path)
    # The lock is free again for who repairs it.
    with pytest.raises(JournalError, match="run `dustline gateway journal salvage`"):
        Journal(path)


def test_reading_missing_in_its_index_is_found(path: Path) -> None:
    """As when a page of the index is one of an earlier moment: sound in itself, but not true."""
    crash(path)
    root = root_of(path, "readings_by_span")
    before = path.read_bytes()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE readings SET seq = seq + 5000 WHERE id BETWEEN 2990 AND 3000")
    db.close()
    after = bytearray(path.read_bytes())
    changed = [
        at
        for at in range(0, len(before), PAGE)
        if after[at : at + PAGE] != before[at : at + PAGE] and before[at] == 10 and at != root
    ]
    for at in changed:
        after[at : at + PAGE] = before[at : at + PAGE]
    path.write_bytes(after)
    with pytest.raises(DamagedError):
        Journal(path)


def test_check_command_tells_sound_from_damaged(path: Path) -> None:
    result = invoke("gateway", "journal", "check", path=path)
    assert (result.exit_code, result.output) == (0, f"journal {path}: sound\n")
    spoil(path, [page_of(path, "m-1-300-")])
    result = invoke("gateway", "journal", "check", path=path)
    assert result.exit_code == 1
    assert "is damaged: stop the gateway and run `dustline gateway journal salvage`" in result.output


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("extents", ("ledger",)),
        ("quarantine", ("ledger",)),
        ("quarantine", ("gateway", "quarantine")),
        ("quarantine", ("gateway", "quarantine", "show", "1")),
        ("quarantine", ("gateway", "quarantine", "replay", "1")),
        ("nodes", ("ledger", "--json")),
        ("nodes", ("stations",)),
        ("status", ("stations",)),
    ],
)
@pytest.mark.parametrize("running", [False, True])
def test_damage_that_a_look_meets_is_told_with_the_way_on(
    table: str, words: tuple[str, ...], running: bool, path: Path
) -> None:
    """Below the first page, so that opening the file does not see it."""
    with Journal(path) if running and "replay" not in words else nullcontext():
        spoil(path, [root_of(path, table)])
        result = invoke(*words, path=path)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.output.startswith("Error: ")
    assert "stop the gateway and run `dustline gateway journal salvage`" in result.output


@pytest.mark.parametrize("running", [False, True])
def test_preflight_sees_what_a_start_would_refuse(running: bool, path: Path) -> None:
    before = path.read_bytes()
    assert check_file(path).level == "ok"
    assert path.read_bytes() == before
    with Journal(path) if running else nullcontext():
        spoil(path, [root_of(path, "extents")])
        found = check_file(path)
    assert found.level == "fail"
    assert "run `dustline gateway journal salvage`" in found.text


def test_check_finds_tables_that_disagree(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("UPDATE extents SET last = last + 1 WHERE node_id = 2")
    db.close()
    result = invoke("gateway", "journal", "check", path=path)
    assert result.exit_code == 1
    assert "node 2 boot 1: the seqs said to be held are not those that are" in result.output


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


def test_compact_gives_room_back(path: Path) -> None:
    from gateway.journal.bounds import Bounds, Pruner

    with Journal(path) as journal:
        pruner = Pruner(journal)
        pruner.begin(Bounds(max_bytes=200_000), [])
        while pruner.step():
            pass
    before = path.stat().st_size
    result = invoke("gateway", "journal", "compact", path=path)
    assert result.exit_code == 0, result.output
    assert path.stat().st_size < before * 0.7
    assert check_fully(open_reader(path)) == []


def test_damage_that_shows_in_use_stops_acks_and_names_the_command(
    mosquitto: Any, run_gateway: Any, talk: Any, path: Path
) -> None:
    port = mosquitto().port
    gateway = run_gateway(port, journal={"path": path})
    node = talk(port)
    node.readings(reading(1))
    wait_for(lambda: node.acked(1, 1), what="the ack of the first")
    gateway.journal._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    spoil(path, [root_of(path, "extents")])
    gateway.journal._db.execute("PRAGMA shrink_memory")
    gateway.journal._db.execute("PRAGMA cache_size = 0")
    with structlog.testing.capture_logs() as logs:
        node.readings(reading(2))
        wait_for(lambda: gateway.counters.failed_commits >= 2, what="commits that fail")
        node.round_trip()
        assert not node.acked(1, 2)
        assert "journal salvage" in (gateway.journal.damage or "")
        gateway.stop()
    told = [each for each in logs if each["event"].startswith("the journal cannot be written")]
    assert "run `dustline gateway journal salvage`" in told[0]["problem"]
    # No mark of an orderly stop on a file that is not in order.
    with pytest.raises(JournalError, match="journal salvage"):
        Journal(path)
    salvage(path)
    again = run_gateway(port, journal={"path": path})
    wait_for(lambda: node.acked(1, 2), 20, what="the ack once the journal is sound")
    assert again.journal.damage is None


def test_damaged_journal_takes_nothing_more(path: Path) -> None:
    with Journal(path) as journal:
        journal.damage = "database disk image is malformed; the file is damaged"
        with pytest.raises(sqlite3.DatabaseError, match="is damaged"):
            journal.commit(Batch("warsaw"))
        with pytest.raises(sqlite3.DatabaseError, match="is damaged"):
            journal.delivered("influx", 5)
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT * FROM meta WHERE key = 'clean'").fetchall() == []
