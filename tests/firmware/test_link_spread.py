"""How thousands of nodes come back to a broker that was away, by the firmware's own pauses."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from tests.firmware.both.test_link_pause import fail, make_link

NODES = 10_000


@pytest.mark.parametrize("away_s", [0, 5, 45, 600])
def test_no_second_gets_more_than_a_few_percent(away_s: int, capsys: pytest.CaptureFixture[str]) -> None:
    seed = 20261124 + away_s
    random.seed(seed)
    seconds: Counter[int] = Counter()
    for _ in range(NODES):
        link = make_link()
        link.time = 100_000
        at = fail(link, "closed", up=True)
        while at < away_s * 1000:
            at += fail(link, "refused")
        seconds[at // 1000] += 1
    with capsys.disabled():
        print(f"\nseed {seed}: away {away_s} s, most in one second: {max(seconds.values()) / NODES:.2%}")
    assert max(seconds.values()) < NODES * 0.04
    assert max(seconds) < away_s + 121
