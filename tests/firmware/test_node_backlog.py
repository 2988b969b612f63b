"""What a node sends first, how fast its backlog follows, and how it waits for a gateway that is away."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from outbox_bench import fill_fast, opened

from simulator.node import SimNode
from tests.firmware.node_bench import ScriptedGateway, acknowledge, nothing
from tests.support import wait_for

pytestmark = [pytest.mark.needs_micropython, pytest.mark.needs_mosquitto]


class Timed:
    """An answer that notes when each batch came."""

    def __init__(self) -> None:
        self.answer: Callable[[dict[str, Any]], dict[str, Any] | None] = acknowledge
        self.batches: list[tuple[float, int, list[int]]] = []

    def __call__(self, body: dict[str, Any]) -> dict[str, Any] | None:
        seqs = [reading["seq"] for reading in body["readings"]]
        self.batches.append((time.monotonic(), body["boot"], seqs))
        return self.answer(body)


def test_fresh_readings_go_ahead_of_a_backlog_that_is_paced(
    node: Callable[..., SimNode], gateway: ScriptedGateway, tmp_path: Path
) -> None:
    waiting, per_min = 150, 600
    folder = tmp_path / "node" / "flash"
    folder.mkdir(parents=True)
    outbox = opened(str(folder / "outbox"))
    fill_fast(outbox, waiting)
    outbox.close()
    timed = gateway.answer = Timed()
    node(extra={"backlog_per_min": per_min})
    backlog = {(1, seq) for seq in range(1, waiting + 1)}
    wait_for(lambda: backlog <= gateway.identities(), 90, "the whole backlog")
    old = [batch for batch in timed.batches if batch[1] == 1]
    assert [seq for _, _, seqs in old for seq in seqs] == list(range(1, waiting + 1))
    assert len(old) >= 3
    fresh = [at for at, boot, _ in timed.batches if boot == 2 and at < old[-1][0]]
    assert len(fresh) >= 3, "readings of this start wait behind the backlog"
    paced = len([seq for _, _, seqs in old[:-1] for seq in seqs]) * 60 / per_min
    assert old[-1][0] - old[0][0] > paced * 0.7


def test_a_gateway_that_is_away_is_asked_ever_less_often(
    node: Callable[..., SimNode], gateway: ScriptedGateway
) -> None:
    timed = gateway.answer = Timed()
    timed.answer = nothing
    node(ack_timeout_s=1)
    wait_for(lambda: len(timed.batches) >= 5, 60, "repeats")
    at = [batch[0] for batch in timed.batches]
    print("pauses:", [round(late - early, 1) for early, late in pairwise(at[:5])])
    assert at[4] - at[3] > 3  # the fourth pause is 4 to 8 s
    born = wait_for(lambda: gateway.health[-1]["born"][0][1], 10, "health")
    timed.answer = acknowledge
    wait_for(lambda: {(1, seq) for seq in range(1, born + 1)} <= gateway.identities(), 60, "every reading")
    timed.answer = nothing
    count = len(timed.batches)
    wait_for(lambda: len(timed.batches) >= count + 3, 12, "repeats that begin with short pauses again")
