"""Power cuts in the reduced form, and that faults made on purpose are seen. See docs/node/powercut.md."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dustline import firmware_path
from tests.firmware.powercut import updates
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


def test_a_cut_in_an_update_bricks_nothing(repo: Path, micropython: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.firmware.powercut", "--update", "--fast"],
        cwd=repo,
        capture_output=True,
        text=True,
        timeout=400,
    )
    last = done.stdout.splitlines()[-1:] or [""]
    found = re.fullmatch(r"update-powercut: cuts=(\d+) bricked=0 unsigned=0 wrong=0", last[0])
    assert found, done.stdout + done.stderr
    assert done.returncode == 0
    assert int(found[1]) > 1000


MUTANTS = {
    # Whoever can send a bundle could run it.
    "unsigned": ("stage.py", "if sign < number and block * sign % number == want:", "if sign:"),
    # slots.json is half, and what it says in two steps is half there.
    "wrong": ("update/state.py", "state.update(changes)\n", "state.update(changes)\n    save(state)\n"),
}


@pytest.mark.parametrize("kind", MUTANTS)
def test_a_fault_in_an_update_is_seen(
    tmp_path: Path, micropython: str, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path, old, new = MUTANTS[kind]
    firmware = tmp_path / "firmware"
    shutil.copytree(firmware_path.folder(), firmware, ignore=shutil.ignore_patterns("__pycache__"))
    text = (firmware / path).read_text()
    assert text.count(old) == 1
    (firmware / path).write_text(text.replace(old, new))
    scenario = "unsigned" if kind == "unsigned" else "good"
    found = updates.run(micropython, 1, True, firmware, [scenario], every=3)
    assert found[kind] > 0, capsys.readouterr().out
