"""`dustline sim node` gives the node a heap that its sensors fit into."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from simulator import cli
from simulator.runtime import SimulatorError


@pytest.mark.parametrize(
    ("words", "heap"),
    [
        ([], "128k"),
        (["--auto"], "192k"),
        (["--sensor", "sds011", "--sensor", "bme280"], "192k"),
        (["--heap", "256"], "256k"),
    ],
)
def test_heap(monkeypatch: pytest.MonkeyPatch, words: list[str], heap: str) -> None:
    def instead(_directory: Any, options: Any, _air: Any, *, weather: Any, **_more: Any) -> None:
        assert weather(0.0) != weather(3.6e6)
        raise SimulatorError(f"heap {options.heap}")

    monkeypatch.setattr(cli, "SimNode", instead)
    done = CliRunner().invoke(cli.sim, ["node", "--broker", "127.0.0.1:9", *words])
    assert f"Error: heap {heap}" in done.output
