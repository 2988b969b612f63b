"""A whole node through hours of simulated time: its heap does not grow, and an outage loses nothing.

`make day` gives it a whole day with the largest set of sensors and a full outbox of 1 MiB, `make outage` 14
days without a network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from simulator.days.world import Heap
from simulator.options import Fitted
from tests.firmware.days.day import BREATH, HOUR, Day, live_a_day
from tests.firmware.days.outage import DAY, Outage, live_through

pytestmark = [pytest.mark.needs_micropython, pytest.mark.needs_mosquitto, pytest.mark.timeout(600)]

HEAP = "192k"
STRIDE_MS = 250
# A short day's looks fall into work that a whole day's do not: a connection just made, a batch half sent.
SHORT_BREATH = 2 * BREATH


def test_a_day_pressed_into_a_quarter_of_an_hour() -> None:
    day = live_a_day(0.25, heap=HEAP, outbox_kb=64, fill=0.2, looks=4, stride_ms=STRIDE_MS)
    print(day.log[-3000:], day.counters, [day.alive(hour) for hour in range(1, 25)])
    assert len(day.starts) == 2  # the outbox's filling, the day
    assert day.counters["task_restarts"] == 0
    assert day.counters["mqtt_connects"] >= 4  # Wi-Fi off and on, connections reset
    assert day.prefilled > 0.2 * 64 * 1024
    assert day.arrivals > 400
    assert day.missing == 0
    assert day.broken == []
    assert day.between_halves() <= SHORT_BREATH


def test_a_heap_that_grows_is_seen() -> None:
    day = live_a_day(0.1, heap=HEAP, tls=False, outbox_kb=64, fill=0.1, looks=4, stride_ms=900, leak=True)
    assert day.between_halves() > SHORT_BREATH


def test_growth_is_judged_by_what_the_node_was_at() -> None:
    """A day of 2 looks an hour, with the gateway away in hours 4 and 18, made up but for its judge."""

    def growth(grown: Callable[[int, str], int]) -> dict[str, int]:
        states = {4: "unheard", 18: "unheard"}
        looks = []
        for half in range(48):
            state = states.get(half // 2 + 1, "calm")
            alive = 100_000 + grown(half // 2 + 1, state)
            looks.append(Heap(half * 1800.0, alive, alive, 20_000, 9_000, 550, state))
        day = Day(0.0, 24 * HOUR, looks, {}, {}, 0, 0, 0, 0, [], [], [], "")
        return day.growth()

    assert growth(lambda _hour, _state: 0) == {"calm": 0, "unheard": 0}
    assert growth(lambda _hour, state: 1_000 * (state == "unheard")) == {"calm": 0, "unheard": 0}
    assert growth(lambda hour, _state: 1_000 * (hour > 2)) == {"calm": 0, "unheard": 0}
    assert growth(lambda hour, _state: 50 * hour) == {"calm": 50 * 21, "unheard": 50 * 14}
    assert growth(lambda hour, _state: 700 * (hour == 18)) == {"calm": 0, "unheard": 700}


@pytest.fixture(scope="module")
def outage(micropython: str) -> Outage:
    return live_through(0.25, sensors=[Fitted("a", "pms5003", uart=1)], before_s=600)


def test_hours_without_a_network(outage: Outage) -> None:
    print(outage.log[-3000:])
    assert outage.verdict() == []
    assert sorted(outage.born) == [1, 2]
    assert len(outage.drained()) > 0.25 * DAY / 60 - 10
    assert (2, "back") in outage.qualities  # the second boot learnt the time when the network was back


def test_the_judge_of_an_outage_sees_what_is_wrong(outage: Outage) -> None:
    arrivals = outage.arrivals
    assert replace(outage, arrivals=arrivals[:100] + arrivals[101:]).verdict() != []
    assert replace(outage, repeated=1).verdict() != []
    assert replace(outage, over=False).verdict() != []
    assert replace(outage, errors_s={(1, "held"): 2.0}).verdict() != []
    assert replace(outage, qualities={(2, "none"): 1}).verdict() != []
    assert replace(outage, disorder=["boot 1: 7 came out of order"]).verdict() != []
