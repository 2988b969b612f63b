"""Ranges of seqs against a plain set, which cannot be wrong."""

from __future__ import annotations

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway import extents
from gateway.acknowledge import acknowledgement, refusal

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


@given(st.sets(st.integers(1, 400), min_size=1))
def test_acknowledgement_is_literally_true(held: set[int]) -> None:
    message = json.loads(acknowledgement(9, built(sorted(held))))
    exceptions: set[int] = set()
    for item in message.get("except", []):
        first, last = (item, item) if isinstance(item, int) else item
        exceptions |= set(range(first, last + 1))
    assert len(message.get("except", [])) <= 64
    said = set(range(message.get("from", 1), message["upto"] + 1)) - exceptions
    assert said <= held
    # Nothing is kept back: all from the first seq it speaks of on, and all at all while there is room.
    assert said == {seq for seq in held if seq >= message.get("from", 1)}
    if "from" in message:
        assert len(message["except"]) == 64


def test_many_gaps_speak_of_the_newest_part() -> None:
    message = json.loads(acknowledgement(1, built(list(range(2, 202, 2)))))
    assert message["upto"] == 200
    assert message["from"] == 72
    assert message["except"] == list(range(73, 200, 2))


def test_refusal_fits_the_contract() -> None:
    assert json.loads(refusal("x" * 500)) == {"v": 1, "refused": "x" * 200}
