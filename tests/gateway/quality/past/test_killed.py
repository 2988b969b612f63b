"""kill -9 in each step of `dustline reprocess` over InfluxDB 1, beside a gateway that commits: in the end all
is as if it had never been cut off, and as the journal's way gives it."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.journal import Batch, Journal
from tests.gateway.destinations.servers import Influx1
from tests.gateway.quality.correcting import HOURS, make_site, readings, write_calibrations
from tests.gateway.quality.judging import T0
from tests.gateway.quality.past import site
from tests.gateway.quality.past.site import judged, raw
from tests.support import REPO

pytestmark = pytest.mark.needs_influxd
SINCE, UNTIL = T0 + 2 * 3600, T0 + HOURS * 3600
WORDS = ("--since", str(SINCE), "--until", str(UNTIL))
# In which the kills are.
STEPS = ("reading", "judging", "into use", "to InfluxDB", "journal")
_RANK = {step: at for at, step in enumerate(("", *STEPS))}


def start(folder: Path, *, slow: bool = True) -> subprocess.Popen[str]:
    """Slow enough to be met in each step, or the command itself."""
    module = ["tests.gateway.quality.past.killed"] if slow else ["dustline.cli", "reprocess"]
    command = [sys.executable, "-m", *module, *WORDS, "--config", str(folder / "gateway.toml")]
    return subprocess.Popen(command, cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def how_far(folder: Path) -> tuple[str, int]:
    """The step that it is in, and how far in it."""
    path = folder / "journal.sqlite.past.sqlite"
    if not path.exists():
        return "", 0
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
            (pieces,) = db.execute("SELECT count(*) FROM past_pieces").fetchone()
            run = db.execute("SELECT state, upto FROM quality_runs").fetchone()
            if run is None:
                return "reading", pieces
            if run[0] == "judging":
                return "judging", run[1]
            (came,) = db.execute("SELECT count(*) FROM quality WHERE run > 0").fetchone()
            carried = db.execute("SELECT at FROM quality_cursors WHERE name LIKE 'influxdb%'").fetchone()
            if run[0] == "coming":
                return ("into use", came) if carried is None else ("to InfluxDB", carried[0])
    except sqlite3.OperationalError:
        return "", 0
    with sqlite3.connect(f"file:{folder}/journal.sqlite?mode=ro", uri=True) as db:
        row = db.execute("SELECT upto FROM quality_runs").fetchone()
        return "journal", row[0] if row else 0


def test_a_command_that_was_killed_in_each_step_goes_on(influx: Influx1, tmp_path: Path) -> None:
    seed = int(os.environ.get("SEED", time.time_ns() % 10_000))
    print("seed", seed)
    rng = random.Random(seed)
    folder = tmp_path / "site"
    folder.mkdir()
    make_site(folder)
    influx.query("CREATE DATABASE past")
    for what in site.lines(folder):
        site.in_parts(lambda text: influx.write("past", text), what)
    write_calibrations(folder / "calibrations")
    stations = f'stations = "{folder}/stations.toml"\n'

    wanted = site.by_journal(folder, tmp_path / "whole", *WORDS, stations=stations)
    server = f'enabled = true\napi = "v1"\nurl = "{influx.url}"\ndatabase = "past"\nbatch = 50'
    site.configure(folder, server, stations=stations)
    points = raw(influx)
    pruned = site.prune(folder, SINCE + 600)
    assert pruned + 6 * 3600 < UNTIL
    fresh = readings(3, first=HOURS)
    seen: list[tuple[str, int]] = []
    with Journal(folder / "journal.sqlite", synchronous="NORMAL") as gateway:
        for step in STEPS:
            before = how_far(folder)
            process = start(folder)
            deadline = time.monotonic() + 60
            while process.poll() is None and time.monotonic() < deadline:
                now = how_far(folder)
                # Or further: who looks may have had to wait for the processor.
                if _RANK[now[0]] >= _RANK[step] and now != before and now[1]:
                    break
                if fresh:  # the gateway's own commits go on all the while
                    gateway.commit(Batch("warsaw", readings=[fresh.pop()]))
                time.sleep(0.002)
            time.sleep(rng.uniform(0, 0.1))
            assert process.poll() is None, process.communicate()
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=30)
            seen.append(how_far(folder))
        process = start(folder, slow=False)
        told, failed = process.communicate(timeout=120)
        assert (process.returncode, failed) == (0, ""), told
    print("killed at", seen)
    assert len({step for step, _ in seen}) >= 3
    assert "version 1 was cut off; it went on from" in told
    found = judged(influx)
    until = pruned + 6 * 3600
    assert {key: each for key, each in found.items() if SINCE < key[2] <= until} == {
        key: each for key, each in wanted.items() if SINCE < key[2] <= until
    }
    rest = site.judged_in(folder / "journal.sqlite")
    assert {key: each for key, each in rest.items() if pruned < key[2] <= UNTIL} == {
        key: each for key, each in wanted.items() if key[2] > pruned
    }
    assert raw(influx) == points
    with sqlite3.connect(folder / "journal.sqlite.past.sqlite") as db:
        assert db.execute("SELECT id, state, readings FROM quality_runs").fetchall() == [
            (1, "in use", sum(SINCE < key[2] <= until for key in wanted))
        ]
        assert db.execute("SELECT done FROM past_asked").fetchall() == [(1,)]
        every = db.execute("SELECT count(*), count(DISTINCT node_id || slot || t) FROM readings").fetchone()
        assert every[0] == every[1]
