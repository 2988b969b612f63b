"""Deep sleep without a network, and without a gateway: no reading is lost, no wake pays for the outage."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.node import SimNode
from tests.firmware.node_bench import ScriptedGateway, acknowledge, nothing
from tests.firmware.sleepy import SLEEPY, WAKE_S, seqs, sleeps, wakes
from tests.support import wait_for

pytestmark = [pytest.mark.needs_micropython, pytest.mark.needs_mosquitto]


def test_an_outage_loses_nothing_and_is_not_paid_for_at_each_wake(
    node: Callable[..., SimNode], gateway: ScriptedGateway
) -> None:
    one = node(**SLEEPY)
    wait_for(lambda: gateway.readings, WAKE_S, "a reading")
    one.cut_wifi()
    wait_for(lambda: "next try after 1 more wakes" in one.log.read_text(), WAKE_S, "a second try in vain")
    wait_for(lambda: wakes(one)[-1].count("wifi: joining") > 0 and len(wakes(one)) >= 4, WAKE_S, "a third")
    assert sum("wifi: joining" not in wake for wake in wakes(one)) == 1
    one.restore_wifi()
    wait_for(lambda: len(seqs(gateway, 1)) >= 6, WAKE_S, "the backlog")
    assert seqs(gateway, 1) == set(range(1, max(seqs(gateway, 1)) + 1))
    assert {boot for boot, _ in gateway.readings} == {1}


def test_without_the_gateways_ack_it_sleeps_all_the_same_and_sends_again(
    node: Callable[..., SimNode], gateway: ScriptedGateway
) -> None:
    gateway.answer = nothing
    one = node(**SLEEPY)
    wait_for(lambda: sleeps(one) >= 2, WAKE_S, "two sleeps")
    gateway.answer = acknowledge
    wait_for(lambda: len(seqs(gateway, 1)) >= 3, WAKE_S, "every reading")
    assert {1, 2, 3} <= seqs(gateway, 1)
