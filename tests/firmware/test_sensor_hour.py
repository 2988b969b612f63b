"""Each sensor at its fastest, in 128 KiB and simulated time: the heap does not grow, no byte is dropped.

The busiest sensor and a climate sensor run for a whole hour here, all others for 20 minutes; and one of each
driver again on a bad line. `.venv/bin/python -m bench.sensor_hour` gives every one its hour on both, and the
figures.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest

from simulator.bytecode import compiled
from simulator.runtime import find_firmware
from tests.firmware.hour.judge import BREATH, fewest, growth, out_of_range
from tests.firmware.hour.run import NODE_SIDE, Case, NodeError, Outcome, every_case, run

pytestmark = [pytest.mark.needs_micropython, pytest.mark.timeout(300)]

HOURS = ("pms5003st", "bme280")
TWINS = ("pms7003", "pmsa003", "sen50", "sen54", "bmp280")  # of one that is in BAD
SHORT_MIN = 20
CLEAN = [case if case.model in HOURS else replace(case, minutes=SHORT_MIN) for case in every_case()]
BAD = [replace(case, bad=True, minutes=SHORT_MIN) for case in every_case() if case.model not in TWINS]
# A second of this sensor is 200 bytes, two are 400.
CHIP_DEFAULT = Case("pms5003st", "uart", rxbuf=256, minutes=SHORT_MIN)
LEAK = Case("bmp280", "i2c", leak=True)


@pytest.fixture(scope="module")
def outcomes(micropython: str) -> Iterator[dict[Case, Future[Outcome]]]:
    """All of them, side by side on the cores that there are; the long ones first."""
    compiled(NODE_SIDE)
    compiled(find_firmware())
    cases = sorted([*CLEAN, *BAD, CHIP_DEFAULT, LEAK], key=lambda case: -fewest(case))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {case: pool.submit(run, case) for case in cases}


clean = pytest.mark.parametrize("case", CLEAN, ids=str)
bad = pytest.mark.parametrize("case", BAD, ids=str)


@clean
def test_a_good_line(case: Case, outcomes: dict[Case, Future[Outcome]]) -> None:
    outcome = outcomes[case].result()
    weighed = outcome.of("weighed")[0]
    print(case, "bytes per frame:", weighed["weighed"] / weighed["events"], "alive:", outcome.heap)
    assert growth(outcome) <= BREATH
    assert outcome.free[-1] >= outcome.free[0] - BREATH
    assert outcome.dropped == 0
    assert outcome.end["events"] >= fewest(case)
    assert _rejects(outcome) == {}
    assert len(outcome.of("reading")) == case.minutes - 1
    assert not out_of_range(outcome)
    assert all(message["reading"]["flags"] == [] for message in outcome.of("reading"))


@bad
def test_a_bad_line(case: Case, outcomes: dict[Case, Future[Outcome]]) -> None:
    """Lost, flipped, strewn bytes, broken transfers, held buses, dips of the supply."""
    outcome = outcomes[case].result()
    assert growth(outcome) <= BREATH
    assert outcome.dropped == 0
    assert outcome.dips
    assert sum(_rejects(outcome).values()) > case.minutes
    assert outcome.end["events"] > fewest(case) / 3
    assert len(outcome.of("reading")) >= case.minutes - 2
    assert not out_of_range(outcome)


def test_the_chips_default_buffer_is_too_small(outcomes: dict[Case, Future[Outcome]]) -> None:
    outcome = outcomes[CHIP_DEFAULT].result()
    assert outcome.dropped >= 100
    assert outcome.most == 256
    assert sum(_rejects(outcome).values()) > 0


def _rejects(outcome: Outcome) -> dict[str, int]:
    """What the driver refused. Not in it: `device`, a fan that starts, and what a late answer leads to, as
    an SPS30 is asked again when the node was blocked for longer than it waits."""
    errors = dict(outcome.end["end"]["errors"])
    for name in ("device", "retries"):
        errors.pop(name, None)
    if outcome.case.bus == "uart" and outcome.case.model == "sps30" and not outcome.case.bad:
        assert errors.pop("unknown", 0) <= outcome.case.minutes // 10
    return errors


def test_a_heap_that_grows_is_seen(outcomes: dict[Case, Future[Outcome]]) -> None:
    """One block of 32 bytes, the least there is, kept each minute."""
    assert growth(outcomes[LEAK].result()) > BREATH


def test_a_node_that_fails_is_seen(micropython: str) -> None:
    with pytest.raises(NodeError, match="MemoryError"):
        run(Case("sds011", "uart", minutes=10), heap="48k")
