"""kill -9 at random instants while it judges and comes into use, beside a gateway that commits: in the end
all is as if it had never been cut off."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from gateway.journal import Batch, Journal
from gateway.journal.integrity import check_fully
from tests.gateway.quality.correcting import (
    HOURS,
    in_use,
    make_site,
    readings,
    table,
    write_calibrations,
)
from tests.gateway.quality.judging import T0
from tests.support import REPO

KILLS = 8
UNTIL = T0 + HOURS * 3600
HOURS_IN_USE = "SELECT * FROM quality_hours ORDER BY node_id, hour"


def start(folder: Path, **environment: object) -> subprocess.Popen[str]:
    words = ["--since", str(T0), "--until", str(UNTIL), "--config", str(folder / "gateway.toml")]
    command = [sys.executable, "-m", "tests.gateway.quality.reprocess_killed", *words]
    told = {name: str(value) for name, value in environment.items()}
    return subprocess.Popen(
        command,
        cwd=REPO,
        env={**os.environ, **told},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def state(folder: Path) -> str:
    with closing(sqlite3.connect(f"file:{folder}/journal.sqlite?mode=ro", uri=True)) as db:
        (found,) = db.execute("SELECT state FROM quality_runs").fetchone() or ("",)
        return str(found)


def test_a_run_that_was_killed_goes_on_beside_a_gateway(tmp_path: Path) -> None:
    seed = int(os.environ.get("SEED", time.time_ns() % 10_000))
    print("seed", seed)
    rng = random.Random(seed)
    folder = tmp_path / "killed"
    folder.mkdir()
    make_site(folder)
    write_calibrations(folder / "calibrations")
    whole = tmp_path / "whole"
    shutil.copytree(folder, whole)
    text = (whole / "gateway.toml").read_text().replace(str(folder), str(whole))
    (whole / "gateway.toml").write_text(text)
    counts = tmp_path / "counts"
    process = start(whole, COUNTS=counts)
    told, failed = process.communicate(timeout=60)
    assert (process.returncode, failed) == (0, ""), told
    every = int(counts.read_text())
    print("counts", every)

    states: list[str] = []
    fresh = readings(3, first=HOURS)
    with Journal(folder / "journal.sqlite", synchronous="NORMAL") as gateway:
        for turn in range(KILLS + 1):
            kill_at = rng.randint(every // 20, every // 5) if turn < KILLS else 0
            process = start(folder, KILL_AT=kill_at)
            while process.poll() is None:
                if fresh:  # the gateway's own commits go on all the while
                    gateway.commit(Batch("warsaw", readings=[fresh.pop()]))
                time.sleep(0.002)
            told, failed = process.communicate()
            if process.returncode != -signal.SIGKILL:
                break
            states.append(state(folder))
        assert (process.returncode, failed) == (0, ""), told
        assert len(states) >= 3
        assert "was cut off; it went on from" in told
        with gateway.writing() as db:
            assert check_fully(db) == []
    print("killed while", states)
    assert in_use(folder) == in_use(whole)
    assert table(folder, HOURS_IN_USE) == table(whole, HOURS_IN_USE)
    assert table(folder, "SELECT id, state, readings FROM quality_runs") == [(1, "in use", 720)]
    assert table(folder, "SELECT count(*), count(DISTINCT change) FROM quality") == [(720, 720)]
