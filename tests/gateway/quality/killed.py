"""A process that is killed: commits readings to a journal and judges them, until it has said `done`.

python -m tests.gateway.quality.killed JOURNAL READINGS
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from gateway.journal import Batch, Journal
from gateway.quality.checks import QualitySettings
from gateway.quality.follow import follower as follow
from gateway.quality.follow.follower import QualityFollower
from gateway.records import NewReading
from tests.gateway.quality.judging import T0, wobbling

NODES = 5


def readings(count: int) -> list[NewReading]:
    """In the order of arrival: node n1 brings a quarter of its readings late."""
    made: list[tuple[float, NewReading]] = []
    values = wobbling(count, 20.0)
    for seq in range(1, count + 1):
        for node in range(1, NODES + 1):
            value = values[(seq * node) % count]
            if seq % 97 == node:
                value = 200.0
            if node == 2 and seq % 200 > 140:
                value = 33.3  # stands still for an hour
            t = T0 + 60 * seq
            late = 60 * 50 if node == 1 and seq % 200 < 50 else 0
            made.append(
                (
                    t + late,
                    NewReading(
                        (t + late + 2) * 1000, f"n{node}", 1, seq, t, "ntp", 100_000 + 60 * seq, 60, 58, "a",
                        "sds011", (), {"pm25": value, "pm10": round(value * 1.5, 2), "rh": 50.0},
                    ),
                )
            )  # fmt: skip
    return [each for _, each in sorted(made, key=lambda pair: (pair[0], pair[1].node))]


def main(path: Path, count: int) -> None:
    follow.BATCH, follow.PAUSE_S = 40, 0.01
    with Journal(path, synchronous="NORMAL") as journal:
        follower = QualityFollower(journal, QualitySettings(settle_s=1), {})
        follower.start()
        todo = readings(count)
        for at in range(0, len(todo), 50):
            journal.commit(Batch("warsaw", readings=todo[at : at + 50]))
            time.sleep(0.003)
        while follower.figures.lag or follower.figures.waiting or not follower.figures.judged:
            time.sleep(0.05)
            if follower.figures.failures:
                sys.exit(f"failed: {follower.figures.last_error}")
            if not (follower.figures.lag or follower.figures.waiting) and _cursor(journal) == len(todo):
                break
        follower.stop()
    print("done", flush=True)


def _cursor(journal: Journal) -> int:
    with journal.writing() as db:
        row = db.execute("SELECT at FROM quality_cursors WHERE name = 'judged'").fetchone()
    return int(row[0]) if row else 0


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
