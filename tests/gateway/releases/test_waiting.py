"""The queue of questions: bounded, fair, and no faster than allowed. On a clock of its own."""

from __future__ import annotations

from gateway.releases.waiting import OVERHEAD_BYTES, Waiting

PIECE = 1000 - OVERHEAD_BYTES


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def served(waiting: Waiting[int], clock: Clock, seconds: float) -> list[str]:
    """Who gets a piece in that time; each asks again at once."""
    got: list[str] = []
    until = clock.now + seconds
    while clock.now < until:
        taken = waiting.take(0)
        if taken is None:
            clock.now += 0.01
            continue
        got.append(taken[0])
        waiting.spent(taken[0], PIECE)
        waiting.put(taken[0], taken[1] + 1)
    return got


def test_each_node_at_its_rate_and_all_at_theirs() -> None:
    clock = Clock()
    waiting: Waiting[int] = Waiting(10_000, 2_000, clock=clock)
    waiting.put("one", 0)
    assert len(served(waiting, clock, 10)) in range(20, 22), "2 KB/s"
    for number in range(50):
        waiting.put(f"node-{number}", 0)
    got = served(waiting, clock, 30)
    assert len(got) in range(280, 303), "10 KB/s"
    counts = [got.count(f"node-{number}") for number in range(50)]
    assert max(counts) - min(counts) <= 1, "in turn"


def test_a_newer_question_takes_the_place_of_the_one_before() -> None:
    clock = Clock()
    waiting: Waiting[int] = Waiting(1e9, 1e9, clock=clock)
    for number in range(100):
        waiting.put("one", number)
    waiting.put("two", 7)
    assert (waiting.take(0), waiting.take(0), waiting.take(0)) == (("one", 99), ("two", 7), None)


def test_it_is_bounded() -> None:
    clock = Clock()
    waiting: Waiting[int] = Waiting(1e9, 1e9, most=10, clock=clock)
    for number in range(30):
        waiting.put(f"node-{number}", number)
    assert (len(waiting), waiting.dropped) == (10, 20)
    for number in range(1000):  # nodes that come and go leave nothing behind
        waiting.spent(f"node-{number}", PIECE)
        clock.now += 1
    assert len(waiting._ready_at) <= 20
