"""Which seqs of one boot are held: sorted, disjoint ranges that never touch each other.

A range is (first, last), both included. Ranges are what makes the acknowledgement literally true and the
ledger exact without counting rows.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

Range = tuple[int, int]
# Sorts after every range that starts at the same seq.
_PAST_ANY_LAST = 1 << 33


def position(ranges: list[Range], seq: int) -> int:
    """Index of the last range that starts at or before `seq`; -1 when there is none."""
    return bisect_right(ranges, (seq, _PAST_ANY_LAST)) - 1


def holds(ranges: list[Range], seq: int) -> bool:
    at = position(ranges, seq)
    return at >= 0 and ranges[at][1] >= seq


def add(ranges: list[Range], seq: int) -> bool:
    """Add one seq in place, joining its neighbours; False when it was held already."""
    at = position(ranges, seq)
    if at >= 0 and ranges[at][1] >= seq:
        return False
    joins_left = at >= 0 and ranges[at][1] == seq - 1
    joins_right = at + 1 < len(ranges) and ranges[at + 1][0] == seq + 1
    first = ranges[at][0] if joins_left else seq
    last = ranges[at + 1][1] if joins_right else seq
    start = at if joins_left else at + 1
    end = at + 2 if joins_right else at + 1
    ranges[start:end] = [(first, last)]
    return True


def union(*parts: Iterable[Range]) -> list[Range]:
    """All that is in any of them."""
    joined: list[Range] = []
    for first, last in sorted(each for part in parts for each in part):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(joined[-1][1], last)
        else:
            joined.append((first, last))
    return joined


def without(ranges: Iterable[Range], taken: Iterable[Range]) -> list[Range]:
    """What is in `ranges` and not in `taken`; both sorted and disjoint."""
    left: list[Range] = []
    holes = iter(taken)
    hole = next(holes, None)
    for first, last in ranges:
        while hole is not None and hole[0] <= last:
            if hole[1] >= first:
                if hole[0] > first:
                    left.append((first, hole[0] - 1))
                first = hole[1] + 1
            if hole[1] > last:
                break
            hole = next(holes, None)
        if first <= last:
            left.append((first, last))
    return left


def within(ranges: Iterable[Range], first: int, last: int) -> list[Range]:
    """What lies in [first, last]."""
    return [(max(low, first), min(high, last)) for low, high in ranges if high >= first and low <= last]


def total(ranges: Iterable[Range]) -> int:
    return sum(last - first + 1 for first, last in ranges)


def gaps(ranges: Iterable[Range], first: int, last: int) -> list[Range]:
    """The ranges within [first, last] that are not held, ascending."""
    missing: list[Range] = []
    wanted = first
    for low, high in ranges:
        if high < wanted:
            continue
        if low > last:
            break
        if low > wanted:
            missing.append((wanted, low - 1))
        wanted = high + 1
    if wanted <= last:
        missing.append((wanted, last))
    return missing


def gaps_before(ranges: list[Range], seq: int, most: int) -> list[Range]:
    """The last `most` of the gaps below `seq`, which must be held; ascending."""
    missing: list[Range] = []
    for at in range(position(ranges, seq), -1, -1):
        below = ranges[at - 1][1] if at else 0
        if below + 1 < ranges[at][0]:
            missing.append((below + 1, ranges[at][0] - 1))
        if len(missing) == most:
            break
    return missing[::-1]
