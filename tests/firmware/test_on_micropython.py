"""The files in both/ again, on the real MicroPython runtime. It compiles them, in twice a node's heap."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FILES = sorted((HERE / "both").glob("test_*.py"))


@pytest.mark.needs_micropython
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_same_suite_on_micropython(path: Path, micropython: str, repo: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [micropython, "-X", "heapsize=256k", str(HERE / "micropython_runner.py"), str(path)],
        cwd=tmp_path,
        env={**os.environ, "MICROPYPATH": f"{repo}/simulator/chip:{repo}/firmware:.frozen"},
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 failed" in done.stdout


def test_there_are_files_to_run() -> None:
    assert FILES
