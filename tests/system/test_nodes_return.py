"""CI's form of bench/recover.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import recover

pytestmark = [pytest.mark.needs_mosquitto, pytest.mark.needs_micropython]

SEED = 4


@pytest.mark.timeout(600)
def test_nodes_do_not_come_back_together(tmp_path: Path) -> None:
    """Without the spread, all would be back within the 3 s of their first pauses."""
    found = recover.run(tmp_path, nodes=8, away_s=1, spread_s=20, seed=SEED)
    print(*found.lines(), sep="\n")
    assert len(found.connected) == len(found.delivered) == 8
    assert max(found.connected) - min(found.connected) >= 4
