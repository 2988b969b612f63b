"""Files damaged on purpose: found at the start, in use, on demand and by whoever looks into them."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import structlog

from gateway.journal import Batch, Journal, JournalError, JournalReader
from gateway.journal.integrity import DamagedError, check_at_start, check_fully
from gateway.journal.salvage import salvage
from gateway.journal.schema import open_reader
from gateway.preflight.disk import check_file
from tests.gateway.damage import PAGE, crash, invoke, page_of, root_of, sound, spoil
from tests.gateway.talker import reading
from tests.support import wait_for


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return sound(tmp_path)


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
    assert result.exit_code == (2 if words == ("stations",) else 1)  # 1: a node needs a visit
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
    with gateway.journal._mutex:  # the gateway's other threads write by the same connection
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
