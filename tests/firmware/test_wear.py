"""The outbox's share of the flash's wear: an hour of each kind of day on littlefs."""

from __future__ import annotations

import pytest

from bench.wear import ALLOWED_MIB, MIB, measure


@pytest.mark.needs_micropython
def test_an_hour_writes_no_more_than_its_share() -> None:
    kinds = ("online", "offline", "drain")
    found = measure(60, 1, kinds)
    assert tuple(wear.day for wear in found) == kinds
    for wear in found:
        print(wear)
        assert wear.given < wear.programmed < ALLOWED_MIB * MIB / 24
        assert wear.files <= 6  # what is acked takes no files
    online, offline, drain = found
    assert online.depth == 0
    assert offline.depth == 60
    assert drain.depth == 0
    # A segment that is acked is left for a new one before it costs whole blocks.
    assert online.programmed < offline.programmed
    assert online.programmed < 60 * 1024
