"""The bench of the durability setting runs and prints a ratio for each batch size."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.support import REPO


def test_ratio_for_each_batch_size(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "bench.durability", "--directory", str(tmp_path), "--readings", "200"]
    done = subprocess.run(
        [*words, "--batch", "50", "1"], cwd=REPO, capture_output=True, text=True, check=True
    )
    found = re.findall(
        r"(\d+) a commit: FULL [\d,]+, NORMAL [\d,]+ readings/s; FULL takes ([\d.]+) times", done.stdout
    )
    assert [batch for batch, _ in found] == ["50", "1"]
    assert all(float(ratio) > 0 for _, ratio in found)
    assert list(tmp_path.iterdir()) == []
