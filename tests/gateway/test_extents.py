"""Ranges of seqs against a plain set, which cannot be wrong."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway import extents
from gateway.acknowledge import acknowledgements, refusal

SEQS = st.lists(st.integers(1, 60) | st.integers(4294967285, 4294967295), max_size=80)


def built(seqs: list[int]) -> list[extents.Range]:
    ranges: list[extents.Range] = []
    for seq in seqs:
        extents.add(ranges, seq)
    return ranges


@given(SEQS)
def test_add_says_whether_it_was_new_and_holds_exactly_what_was_added(seqs: list[int]) -> None:
    ranges: list[extents.Range] = []
    model: set[int] = set()
    for seq in seqs:
        assert extents.add(ranges, seq) == (seq not in model)
        model.add(seq)
    assert {seq for first, last in ranges for seq in range(first, last + 1)} == model
    assert extents.total(ranges) == len(model)
    # Sorted, not touching: the fewest ranges there can be.
    assert all(a[1] + 1 < b[0] for a, b in pairwise(ranges))
    assert all(extents.holds(ranges, seq) == (seq in model) for seq in range(1, 70))


@given(SEQS, st.integers(1, 70), st.integers(1, 70))
def test_gaps_are_what_is_not_held(seqs: list[int], first: int, last: int) -> None:
    gaps = extents.gaps(built(seqs), first, last)
    found = [seq for low, high in gaps for seq in range(low, high + 1)]
    assert found == [seq for seq in range(first, last + 1) if seq not in set(seqs)]


def said(message: dict[str, Any], highest: int) -> set[int]:
    """The seqs up to `highest` that an ack declares durable, by the contract's words."""
    exceptions: set[int] = set()
    for item in message.get("except", []):
        first, last = (item, item) if isinstance(item, int) else item
        exceptions |= set(range(first, last + 1))
    return set(range(message.get("from", 1), min(message["upto"], highest) + 1)) - exceptions


# Every bit a seq: that makes the many gaps which sets of a few numbers hardly ever have.
BITS = st.binary(min_size=1, max_size=50).filter(any)


@given(BITS, st.data())
def test_acknowledgements_are_literally_true_and_cover_what_was_sent(
    bits: bytes, data: st.DataObject
) -> None:
    held = {8 * i + b + 1 for i, byte in enumerate(bits) for b in range(8) if byte >> b & 1}
    named = data.draw(st.sets(st.sampled_from(sorted(held)), min_size=1, max_size=60))
    messages = [json.loads(each) for each in acknowledgements(9, built(sorted(held)), named)]
    covered: set[int] = set()
    for message in messages:
        assert len(message.get("except", [])) <= 64
        assert said(message, 400) <= held
        # Nothing of its part is kept back, and no message is for nothing.
        assert said(message, 400) == {s for s in held if message.get("from", 1) <= s <= message["upto"]}
        assert said(message, 400) & named
        assert not said(message, 400) & covered
        covered |= said(message, 400)
    assert named <= covered
    if len(extents.gaps(built(sorted(held)), 1, max(held))) <= 64:
        assert covered == held
        assert len(messages) == 1
        assert "from" not in messages[0]


def test_many_gaps_speak_of_the_part_that_was_sent() -> None:
    held = built(list(range(1001, 1200, 2)))
    (newest,) = acknowledgements(1, held, [1199])
    assert json.loads(newest)["upto"] == 1199
    assert json.loads(newest)["from"] == 1071
    assert json.loads(newest)["except"] == list(range(1072, 1199, 2))
    extents.add(held, 2)
    (oldest,) = acknowledgements(1, held, [2])
    assert json.loads(oldest) == {"v": 1, "boot": 1, "upto": 2, "except": [1]}
    both = [json.loads(each) for each in acknowledgements(1, held, [2, 1199])]
    assert [(each.get("from", 1), each["upto"]) for each in both] == [(1, 2), (1071, 1199)]
    assert len(acknowledgements(1, held, range(1001, 1200, 2))) == 2


def test_refusal_fits_the_contract() -> None:
    assert json.loads(refusal("x" * 500)) == {"v": 1, "refused": "x" * 200}


@given(st.sets(st.integers(1, 30)), st.sets(st.integers(1, 30)), st.integers(0, 31), st.integers(0, 31))
def test_without_and_within_are_what_sets_say(
    whole: set[int], taken: set[int], first: int, last: int
) -> None:
    ranges = built(list(whole))
    assert extents.without(ranges, built(list(taken))) == built(list(whole - taken))
    inside = [seq for low, high in extents.within(ranges, first, last) for seq in range(low, high + 1)]
    assert inside == sorted(seq for seq in whole if first <= seq <= last)
