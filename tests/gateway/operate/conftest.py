from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.gateway.operate.processes import GatewayProcess


@pytest.fixture
def spawn() -> Iterator[Callable[..., GatewayProcess]]:
    """Start gateways as processes: `spawn(config, "--shard", "1/2")`."""
    running: list[GatewayProcess] = []

    def start(config: Path, *options: str, **environment: str) -> GatewayProcess:
        running.append(GatewayProcess(config, *options, **environment))
        return running[-1]

    yield start
    for each in running:
        each.end()
