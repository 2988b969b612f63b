"""Power cuts in the reduced form, and that faults made on purpose are seen. See docs/node/powercut.md."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.firmware.powercut.run import Form, run

pytestmark = [pytest.mark.needs_micropython, pytest.mark.timeout(900)]  # CPU time is what it needs, not much


def test_a_cut_anywhere_breaks_no_promise(repo: Path, micropython: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.firmware.powercut", "--fast"],
        cwd=repo,
        capture_output=True,
        text=True,
        timeout=800,
    )
    last = done.stdout.splitlines()[-1:] or [""]
    found = re.fullmatch(r"powercut: cuts=(\d+) violations=0", last[0])
    assert found, done.stdout + done.stderr
    assert done.returncode == 0
    assert int(found[1]) > 1000
    assert "littlefs:" in done.stdout
    assert re.search(r"day: packed [1-9]\d* times, set aside [1-9]", done.stdout), done.stdout


@pytest.mark.parametrize("fault", ["no-flush", "in-place", "ack-not-kept", "ack-beyond", "boot-not-kept"])
def test_a_fault_is_seen(micropython: str, fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(micropython, Form(minutes=24, every=1000, second=0, littlefs=0), 1, fault, limit=300)
    assert result.violations > 0, capsys.readouterr().out
