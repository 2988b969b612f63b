"""Journal and quarantine are bounded: what goes is accounted for, what is undelivered stays and is told."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import structlog

from gateway.journal import Batch, Claim, Journal, JournalReader
from gateway.journal.bounds import GRACE_DAYS, Bounds, Pruner, forget
from gateway.journal.integrity import check_fully
from gateway.keeper import bounds_of
from gateway.operate.health import not_alive
from gateway.quarantine.bound import QuarantineBounds, Trimmer
from tests.gateway.batches import bad, batch, new
from tests.gateway.conftest import make_settings
from tests.support import wait_for

DAY_MS = 86_400_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def fill(journal: Journal, days: int = 10, a_day: int = 40, nodes: int = 2) -> None:
    """So many days up to now; a node's seqs run on over them."""
    now_ms = time.time_ns() // 1_000_000
    for day, number in itertools.product(range(days), range(nodes)):
        first = 1 + day * a_day
        at = now_ms - (days - 1 - day) * DAY_MS
        made = [
            new(seq, f"n{number}", received_ms=at, t=at // 1000 + seq % a_day)
            for seq in range(first, first + a_day)
        ]
        journal.commit(batch(*made, Claim(at, f"n{number}", 1, days * a_day + 3)))


def test_a_journal_that_is_the_only_store_loses_nothing_by_default(tmp_path: Path) -> None:
    plain = make_settings(tmp_path, 1883).journal
    assert bounds_of(plain, []) == Bounds(0, 0)
    assert bounds_of(plain, ["influxdb"]) == Bounds(plain.keep_days, plain.max_mb * 1_000_000)
    chosen = make_settings(tmp_path, 1883, journal={"keep_days": 30}).journal
    assert bounds_of(chosen, []) == Bounds(30, 0)


def make_pruner(journal: Journal, bounds: Bounds, destinations: Sequence[str] = ()) -> Pruner:
    made = Pruner(journal)
    made.begin(bounds, destinations)
    return made


def make_trimmer(journal: Journal, bounds: QuarantineBounds) -> Trimmer:
    made = Trimmer(journal)
    made.begin(bounds)
    return made


def run(pruner: Pruner) -> int:
    steps = 0
    while pruner.step():
        steps += 1
    return steps


def ids(path: Path) -> list[int]:
    with JournalReader(path) as reader:
        return [each.id for each in reader.after(0, 10**6)]


def test_age_takes_the_oldest_and_the_ledger_stays_exact(path: Path) -> None:
    with Journal(path) as journal, JournalReader(path) as reader:
        fill(journal)
        before, latest, since = reader.ledger(), reader.latest(), int(time.time()) - 3 * 86400
        late = reader.ledger(since=since)
        pruner = make_pruner(journal, Bounds(keep_days=4))
        assert run(pruner) > 1
        kept = reader.after(0, 10**6)
        assert min(each.received_ms for each in kept) >= time.time() * 1000 - 4 * DAY_MS - 60_000
        assert len(kept) == 800 - pruner.state.pruned == 400
        assert (reader.ledger(), reader.latest(), reader.ledger(since=since)) == (before, latest, late)
        assert [(row.born, row.stored, row.missing) for row in before] == [(403, 400, 3)] * 2
        assert pruner.state.held_by is None
        # A duplicate of what has gone changes nothing, and is one.
        done = journal.commit(batch(new(1, "n0"), new(2, "n1", values={"pm25": 99.0})))
        assert (done.stored, done.duplicates, done.quarantined) == (0, 2, {})
        # What is newer than all that has gone cannot be one: the node's flash was erased.
        erased = new(1, "n0", t=int(time.time()), received_ms=time.time_ns() // 1_000_000)
        assert journal.commit(batch(erased)).quarantined == {"conflict": 1}
        assert reader.ledger() == before
        assert check_fully(journal._db) == []


def test_size_is_kept_and_the_newest_of_each_slot_stays(path: Path) -> None:
    with Journal(path) as journal, JournalReader(path) as reader:
        journal.commit(batch(new(1, "silent")))
        fill(journal, days=20, a_day=200)
        before = reader.ledger()
        pruner = make_pruner(journal, Bounds(max_bytes=500_000))
        run(pruner)
        assert 300_000 < pruner.state.used_bytes <= 500_000
        assert reader.ledger() == before
        assert [each.node for each in reader.latest()] == ["n0", "n1", "silent"]
        assert check_fully(journal._db) == []
        # Freed pages are used again: the file does not grow.
        journal._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = path.stat().st_size
        journal.commit(batch(*[new(seq, "n2") for seq in range(1, 500)]))
        journal._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert path.stat().st_size <= size


def test_undelivered_readings_stay_and_are_told_of_once(path: Path) -> None:
    with Journal(path) as journal, structlog.testing.capture_logs() as logs:
        fill(journal)
        pruner = make_pruner(journal, Bounds(keep_days=4), ["influx", "other"])
        journal.delivered("other", 10**6)
        for _ in range(3):
            assert not pruner.step()
        assert (pruner.state.held_by, pruner.state.pruned, len(ids(path))) == ("influx", 0, 800)
        journal.delivered("influx", 100)
        run(pruner)
        # One destination has got 100 of the 400 that are too old.
        assert (pruner.state.held_by, ids(path)[0]) == ("influx", 101)
        journal.delivered("influx", 800)
        run(pruner)
        assert (pruner.state.held_by, len(ids(path))) == (None, 400)
    told = [(each["log_level"], each.get("destination")) for each in logs]
    assert told == [("error", "influx"), ("info", None)]


def test_size_that_readings_cannot_keep_is_told(path: Path) -> None:
    with Journal(path) as journal, structlog.testing.capture_logs() as logs:
        fill(journal, days=1)
        pruner = make_pruner(journal, Bounds(max_bytes=1))
        run(pruner)
        assert pruner.state.held_by == ""
        assert len(ids(path)) == 2
    assert "no more readings to take out" in logs[-1]["event"]


def test_cursor_of_a_destination_no_longer_configured_holds_for_a_while_and_is_told_of(path: Path) -> None:
    with Journal(path) as journal, structlog.testing.capture_logs() as logs:
        fill(journal)
        journal.delivered("old", 100)
        pruner = make_pruner(journal, Bounds(keep_days=4))
        run(pruner)
        assert ids(path)[0] == 101
        assert (logs[0]["destination"], logs[0]["readings"], logs[0]["days"]) == ("old", 700, GRACE_DAYS)
        with journal.writing() as db:
            db.execute("UPDATE cursors SET seen_ms = seen_ms - ?", ((GRACE_DAYS + 1) * DAY_MS,))
        run(pruner)
        assert len(ids(path)) == 400
        assert "nothing is kept any longer" in logs[-2]["event"] + logs[-1]["event"]
        # When it comes back it hears what it will not get.
        make_pruner(journal, Bounds(), ["old"])
        assert (logs[-1]["delivered_upto"], logs[-1]["pruned_upto"]) == (100, 400)


def test_forgotten_destination_holds_nothing(path: Path) -> None:
    with Journal(path) as journal:
        fill(journal)
        journal.delivered("old", 100)
        assert forget(journal, "old")
        assert not forget(journal, "old")
        run(make_pruner(journal, Bounds(keep_days=4)))
        assert len(ids(path)) == 400


def test_clock_that_jumps_ahead_deletes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Journal(path) as journal:
        fill(journal, days=2)
        real = time.time_ns
        monkeypatch.setattr(time, "time_ns", lambda: real() + 3650 * DAY_MS * 1_000_000)
        assert run(make_pruner(journal, Bounds(keep_days=4))) == 0


def test_commits_do_not_wait_for_pruning(path: Path) -> None:
    """While thousands are pruned in steps, no commit takes longer than a few steps would."""
    with Journal(path) as journal:
        fill(journal, days=20, a_day=300)
        pruner, waits, stop = make_pruner(journal, Bounds(keep_days=4)), list[float](), threading.Event()

        def commit() -> None:
            for seq in itertools.count(1):
                began = time.monotonic()
                journal.commit(batch(new(seq, "live", received_ms=time.time_ns() // 1_000_000)))
                waits.append(time.monotonic() - began)
                if stop.wait(0.005):
                    return

        thread = threading.Thread(target=commit)
        thread.start()
        steps = list[float]()
        while True:
            began = time.monotonic()
            if not pruner.step():
                break
            steps.append(time.monotonic() - began)
            had = len(waits)
            wait_for(lambda had=had: len(waits) > had, what="a commit between two steps")
        stop.set()
        thread.join()
        assert len(steps) > 20
        assert sorted(waits)[len(waits) // 2] < 0.5
        assert pruner.state.pruned >= 8900


def rejects(first: int, last: int, **changes: Any) -> Batch:
    return batch(*[bad(seq, **changes) for seq in range(first, last + 1)])


def trim(journal: Journal, reader: JournalReader, trimmer: Trimmer) -> None:
    trimmer.look(reader._db)
    while trimmer.step():
        pass


def test_quarantine_is_bounded_and_what_goes_is_counted(path: Path) -> None:
    with (
        Journal(path) as journal,
        JournalReader(path) as reader,
        structlog.testing.capture_logs() as logs,
    ):
        journal.commit(rejects(1, 300))
        journal.commit(rejects(301, 500, reason="time_future"))
        journal.commit(batch(new(501), *[bad(None, boot=None, reason="not_json") for _ in range(10)]))
        before = reader.ledger()
        trimmer = make_trimmer(journal, QuarantineBounds(120, 10**9))
        trim(journal, reader, trimmer)
        assert len(reader.quarantined(1000)) == 120
        assert reader.dropped() == {"reading": 300, "time_future": 90}
        assert trimmer.dropped == 390
        assert reader.ledger() == before
        assert [(row.stored, row.quarantined, row.missing) for row in before] == [(1, 500, 0)]
        assert check_fully(journal._db) == []
        trim(journal, reader, trimmer)
        journal.commit(rejects(600, 610))
        trim(journal, reader, trimmer)
        assert len(reader.quarantined(1000)) == 120
        # What has gone is still held: a second arrival is no news for the ledger.
        journal.commit(rejects(1, 1))
        assert sum(row.quarantined for row in reader.ledger()) == 511
    assert [each["log_level"] for each in logs] == ["warning"]


def test_quarantine_is_bounded_in_bytes(path: Path) -> None:
    with Journal(path) as journal, JournalReader(path) as reader:
        journal.commit(rejects(1, 200))
        trim(journal, reader, make_trimmer(journal, QuarantineBounds(10**6, 5 * 100)))
        # Two bytes of payload and three of detail each.
        assert len(reader.quarantined(1000)) == 100


def test_running_gateway_keeps_its_bounds(mosquitto: Any, run_gateway: Any, tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        fill(journal)
        journal.commit(rejects(1001, 1130))
    gateway = run_gateway(mosquitto().port, journal={"keep_days": 4}, quarantine={"max_entries": 100})
    wait_for(lambda: gateway.keeper.state.pruned == 400, what="the old readings to go")
    assert gateway.keeper.state.used_bytes > 0
    assert gateway.keeper.state.held_by is None
    wait_for(lambda: gateway.keeper.dropped == 30, what="the oldest entries to go")


def test_reload_changes_bounds_and_destinations(mosquitto: Any, run_gateway: Any, tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        fill(journal)
    port = mosquitto().port
    # Nobody listens there: all of it is undelivered.
    away = {"enabled": True, "api": "v1", "url": "http://127.0.0.1:9", "database": "air"}
    gateway = run_gateway(port, journal={"keep_days": 4}, influx=away)
    wait_for(lambda: gateway.keeper.state.held_by, what="the undelivered readings to be seen")
    gateway.reload(lambda: make_settings(tmp_path, port, journal={"keep_days": 4}))
    assert forget(gateway.journal, "influxdb http://127.0.0.1:9 air")
    wait_for(lambda: gateway.keeper.state.pruned == 400, what="the readings that nobody waits for to go")
    gateway.reload(lambda: make_settings(tmp_path, port, journal={"keep_days": 1}))
    wait_for(lambda: gateway.keeper.state.pruned == 640, 15, what="the newer bound")
    gateway.keeper.stop()
    assert "keeper" in [problem.part for problem in not_alive(gateway)]
