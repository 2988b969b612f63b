"""The delivery thread itself: waking, stopping, and surviving a sink with bugs."""

from __future__ import annotations

import gc
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence

import pytest
from structlog.testing import capture_logs

from gateway.destinations.delivery import Delivery
from gateway.destinations.load import Load
from gateway.destinations.settings import InfluxSettings
from gateway.destinations.sink import Finding, LinesRefusedError, RetryLaterError, make_sink
from gateway.journal import Journal, JournalReader
from tests.gateway.destinations.samples import a_mixed_lot, commit, reading
from tests.support import choose_port, wait_for


class ScriptedSink:
    """Raises what it is told to, one per write, then takes everything."""

    name = "scripted"

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.lines: list[str] = []
        self.writes = 0
        self.closed = False

    def write(self, lines: Sequence[str]) -> None:
        self.writes += 1
        if self.failures:
            raise self.failures.pop(0)
        self.lines += lines

    def check(self) -> list[Finding]:
        return []

    def close(self) -> None:
        self.closed = True


class DeadSink(ScriptedSink):
    def write(self, lines: Sequence[str]) -> None:
        self.writes += 1
        raise RetryLaterError("connection", "gone", retry_after=3000)


class RefusingSink(ScriptedSink):
    """Refuses everything without a count, and at its 20th write waits to be let go."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.let_go = threading.Event(), threading.Event()

    def write(self, lines: Sequence[str]) -> None:
        self.writes += 1
        if self.writes == 20:
            self.reached.set()
            assert self.let_go.wait(10)
        raise LinesRefusedError("no")


def test_a_bug_in_the_sink_is_logged_counted_and_survived(
    journal: Journal, deliver: Callable[..., Delivery]
) -> None:
    sink = ScriptedSink(ZeroDivisionError("a bug"), ZeroDivisionError("a bug"), KeyError("another"))
    commit(journal, a_mixed_lot(10))
    with capture_logs() as logs:
        delivery = deliver(sink)
        wait_for(lambda: delivery.counters.delivered == 10, what="delivery")
    assert delivery.counters.failures == 3
    bugs = [each for each in logs if each["log_level"] == "error"]
    assert [type(each["exc_info"]) for each in bugs] == [ZeroDivisionError, KeyError]


def test_a_fault_of_the_journal_is_survived_and_nothing_is_skipped(
    journal: Journal, deliver: Callable[..., Delivery], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, faults = journal.delivered, [OSError("disk full"), OSError("disk full")]

    def failing(*args: object, **more: object) -> None:
        if faults:
            raise faults.pop()
        real(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(journal, "delivered", failing)
    commit(journal, a_mixed_lot(10))
    sink = ScriptedSink()
    delivery = deliver(sink)
    wait_for(lambda: journal.cursor(sink.name) == 10, what="the cursor")
    assert not faults
    assert delivery.counters.failures == 2
    assert (sink.writes, len(set(sink.lines))) == (3, 10)  # written again, the same
    wait_for(lambda: delivery.counters.delivered == 10, what="the count")


def test_a_journal_without_room_is_told_plainly_and_not_as_a_bug(
    journal: Journal, deliver: Callable[..., Delivery], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, faults = journal.delivered, [sqlite3.OperationalError("database or disk is full")]

    def failing(*args: object, **more: object) -> None:
        if faults:
            raise faults.pop()
        real(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(journal, "delivered", failing)
    commit(journal, a_mixed_lot(10))
    sink = ScriptedSink()
    with capture_logs() as logs:
        deliver(sink)
        wait_for(lambda: journal.cursor(sink.name) == 10, what="the cursor")
    (told,) = [each for each in logs if each["log_level"] in ("warning", "error")]
    assert "exc_info" not in told
    assert "disk is full" in told["problem"]


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_a_server_that_is_away_leaves_no_batch_behind_at_each_try(
    api: str, journal: Journal, deliver: Callable[..., Delivery]
) -> None:
    """A real refused connection: the HTTP libraries' errors make rings, which are looked for in vain here."""
    commit(journal, a_mixed_lot(100))
    where = {"database": "x"} if api == "v1" else {"org": "o", "bucket": "b", "token": "t"}
    address = f"http://127.0.0.1:{choose_port()}"
    settings = InfluxSettings.model_validate({"enabled": True, "api": api, "url": address, **where})
    sink = make_sink(settings)
    gc.collect()
    gc.disable()
    try:
        delivery = deliver(sink, batch=10, backoff_s=(0.02, 0.02))
        wait_for(lambda: delivery.counters.failures >= 20, what="twenty failures")
        assert delivery.stop(5)
        assert sum(isinstance(each, Load) for each in gc.get_objects()) <= 2
    finally:
        gc.enable()


def test_stopping_ends_a_backoff_at_once(journal: Journal, deliver: Callable[..., Delivery]) -> None:
    commit(journal, a_mixed_lot(10))
    sink = DeadSink()
    delivery = deliver(sink, backoff_s=(100, 100))
    wait_for(lambda: delivery.counters.failures == 1, what="the first failure")
    started = time.monotonic()
    assert delivery.stop(5)
    assert time.monotonic() - started < 1
    assert sink.closed
    assert journal.cursor(sink.name) == 0


def test_stopping_ends_a_search_for_refused_lines(journal: Journal, deliver: Callable[..., Delivery]) -> None:
    commit(journal, a_mixed_lot(2000))
    sink = RefusingSink()
    delivery = deliver(sink)
    assert sink.reached.wait(10)
    assert not delivery.stop(0)  # a write under way is not cut off
    sink.let_go.set()
    assert delivery.stop(5)
    assert sink.writes == 20
    assert journal.cursor(sink.name) == 0


def test_stopping_ends_an_idle_wait_and_a_delivery_never_started(
    journal: Journal, deliver: Callable[..., Delivery]
) -> None:
    delivery = deliver(ScriptedSink())
    started = time.monotonic()
    assert delivery.stop(5)
    assert time.monotonic() - started < 1
    assert Delivery(journal, ScriptedSink()).stop(5)


def test_a_stopped_delivery_is_taken_up_where_it_was(
    journal: Journal, deliver: Callable[..., Delivery]
) -> None:
    commit(journal, a_mixed_lot(10))
    first = deliver(ScriptedSink())
    wait_for(lambda: first.counters.delivered == 10, what="the first delivery")
    first.stop()
    commit(journal, [reading(11)])
    sink = ScriptedSink()
    second = deliver(sink)
    wait_for(lambda: second.counters.delivered == 1, what="the second delivery")
    assert len(sink.lines) == 1
    assert "seq=11i" in sink.lines[0]


def test_a_commit_wakes_it_at_once(journal: Journal, deliver: Callable[..., Delivery]) -> None:
    sink = ScriptedSink()
    delivery = deliver(sink)
    for count in range(1, 30):
        commit(journal, [reading(count)])
        # Far below the 30 s after which it would look by itself.
        wait_for(lambda count=count: delivery.counters.delivered == count, 5, "the reading just committed")


def test_what_is_refused_is_in_the_quarantine_with_its_destination(
    journal: Journal, deliver: Callable[..., Delivery]
) -> None:
    commit(journal, [reading(1)])
    delivery = deliver(ScriptedSink(LinesRefusedError("the server's own words")))
    wait_for(lambda: delivery.counters.refused == 1, what="the refusal")
    with JournalReader(journal.path) as reader:
        (entry,) = reader.quarantined()
    assert (entry.node, entry.seq, entry.destination) == ("ochota-1", 1, "scripted")
    assert entry.detail == "the server's own words"


def test_an_idle_delivery_waits_for_the_bell(
    journal: Journal, deliver: Callable[..., Delivery], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    real = journal.cursor

    def counting(destination: str) -> int:
        nonlocal looks
        looks += 1
        return real(destination)

    monkeypatch.setattr(journal, "cursor", counting)
    delivery = deliver(ScriptedSink())
    for count in range(1, 6):
        commit(journal, [reading(count)])
        wait_for(lambda count=count: delivery.counters.delivered == count, 5, "delivery")
    # For each commit one look that finds it and one that finds no more, and the look at the start.
    assert looks <= 11
