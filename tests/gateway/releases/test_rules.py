"""The rules of roll-outs by themselves: who is next, when a stage has passed, when it must stop."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from gateway.releases import rules
from gateway.releases.rollouts import Member, Rollout, Seen, Told

NEW, OLD = "1.1.0", "1.0.0"


def rollout(**changes: Any) -> Rollout:
    plain: dict[str, Any] = {
        "id": 1,
        "version": NEW,
        "floor": OLD,
        "channel": "stable",
        "stages": (1.0, 10.0, 100.0),
        "settle_s": 100.0,
        "silent_s": 50.0,
        "tolerate": 2.0,
        "state": "running",
        "by_itself": False,
        "why": "",
        "stage": 0,
        "started": 0.0,
        "changed": 0.0,
        "next_due": 0.0,
    }
    return Rollout(**{**plain, **changes})


def seen(node: str, fw: str = OLD, **changes: Any) -> Seen:
    plain: dict[str, Any] = {"online": True, "silent": False, "boot": 5, "update": Told()}
    return Seen(node, fw, **{**plain, **changes})


def nodes(count: int, **changes: Any) -> dict[str, Seen]:
    return {f"node-{number}": seen(f"node-{number}", **changes) for number in range(count)}


def members(it: Rollout, count: int, stage: int, state: str, **changes: Any) -> None:
    start = len(it.members)
    for number in range(start, start + count):
        it.members[f"node-{number}"] = Member(f"node-{number}", stage, state, told=1.0, **changes)


@pytest.mark.parametrize(
    ("count", "sizes"), [(1, (1, 1, 1)), (12, (1, 2, 12)), (50, (1, 5, 50)), (1000, (10, 100, 1000))]
)
def test_sizes_of_stages(count: int, sizes: tuple[int, ...]) -> None:
    it, known = rollout(), nodes(count)
    for stage, size in enumerate(sizes):
        it.stage = stage
        rules.fill(it, known, 0.0)
        for member in it.members.values():
            member.go("good", 0.0)
        assert len(it.members) == size


def test_the_order_is_the_same_each_time_and_not_that_of_names() -> None:
    first = rollout()
    rules.fill(first, nodes(1000), 0.0)
    shuffled = list(nodes(1000).items())
    random.Random(1).shuffle(shuffled)
    again = rollout()
    rules.fill(again, dict(shuffled), 0.0)
    assert first.members.keys() == again.members.keys() != {f"node-{number}" for number in range(10)}
    other = rollout(version="1.2.0")
    rules.fill(other, nodes(1000), 0.0)
    assert other.members.keys() != first.members.keys(), "not always the same ones first"


def test_only_nodes_that_are_there_are_tried_first() -> None:
    known = nodes(100)
    away = sorted(known, key=lambda node: rules.rank(NEW, node))[:20]
    for node in away:
        known[node] = replace(known[node], online=False)
    it = rollout(stage=1)
    rules.fill(it, known, 0.0)
    assert (len(it.members), it.members.keys() & set(away)) == (8, set()), "10 % of those online"
    # Who goes away before it has the version is replaced, and so is who refuses.
    left, no = sorted(it.members)[:2]
    known[left] = replace(known[left], online=False)
    it.members[no].go("refused", 1.0)
    assert len(rules.fill(it, known, 1.0)) == 2
    # In the last stage all are members, so that who returns gets it.
    it.stage = 2
    rules.fill(it, known, 2.0)
    assert len(it.members) == 100


# size of the stage, how many fail, does it stop
FAILURES = (
    *((1, 1, True), (9, 1, True), (10, 1, False), (10, 2, True)),
    *((100, 2, False), (100, 3, True), (1000, 20, False), (1000, 21, True)),
)


@pytest.mark.parametrize(("size", "failed", "stops"), FAILURES)
def test_how_many_may_fail(size: int, failed: int, stops: bool) -> None:
    it = rollout(stage=2)
    members(it, failed, 2, "fell_back", why="it crashed")
    members(it, size - failed, 2, "good")
    why = rules.why_stop(it)
    assert bool(why) == stops
    if stops:
        assert why.startswith(f"stage 3 (100 %): {failed} of {size} nodes failed, ")
        assert "node-0 fell back (it crashed)" in why


def test_it_counts_those_that_were_told_so_far() -> None:
    """Thousands that wait their turn make no failure smaller."""
    it = rollout(stage=2)
    members(it, 2, 2, "silent")
    members(it, 20, 2, "good")
    for number in range(5000):
        it.members[f"later-{number}"] = Member(f"later-{number}", 2)
    assert "2 of 22 nodes failed, 1 may" in rules.why_stop(it)


def test_refusals_stop_it_too_but_later() -> None:
    it = rollout(stage=1)
    members(it, 5, 1, "refused", why="it is not for this board")
    assert rules.why_stop(it) == ""
    members(it, 1, 1, "refused", why="it is not for this board")
    assert "6 of 6 nodes refused it, 5 may" in rules.why_stop(it)


def test_a_stage_passes_when_all_is_well_for_a_while() -> None:
    it, known = rollout(stage=1), nodes(50)
    rules.fill(it, known, 0.0)
    chosen = list(it.members.values())
    assert len(chosen) == 5
    for member in chosen:
        member.told = 1.0
        member.go("good", 10.0)
    assert not rules.passed(it, known, 109.0)
    assert rules.passed(it, known, 110.0)
    for state in ("told", "loading", "loaded", "trial", "due", "waiting"):
        chosen[0].state = state
        assert not rules.passed(it, known, 200.0), state
    known[chosen[0].node] = replace(known[chosen[0].node], online=False)
    chosen[0].state = "loaded"
    assert not rules.passed(it, known, 200.0), "it may be the new version that keeps it away"
    chosen[0].state = "refused"
    assert not rules.passed(it, known, 200.0), "another one is to take its place"


def test_nothing_good_is_no_pass() -> None:
    it, known = rollout(settle_s=0.0), nodes(5)
    members(it, 1, 0, "fell_back")
    assert not rules.passed(it, known, 1000.0)
    assert not rules.passed(rollout(settle_s=0.0), known, 1000.0)


def moved(member: Member, of: Seen, now: float = 1000.0, **changes: Any) -> Member:
    rules.move(rollout(**changes), member, of, now)
    return member


def told(state: str, **changes: Any) -> Member:
    return Member("node-1", 0, state, since=900.0, told=900.0, attempts=1, **changes)


@pytest.mark.parametrize(
    ("before", "fw", "says", "after"),
    [
        ("told", OLD, "", "told"),
        ("told", OLD, "loading", "loading"),
        ("loading", OLD, "loading", "loading"),
        ("loaded", OLD, "loading", "loaded"),
        ("loaded", NEW, "loading", "trial"),  # the status comes before health tells of the trial
        ("loaded", NEW, "trial", "trial"),
        ("trial", NEW, "good", "good"),
        ("trial", OLD, "fell_back", "fell_back"),
        ("loaded", OLD, "fell_back", "fell_back"),
        ("good", OLD, "fell_back", "fell_back"),  # the file was damaged
        ("loading", OLD, "refused", "refused"),
        ("told", NEW, "", "good"),
    ],
)
def test_what_a_node_says_moves_it(before: str, fw: str, says: str, after: str) -> None:
    update = Told(NEW, says, "why") if says else Told()
    assert moved(told(before), seen("node-1", fw, update=update)).state == after


def test_what_it_said_before_it_was_told_is_not_news() -> None:
    """A second roll-out of the same version: the node still tells of the first one."""
    old = Told(NEW, "fell_back", "it crashed")
    member = told("loading", before=(old, 5))
    assert moved(member, seen("node-1", update=old, boot=5)).state == "loading"
    assert moved(member, seen("node-1", update=old, boot=7)).state == "fell_back"
    waits = Member("node-1", 0)
    assert moved(waits, seen("node-1", update=old)).state == "waiting"
    # Nor is what it says of another version.
    other = Told("1.0.9", "fell_back", "it crashed")
    assert moved(told("trial"), seen("node-1", update=other)).state == "trial"


@pytest.mark.parametrize(
    ("state", "after"),
    [("loaded", "silent"), ("trial", "silent"), ("good", "silent"), ("loading", "loading"), ("told", "told")],
)
def test_silence_counts_after_the_new_version_has_begun(state: str, after: str) -> None:
    fw = NEW if state in ("trial", "good") else OLD
    says = {"told": "", "loaded": "loading"}.get(state, state)
    update = Told(NEW, says) if says else Told()
    member = moved(told(state), seen("node-1", fw, silent=True, update=update))
    assert member.state == after
    if after == "silent":
        assert member.why == "nothing was heard of it for 50 s after the update"
        back = moved(member, seen("node-1", NEW, update=Told(NEW, "good")), 1100.0)
        assert back.state == "good", "heard again"


def test_silence_long_after_the_update_has_other_reasons() -> None:
    member = told("good")
    assert (
        moved(member, seen("node-1", NEW, silent=True, update=Told(NEW, "good")), 900.0 + 151).state == "good"
    )


def test_a_command_without_an_answer_is_given_again_and_then_given_up() -> None:
    member = told("told")
    assert moved(member, seen("node-1"), 1199.0).state == "told"
    assert moved(member, seen("node-1"), 1201.0).state == "waiting"
    assert member.not_before == 1201.0 + rules.AGAIN_SECONDS
    tired = told("told")
    tired.attempts = rules.MOST_ATTEMPTS
    assert moved(tired, seen("node-1"), 1201.0).why == "it does not answer the command, told 5 times"
    assert tired.state == "refused"
    # One that goes away first is told when it is back.
    gone = told("told")
    assert moved(gone, seen("node-1", online=False), 1000.0).state == "waiting"


def test_so_many_a_minute() -> None:
    it, known = rollout(stage=2), nodes(600)
    rules.fill(it, known, 0.0)
    count, now = 0, 10_000.0
    while now < 10_060.0:
        for member in rules.due(it, known, now, per_min=120, look_s=5.0):
            member.go("due", now)
            count += 1
        now += 5.0
    assert 118 <= count <= 132


def test_the_floor_of_what_a_node_runs() -> None:
    floors = {"1.3.0": "1.2.0", "1.1.5": "1.0.0"}
    assert "nothing older than 1.2.0" in rules.forbidden(rollout(), seen("node-1", "1.3.0"), floors)
    assert rules.forbidden(rollout(), seen("node-1", "1.1.5"), floors) == ""
    assert rules.forbidden(rollout(version="1.10.0"), seen("node-1", "1.3.0"), floors) == "", (
        "numbers, not text"
    )
    assert rules.forbidden(rollout(), seen("node-1", "a developer's"), floors) == ""
