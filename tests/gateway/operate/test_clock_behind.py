"""A gateway whose clock is behind refuses nearly all: /readyz says so, with the way to take it after all."""

from __future__ import annotations

import json
import time
from typing import Any

import structlog

from gateway.counters import Counters
from gateway.operate.clock_behind import WINDOW_SECONDS, ClockBehind
from tests.gateway.operate.processes import ask
from tests.gateway.talker import reading
from tests.support import wait_for


def counted(taken: int, refused: int) -> Counters:
    return Counters(stored=taken, quarantined={"time_future": refused} if refused else {})


def test_few_or_a_minority_prove_nothing() -> None:
    clock = ClockBehind(0)
    clock.look(counted(0, 9), 60)
    assert clock.why is None
    clock.look(counted(40, 39), 120)
    assert clock.why is None


def test_most_do_and_the_past_is_forgotten() -> None:
    clock = ClockBehind(0)
    for second in range(0, 1001, 20):  # before the clock went wrong
        clock.look(counted(100 * second, 0), second)
    with structlog.testing.capture_logs() as logs:
        for minute in range(1, 31):
            clock.look(counted(100_000, 50 * minute), 1000 + 60.0 * minute)
        assert clock.why is not None
        assert "500 of 500 readings of the last 10 min" in clock.why
        # Set right: what came before still counts for as long as it takes.
        for minute in range(31, 42):
            clock.look(counted(100_000 + 50 * (minute - 30), 1500), 1000 + 60.0 * minute)
        assert clock.why is None
    assert [each["log_level"] for each in logs] == ["error", "info"]


def test_looks_are_bounded() -> None:
    clock = ClockBehind(0)
    for second in range(5000):
        clock.look(counted(second, 0), float(second))
    assert len(clock._looks) <= WINDOW_SECONDS / 20 + 2


def test_readyz_says_so(mosquitto: Any, run_gateway: Any, talk: Any) -> None:
    port = mosquitto().port
    gateway = run_gateway(port, monitor={"enabled": True, "port": 0})
    node = talk(port)
    later = int(time.time()) + 3600  # by a node whose clock is right, one hour after this gateway's
    for seq in range(1, 13):
        node.readings(reading(seq, t=later))

    def told() -> str:
        status, body = ask(gateway.monitor_url, "readyz")
        found = {each["part"]: each["why"] for each in json.loads(body)["problems"]}
        assert (status == 503) == bool(found)
        return found.get("clock", "")

    wait_for(told, what="word of the clock")
    assert "12 of 12 readings" in told()
    assert "quarantine replay --reason time_future --by-now" in told()
