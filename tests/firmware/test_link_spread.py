"""How thousands of nodes come back to a broker that was away, by the firmware's own pauses."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from node.link_join import _apart_ms
from tests.firmware.both import test_link_join
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


@pytest.mark.parametrize("cause", ["power", "hard"])
def test_nor_after_a_power_cut_or_a_long_time_without_wifi(
    cause: str, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = 20261125
    random.seed(seed)
    seconds: Counter[int] = Counter()
    for _ in range(NODES):
        link = test_link_join.make_link(cause)
        link.counters["wifi_joins"] = 1 if cause == "power" else 2
        link.time = 3_600_000
        seconds[_apart_ms(link) // 1000] += 1
    with capsys.disabled():
        print(f"\nseed {seed}: after {cause}: most in one second: {max(seconds.values()) / NODES:.2%}")
    assert max(seconds.values()) < NODES * 0.04
