"""After an outage: fresh readings first, the backlog beside them; each arrives, none is refused twice."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Sequence

import pytest

from gateway.destinations.delivery import FAR_BEHIND, Again, Delivery
from gateway.destinations.sink import Finding, LinesRefusedError, RetryLaterError
from gateway.journal import Journal, JournalReader
from tests.gateway.destinations.samples import commit, reading
from tests.support import wait_for

BATCH = 10


class Store:
    """Keeps lines by seq as a database does; lets a write through when `gate` is open, and runs `before`."""

    name = "store"

    def __init__(self) -> None:
        self.seqs: list[int] = []  # in the order written, again what came again
        self.bad: set[int] = set()
        self.before: Callable[[int], None] = lambda _count: None
        self.writes = 0

    def write(self, lines: Sequence[str]) -> None:
        self.writes += 1
        self.before(self.writes)
        seqs = [int(found[1]) for each in lines if (found := re.search(r"seq=(\d+)i", each))]
        if self.bad.intersection(seqs):
            raise LinesRefusedError("a bad line")
        self.seqs += seqs

    def check(self) -> list[Finding]:
        return []

    def close(self) -> None:
        pass


def test_the_newest_go_ahead_and_the_backlog_follows(
    journal: Journal, deliver: Callable[..., Delivery]
) -> None:
    commit(journal, [reading(seq) for seq in range(1, 101)])
    store = Store()
    fresh = iter(range(101, 104))

    def before(count: int) -> None:
        if count in (2, 4, 6):  # while the backlog is carried, a reading is born
            commit(journal, [reading(next(fresh))])

    store.before = before
    delivery = deliver(store, batch=BATCH)
    wait_for(lambda: journal.cursor(store.name) == 103, what="the cursor at the end")
    assert store.seqs[:20] == [*range(91, 101), *range(1, 11)]
    # Each reading that was born meanwhile was the next to be carried.
    assert [store.seqs.index(seq) for seq in (101, 102, 103)] == [20, 31, 42]
    assert sorted(store.seqs) == list(range(1, 104)), "each once"
    wait_for(lambda: delivery.counters.lag == 0, what="no lag")
    assert delivery.counters.delivered == 103


def test_the_next_batch_is_made_ready_while_the_server_works(
    journal: Journal, deliver: Callable[..., Delivery]
) -> None:
    commit(journal, [reading(seq) for seq in range(1, 2 * BATCH + 1)])
    store, go_on = Store(), threading.Event()

    def before(_count: int) -> None:
        assert go_on.wait(10)

    store.before = before
    delivery = deliver(store, batch=BATCH)
    wait_for(lambda: delivery._next is not None, what="the next batch")
    assert store.seqs == []
    go_on.set()
    wait_for(lambda: journal.cursor(store.name) == 2 * BATCH, what="the cursor at the end")
    assert store.seqs == list(range(1, 2 * BATCH + 1))


def test_what_was_made_ready_skips_nothing_when_writes_fail(
    journal: Journal, deliver: Callable[..., Delivery]
) -> None:
    seed = random.randrange(1000)
    print("seed", seed)
    chance, store = random.Random(seed), Store()

    def before(_count: int) -> None:
        if chance.random() < 0.5:
            raise RetryLaterError("http 503", "busy")

    store.before = before
    commit(journal, [reading(seq) for seq in range(1, 2 * BATCH + 1)])
    deliver(store, batch=BATCH, backoff_s=(0.001, 0.001))
    for first in range(2 * BATCH + 1, 20 * BATCH, BATCH):
        commit(journal, [reading(seq) for seq in range(first, first + BATCH)])
    wait_for(lambda: journal.cursor(store.name) == 20 * BATCH, what="the cursor at the end")
    assert sorted(set(store.seqs)) == list(range(1, 20 * BATCH + 1))


def test_what_went_ahead_is_not_carried_again_when_still_more_comes(
    journal: Journal, deliver: Callable[..., Delivery]
) -> None:
    """More comes in than is carried: the newest go ahead again and again, and each is carried once."""
    commit(journal, [reading(seq) for seq in range(1, 51)])
    store = Store()

    def before(count: int) -> None:
        if count <= 10:  # three batches while one is carried
            first = 51 + (count - 1) * 3 * BATCH
            commit(journal, [reading(seq) for seq in range(first, first + 3 * BATCH)])

    store.before = before
    delivery = deliver(store, batch=BATCH)
    wait_for(lambda: journal.cursor(store.name) == 350, what="the cursor at the end")
    assert sorted(store.seqs) == list(range(1, 351)), "each once"
    assert store.seqs[:10] == list(range(41, 51))
    wait_for(lambda: delivery.counters.lag == 0, what="no lag")


def test_a_small_lag_is_carried_in_order(journal: Journal, deliver: Callable[..., Delivery]) -> None:
    commit(journal, [reading(seq) for seq in range(1, FAR_BEHIND * BATCH + 1)])
    store = Store()
    deliver(store, batch=BATCH)
    wait_for(lambda: len(store.seqs) == FAR_BEHIND * BATCH, what="all")
    assert store.seqs == sorted(store.seqs)


def test_what_is_refused_ahead_is_quarantined_once_also_over_a_restart(
    journal: Journal, deliver: Callable[..., Delivery]
) -> None:
    commit(journal, [reading(seq) for seq in range(1, 101)])
    store, reached, go_on = Store(), threading.Event(), threading.Event()
    store.bad = {95, 5}

    def before(_count: int) -> None:
        if 90 in store.seqs or 20 in store.seqs:
            reached.set()
            go_on.wait(10)

    store.before = before
    first = deliver(store, batch=BATCH)
    assert reached.wait(10)
    assert not first.stop(0)
    go_on.set()
    assert first.stop(10)
    assert 0 < journal.cursor(store.name) < 90
    store.before = lambda _count: None
    second = deliver(store, batch=BATCH)
    wait_for(lambda: journal.cursor(store.name) == 100, what="the cursor at the end")
    assert set(store.seqs) == set(range(1, 101)) - {5, 95}
    assert second.counters.lag == 0
    with JournalReader(journal.path) as reader:
        assert sorted(entry.seq or 0 for entry in reader.quarantined()) == [5, 95]


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_each_reading_arrives(
    seed: int, journal: Journal, deliver: Callable[..., Delivery]
) -> None:
    """Outages, refused lines and births at random."""
    print("seed", seed)
    chance = random.Random(seed)
    commit(journal, [reading(seq) for seq in range(1, 61)])
    born, store = 60, Store()
    store.bad = set(chance.sample(range(1, 200), 5))

    def before(_count: int) -> None:
        nonlocal born
        if chance.random() < 0.5 and born < 200:
            more = min(chance.choice([1, 3, 40]), 200 - born)
            commit(journal, [reading(seq) for seq in range(born + 1, born + more + 1)])
            born += more
        if chance.random() < 0.3:
            raise RetryLaterError("connection", "gone")

    store.before = before
    deliver(store, batch=BATCH, backoff_s=(0.001, 0.001))
    wait_for(lambda: journal.cursor(store.name) == born, what="the cursor at the end")
    assert set(store.seqs) == set(range(1, born + 1)) - store.bad
    with JournalReader(journal.path) as reader:
        refused = sorted(entry.seq or 0 for entry in reader.quarantined())
    assert refused == sorted(seq for seq in store.bad if seq <= born)


def test_a_server_that_lost_what_it_had_acknowledged_gets_it_again(
    journal: Journal, deliver: Callable[..., Delivery]
) -> None:
    """As InfluxDB 1.6 does when it is killed twice: the second time all since the first is gone."""
    commit(journal, [reading(seq) for seq in range(1, 41)])
    store = Store()
    delivery = deliver(store, batch=BATCH, again=Again(seconds=0, readings=30))
    wait_for(lambda: delivery.counters.delivered == 40, what="all")
    lost: list[int] = []

    def crash(_count: int) -> None:
        if not lost:
            lost.extend(seq for seq in store.seqs if seq > 20)
            del store.seqs[:]
            raise RetryLaterError("connection", "gone")

    store.before = crash
    commit(journal, [reading(41)])
    wait_for(lambda: {*range(12, 42)} <= set(store.seqs), what="the latest 30 again")
    wait_for(lambda: journal.cursor(store.name) == 41, what="the cursor at the end")
    assert set(lost) < set(store.seqs)
    assert min(store.seqs) == 12, "and no more than that"


def test_what_is_delivered_again_goes_by_the_time_of_arrival(
    journal: Journal, deliver: Callable[..., Delivery]
) -> None:
    now_ms = int(time.time() * 1000)
    commit(journal, [reading(seq, received_ms=now_ms - (100 - seq) * 60_000) for seq in range(1, 101)])
    with JournalReader(journal.path) as reader:
        assert reader.id_since(now_ms - 30 * 60_000) == 70
        assert reader.id_since(0) == 1
        assert reader.id_since(now_ms + 1) == 101
    store = Store()
    delivery = deliver(store, again=Again(seconds=30 * 60 + 30, readings=0))
    wait_for(lambda: delivery.counters.delivered == 131, what="all, and the last half hour once more")
    assert store.seqs == [*range(1, 101), *range(70, 101)]
