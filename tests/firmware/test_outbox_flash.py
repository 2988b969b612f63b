"""The outbox on littlefs, in a node's heap: many starts in an outage, and a disk that is too small for it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from simulator.bytecode import compiled
from simulator.runtime import find_firmware

pytestmark = pytest.mark.needs_micropython
SCRIPT = Path(__file__).with_name("outbox_flash.py")


def run(micropython: str, folder: Path, *words: object, heap: int = 128) -> dict[str, int]:
    done = subprocess.run(
        [micropython, "-X", f"heapsize={heap}k", str(SCRIPT), *map(str, words)],
        cwd=folder,
        env={**os.environ, "MICROPYPATH": f"{compiled(find_firmware())}:.frozen"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert "comes twice" not in done.stdout
    return {name: int(value) for name, value in re.findall(r"(\w+) (\d+)", done.stdout)}


def test_hundreds_of_starts_offline_are_harmless(micropython: str, tmp_path: Path) -> None:
    found = run(micropython, tmp_path, "starts", 512, 600)
    print(found)
    assert found["born"] == found["held"] == found["given"] == 1800
    assert found["segments"] <= 20
    assert found["files"] == 0


def test_the_segments_of_hundreds_of_starts_can_be_opened(micropython: str, tmp_path: Path) -> None:
    found = run(micropython, tmp_path, "left", 512, 500)
    assert found["born"] == found["held"] == found["given"] == 500
    assert found["segments"] <= 2


def test_an_outbox_that_may_be_larger_than_the_disk_is_thinned(micropython: str, tmp_path: Path) -> None:
    """Also when other files take the rest of the disk all of a sudden."""
    found = run(micropython, tmp_path, "full", 48, 9000)
    print(found)
    assert found["grown"]
    assert found["lost"] == 0
    assert found["thinned"] > 0
    assert found["held"] == 9000 - found["thinned"]
    assert found["last"] == 9000
