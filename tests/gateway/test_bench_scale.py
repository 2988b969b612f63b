"""The benches of scale and latency run whole on small numbers, and their made journal is a true one."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from bench.scale.fill import fill
from gateway.journal import JournalReader
from gateway.journal.integrity import check_fully
from gateway.journal.schema import open_reader
from gateway.journal.spans import SPAN_BITS
from tests.support import REPO, require


def run(*words: str) -> str:
    done = subprocess.run([sys.executable, "-m", *words], cwd=REPO, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_filled_journal_is_sound_and_complete(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    fill(path, nodes=3, each=40)
    with closing(open_reader(path)) as db:
        assert check_fully(db) == []
    with JournalReader(path) as reader:
        assert [(row.born, row.stored, row.missing) for row in reader.ledger()] == [(40, 40, 0)] * 3
        assert [(each.node, each.seq) for each in reader.latest()] == [
            (f"node-0000{number}", 40) for number in range(3)
        ]


def steps(path: Path, ask: Callable[[JournalReader], object]) -> int:
    """Instructions of SQLite's machine that a question takes, in hundreds: what no busy machine changes."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    with JournalReader(path) as reader:
        reader._db.set_progress_handler(step, 100)
        ask(reader)
    return count


def test_no_question_takes_longer_for_what_is_old(tmp_path: Path) -> None:
    small, large, now = tmp_path / "small", tmp_path / "large", int(time.time())
    # As much in the newest span of ids, and five spans more before it.
    more = 5 * (1 << SPAN_BITS)
    fill(small, nodes=20, each=1000, until=now)
    fill(large, nodes=20, each=1000 + more // 20, until=now)
    questions: list[Callable[[JournalReader], object]] = [
        lambda it: it.ledger(since=now - 600),
        lambda it: it.series("node-00007", now - 600, now),
        lambda it: it.id_since((now - 600) * 1000),
        lambda it: (it.latest(), it.statuses()),
        lambda it: it.waiting("influx"),
    ]
    for number, ask in enumerate(questions):
        assert steps(large, ask) <= 1.5 * steps(small, ask) + 2, number


def test_scale_compares_each_case_with_the_first(tmp_path: Path) -> None:
    require("mosquitto"), require("influxd")
    small = ["--readings", "5000", "--rounds", "1", "--held", "20000", "30000", "--nodes", "10"]
    out = run("bench.scale", *small, "--directory", str(tmp_path))
    assert re.search(r"^10 nodes .* 1\.00 ", out, re.M)
    assert re.search(r"^30,000 ", out, re.M)
    assert re.search(r"^ledger of all, CPU ms( +[\d.]+){3} ", out, re.M)
    assert list(tmp_path.iterdir()) == []


def test_latency_has_a_row_for_each_rate() -> None:
    require("mosquitto"), require("influxd")
    out = run("bench.latency", "--rates", "20", "40", "--seconds", "1")
    rows = re.findall(r"^ +(\d+) +\d+((?: +[\d.]+){6}) +[\d.]+ ms$", out, re.M)
    assert [rate for rate, _ in rows] == ["20", "40"]
    assert "no ack" not in out
    for _, figures in rows:
        p50, p99, most, *_ = map(float, figures.split())
        assert 0 < p50 <= p99 <= most
