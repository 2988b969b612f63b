"""What a node knows of the time: two servers, restarts before the first sync, a clock that jumps. Real
firmware, real UDP to small time servers that may lie."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest

from simulator.node import SimNode
from simulator.ntp import NtpServer
from tests.firmware.node_bench import ScriptedGateway, nothing
from tests.support import wait_for

pytestmark = [pytest.mark.needs_micropython, pytest.mark.needs_mosquitto]

NEAR_S = 4  # a busy machine


@pytest.fixture
def other() -> Iterator[NtpServer]:
    server = NtpServer().start()
    yield server
    server.stop()


def crash(node: SimNode) -> None:
    """The process is gone: what the hardware watchdog does. The chip's clock and its memory go on."""
    assert node.pid is not None
    starts = node.starts
    os.kill(node.pid, signal.SIGKILL)
    wait_for(lambda: node.starts > starts, 30, "the node's next start")


def of_boot(gateway: ScriptedGateway, boot: int) -> list[dict[str, Any]]:
    found = {reading["seq"]: reading for number, reading in gateway.readings if number == boot}
    return [found[seq] for seq in sorted(found)]


def first(gateway: ScriptedGateway, boot: int, count: int) -> bool:
    """Whether the first so many of a boot are there: the freshest are sent before them."""
    return {1, *range(1, count + 1)} <= {seq for number, seq in gateway.identities() if number == boot}


def in_order(readings: list[dict[str, Any]]) -> bool:
    return all(one["t"] < next["t"] for one, next in pairwise(readings))


def born(node: SimNode, gateway: ScriptedGateway, count: int) -> None:
    """Wait until the node has born so many in its boot; nothing arrives as it knows no time."""
    del gateway.health[:]
    wait_for(lambda: gateway.health and gateway.health[-1]["born"][0][1] >= count, 60, "readings born")


def test_servers_that_disagree_are_not_believed(
    node: Callable[..., SimNode], gateway: ScriptedGateway, ntp: NtpServer, other: NtpServer
) -> None:
    other.offset_s = 100
    node(ntp=(ntp.address, other.address))
    wait_for(
        lambda: gateway.health and gateway.health[-1]["counters"].get("ntp_disagree", 0) >= 1, 40, "a doubt"
    )
    assert gateway.health[-1]["t"] is None
    assert not gateway.readings
    other.offset_s = 0
    wait_for(lambda: first(gateway, 1, 3), 90, "readings once they agree")
    readings = of_boot(gateway, 1)
    assert in_order(readings)
    assert readings[0]["tq"] == "back"
    assert abs(readings[-1]["t"] - time.time()) < NEAR_S + 2


def test_readings_from_before_a_restart_get_their_time_afterwards(
    node: Callable[..., SimNode], gateway: ScriptedGateway, ntp: NtpServer
) -> None:
    """Two starts without any time, by a crash; the third start's sync tells all three."""
    ntp.drop = True
    began = time.time()
    one = node()
    born(one, gateway, 2)
    first_end = time.time()
    crash(one)
    born(one, gateway, 2)
    crash(one)
    born(one, gateway, 1)
    assert not gateway.readings
    ntp.drop = False
    wait_for(lambda: all(first(gateway, boot, 2) for boot in (1, 2)), 90, "readings of the first two starts")
    wait_for(lambda: first(gateway, 3, 1), 30, "those of the third")
    for boot in (1, 2):
        assert {reading["tq"] for reading in of_boot(gateway, boot)} == {"back"}
        assert in_order(of_boot(gateway, boot))
    assert began - 1 <= of_boot(gateway, 1)[0]["t"] <= of_boot(gateway, 1)[-1]["t"] <= first_end + NEAR_S
    assert of_boot(gateway, 1)[-1]["t"] < of_boot(gateway, 2)[0]["t"] < of_boot(gateway, 3)[0]["t"]


def test_after_a_power_cut_without_a_time_nobody_can_know(
    node: Callable[..., SimNode], gateway: ScriptedGateway, ntp: NtpServer
) -> None:
    ntp.drop = True
    one = node()
    born(one, gateway, 2)
    one.restart()
    born(one, gateway, 2)
    ntp.drop = False
    wait_for(lambda: first(gateway, 1, 2) and first(gateway, 2, 2), 90, "readings of both starts")
    assert {(reading["t"], reading["tq"]) for reading in of_boot(gateway, 1)} == {(None, "none")}
    assert of_boot(gateway, 2)[0]["tq"] == "back"


def test_a_time_that_was_known_is_known_after_a_power_cut_too(
    node: Callable[..., SimNode], gateway: ScriptedGateway, ntp: NtpServer
) -> None:
    """Born without a time, synced, not yet sent, power cut: what the sync told was kept."""
    gateway.answer = nothing
    ntp.drop = True
    one = node()
    born(one, gateway, 2)
    ntp.drop = False
    wait_for(lambda: gateway.batches, 60, "the clock's being known")
    told = {reading["seq"]: reading["t"] for batch in gateway.batches for reading in batch["readings"]}
    one.kill()
    ntp.drop = True
    gateway.answer = lambda body: {"boot": body["boot"], "upto": max(r["seq"] for r in body["readings"])}
    one.start()
    ntp.drop = False
    wait_for(lambda: first(gateway, 1, 2), 90, "those readings")
    oldest = of_boot(gateway, 1)[0]
    assert (oldest["seq"], oldest["tq"]) == (1, "back")
    if 1 in told:
        assert oldest["t"] == told[1]


def test_a_restart_goes_on_with_the_time(
    node: Callable[..., SimNode], gateway: ScriptedGateway, ntp: NtpServer
) -> None:
    one = node()
    wait_for(lambda: of_boot(gateway, 1), 60, "a reading")
    ntp.drop = True
    crash(one)
    wait_for(lambda: of_boot(gateway, 2), 60, "a reading without any server")
    reading = of_boot(gateway, 2)[0]
    assert reading["tq"] == "held"
    assert abs(reading["t"] - time.time()) < NEAR_S + 2


def test_a_clock_that_was_far_ahead_ends_the_boot(
    node: Callable[..., SimNode], gateway: ScriptedGateway, ntp: NtpServer
) -> None:
    """A lie of two hours, believed as the only server configured tells it."""
    ntp.offset_s = 7200
    node(extra={"ntp_every_s": 10})
    wait_for(lambda: of_boot(gateway, 1), 60, "a reading of the future")
    ntp.offset_s = 0
    wait_for(lambda: len(of_boot(gateway, 2)) >= 2, 90, "readings of a new start")
    assert in_order(of_boot(gateway, 1))
    assert in_order(of_boot(gateway, 2))
    assert abs(of_boot(gateway, 2)[-1]["t"] - time.time()) < NEAR_S + 2
