"""A gateway that looks often at its roll-outs, its configuration for the command line, and fleets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.service import Gateway
from tests.gateway.releases.fleet import QUICK, Fleet, configure
from tests.support import Mosquitto, wait_for


@pytest.fixture
def broker(mosquitto: Callable[..., Mosquitto]) -> Mosquitto:
    return mosquitto()


@pytest.fixture
def config(tmp_path: Path, broker: Mosquitto) -> Path:
    return configure(tmp_path, broker.port)


@pytest.fixture
def updating(run_gateway: Callable[..., Gateway], broker: Mosquitto) -> Callable[..., Gateway]:
    """Start a gateway; once a release was added it takes questions when it is returned."""

    def start(wait: bool = True, **changes: Any) -> Gateway:
        gateway = run_gateway(broker.port, releases={**QUICK, **changes.pop("releases", {})}, **changes)
        if wait:
            assert gateway.updates is not None
            wait_for(gateway.updates.line.subscribed.is_set, what="the subscription of updates")
        return gateway

    return start


@pytest.fixture
def fleet(broker: Mosquitto) -> Iterator[Callable[..., Fleet]]:
    made: list[Fleet] = []

    def make(count: int, fate: Callable[[str], str] = lambda _: "good") -> Fleet:
        made.append(Fleet(broker.port, [f"node-{number}" for number in range(count)], fate))
        return made[-1]

    yield make
    for each in made:
        each.close()
        assert each.wrong == []
