"""kill -9 at random instants, again and again: in the end each reading has one judgement, the right one."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from gateway.journal import Journal
from gateway.journal.integrity import check_fully
from gateway.quality.checks import names_of
from tests.gateway.quality.killed import NODES
from tests.gateway.quality.test_follower import in_order, judged
from tests.support import REPO

READINGS = 420
KILLS = 8


def test_each_reading_is_judged_exactly_once_in_the_end(tmp_path: Path) -> None:
    seed = int(os.environ.get("SEED", time.time_ns() % 10_000))
    print("seed", seed)
    rng = random.Random(seed)
    path = tmp_path / "journal.sqlite"
    command = [sys.executable, "-m", "tests.gateway.quality.killed", str(path), str(READINGS)]
    killed = 0
    for turn in range(60):
        process = subprocess.Popen(command, cwd=REPO, stdout=subprocess.PIPE, text=True)
        if killed < KILLS:
            # From the moment that there is something to judge.
            deadline = time.monotonic() + 30
            while process.poll() is None and not _has_more(path, turn) and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(rng.uniform(0, 0.25))
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.communicate(timeout=30)
                killed += 1
                continue
        told, _ = process.communicate(timeout=100)
        assert (process.returncode, told) == (0, "done\n")
        break
    assert killed >= 3
    with Journal(path) as journal:
        found, wanted = judged(journal), in_order(journal)
        assert len(found) == READINGS * NODES
        assert {
            key: (names_of(found[key]), names_of(wanted[key])) for key in wanted if found[key] != wanted[key]
        } == {}
        assert {"spike", "stuck", "rate"} <= {name for qc in found.values() for name in names_of(qc)}
        assert check_fully(journal._db) == []


def _has_more(path: Path, turn: int) -> bool:
    """Whether something is judged."""
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
            (count,) = db.execute("SELECT count(*) FROM quality").fetchone()
            return bool(count > 200 * turn)
    except sqlite3.Error:
        return False
