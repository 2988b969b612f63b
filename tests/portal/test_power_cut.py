"""Power is cut at each flash operation while settings are kept: the node has the old or the new, whole."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from simulator.bytecode import compiled
from simulator.runtime import find_firmware

SCRIPT = Path(__file__).with_name("power_cut.py")


@pytest.mark.needs_micropython
def test_settings_are_the_old_or_the_new_and_whole(micropython: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [micropython, "-X", "heapsize=2m", str(SCRIPT)],
        cwd=tmp_path,
        env={**os.environ, "MICROPYPATH": f"{compiled(find_firmware())}:.frozen"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    operations, old, new = map(int, done.stdout.splitlines()[-1].split())
    print(f"{operations} operations: {old} cuts left the old settings, {new} the new ones")
    assert operations > 5
    assert done.stdout.count("cut") > operations // 2, "the cuts were felt"
    assert old > 0
    assert new > 0
    assert old + new == operations
