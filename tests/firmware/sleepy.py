"""What the tests of deep sleep share."""

from __future__ import annotations

from typing import Any

from simulator.node import SimNode
from tests.firmware.node_bench import ScriptedGateway

SLEEPY: dict[str, Any] = {"sleep_s": 3, "health_s": 3600, "heap": "256k", "extra": {"deep_sleep": True}}
WAKE_S = 120  # for some wakes; nine such tests may share two cores


def seqs(gateway: ScriptedGateway, boot: int) -> set[int]:
    return {seq for number, seq in gateway.identities() if number == boot}


def wakes(one: SimNode) -> list[str]:
    """The console of each start."""
    return one.log.read_text().split("boot 1 after ")[1:]


def sleeps(one: SimNode) -> int:
    return one.log.read_text().count("reset: deepsleep")
