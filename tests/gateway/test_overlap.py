"""A batch is read while the one before is committed: what is acknowledged, in which order, and at the end."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.aside import Aside
from gateway.check import Limits
from gateway.journal import Batch, Committed, Journal
from gateway.pipeline import Pipeline
from gateway.receive import Inbox, Incoming
from tests.gateway.talker import reading, topic
from tests.support import wait_for


class SlowJournal(Journal):
    """Waits before each commit until it is let go, as for a disk."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, synchronous="NORMAL")
        self.waiting, self.let_go = threading.Event(), threading.Event()
        self.error: Exception | None = None

    def commit(self, batch: Batch) -> Committed:
        self.waiting.set()
        assert self.let_go.wait(20)
        if self.error is not None:
            raise self.error
        return super().commit(batch)


class Told:
    """The session's part: keeps what is acknowledged, in order."""

    def __init__(self) -> None:
        self.mids: list[int] = []

    def acknowledge(self, messages: list[Incoming]) -> None:
        self.mids += [each.mid for each in messages]

    def answer(self, answers: list[tuple[str, bytes]]) -> None: ...


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SlowJournal]:
    with SlowJournal(tmp_path / "journal.sqlite") as opened:
        yield opened


@pytest.fixture
def start(journal: SlowJournal) -> Iterator[Callable[[int], tuple[Pipeline, Told]]]:
    """A pipeline that takes so many messages in a batch, with 30 of them waiting."""
    running: list[Pipeline] = []

    def begin(most: int) -> tuple[Pipeline, Told]:
        told, inbox = Told(), Inbox(1000)
        pipeline = Pipeline("warsaw", inbox, journal, told, limits=Limits(), most=most, linger_s=0.01)
        inbox.put([message(mid) for mid in range(1, 31)], lambda: False)
        running.append(pipeline)
        pipeline.start()
        return pipeline, told

    yield begin
    journal.let_go.set()
    for pipeline in running:
        assert pipeline.stop(10)


def message(mid: int) -> Incoming:
    body: dict[str, Any] = {"v": 1, "boot": 1, "readings": [reading(mid)]}
    now_ms = time.time_ns() // 1_000_000
    return Incoming(topic("node-1", "readings"), json.dumps(body).encode(), 1, False, mid, 1, now_ms)


def test_the_next_batch_is_read_meanwhile_and_nothing_is_acknowledged_early(
    journal: SlowJournal, start: Callable[[int], tuple[Pipeline, Told]]
) -> None:
    pipeline, told = start(10)
    assert journal.waiting.wait(10)
    wait_for(lambda: pipeline._inbox.depth == 10, what="the second batch to be taken")
    assert told.mids == []
    journal.let_go.set()
    wait_for(lambda: len(told.mids) == 30, what="all acks")
    assert told.mids == list(range(1, 31)), "in the order in which they came"
    assert pipeline.counters.stored == 30


def test_a_stop_finishes_what_is_read(
    journal: SlowJournal, start: Callable[[int], tuple[Pipeline, Told]]
) -> None:
    pipeline, told = start(10)
    assert journal.waiting.wait(10)
    wait_for(lambda: pipeline._inbox.depth == 10, what="the second batch to be taken")
    assert not pipeline.stop(0)
    journal.let_go.set()
    assert pipeline.stop(10)
    assert told.mids == list(range(1, 21))


def test_a_pipeline_that_cannot_go_on_ends(
    journal: SlowJournal, start: Callable[[int], tuple[Pipeline, Told]]
) -> None:
    """A dead thread is what /healthz sees; one that lives on and acknowledges nothing would be none."""
    journal.error = RuntimeError("a bug that meets every batch")
    journal.let_go.set()
    caught: list[Any] = []
    before, threading.excepthook = threading.excepthook, caught.append
    try:
        pipeline, told = start(10)
        wait_for(lambda: not pipeline.is_alive(), what="the pipeline's end")
    finally:
        threading.excepthook = before
    assert told.mids == []
    assert [each.exc_type for each in caught] == [RuntimeError]


def test_calls_are_made_aside_one_after_the_other() -> None:
    with Aside[int]("test") as aside:
        gate, order = threading.Event(), list[int]()

        def call(number: int) -> int:
            assert gate.wait(10)
            order.append(number)
            if number == 2:
                raise ValueError("the second")
            return number

        futures = [aside.begin(lambda number=number: call(number)) for number in (1, 2, 3)]
        assert order == []
        gate.set()
        assert futures[2].result(10) == 3
        assert order == [1, 2, 3]
        with pytest.raises(ValueError, match="the second"):
            futures[1].result(0)
