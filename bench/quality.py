"""What the checks cost, beside the pipeline in the same run, and how fast the past is judged.

    python -m bench.quality                      # some 120,000 readings
    python -m bench.quality --nodes 1000 --hours 24

CPU time of this process, single-threaded, readings of distinct values. "pipeline" is decode, identify, check,
journal and acks, without MQTT: what the checks are held against is thus rather too small than too large.
Exit code 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from bench import reprocessed
from gateway.check import Limits
from gateway.journal import Journal
from gateway.journal.schema import open_reader
from gateway.pipeline import Pipeline
from gateway.quality.checks import Judge, QualitySettings, Sample
from gateway.quality.checks.near import Spot
from gateway.quality.corrected.corrector import Corrector
from gateway.quality.corrected.sources import Files
from gateway.quality.follow import store
from gateway.quality.follow.batch import judge_batch
from gateway.quality.follow.follower import BATCH
from gateway.quality.follow.offline import judge_span
from gateway.quality.follow.store import Judgements
from gateway.receive import Inbox, Incoming

NETWORK = "bench"
MESSAGES = 500  # in a batch, as the gateway's default
SHARE_GOAL = 0.25
DAY_GOAL_S = 60.0
DAY = 1000 * 1440


class _Nobody:
    """Answers go nowhere."""

    def acknowledge(self, messages: list[Incoming]) -> None:
        """Nothing to tell a broker."""

    def answer(self, answers: list[tuple[str, bytes]]) -> None:
        """Nor a node."""


@dataclass
class Cost:
    readings: int
    pipeline_s: float
    checks_s: float
    corrected_s: float
    follower_s: float
    offline_s: float
    offline_wall_s: float
    command_s: float
    command_wall_s: float


def messages(nodes: int, minutes: int, begin: int) -> Iterator[Incoming]:
    """One reading a minute of each node: air that wanders, a unit's own noise, now and then a spike."""
    rng = random.Random(1)
    levels = [rng.uniform(5, 40) for _ in range(nodes)]
    for minute in range(1, minutes + 1):
        t = begin + 60 * minute
        for at in range(nodes):
            level = levels[at] = max(1.0, levels[at] + rng.gauss(0, 0.2))
            value = level + rng.gauss(0, 0.4) if rng.random() > 0.001 else 300.0
            pms = at % 2
            reading = {
                "seq": minute, "t": t, "tq": "ntp", "up": 1000 + 60 * minute, "dt": 60, "n": 58, "slot": "a",
                "model": "pms5003" if pms else "sds011",
                "pm25": round(max(value, 0.0), 2), "pm10": round(max(value, 0.0) * 1.4, 2),
                "temp": 5.1, "rh": 71.3, "press": 1003.2, "flags": [],
            }  # fmt: skip
            if pms:
                more = {"pm1": 0.8, "pm25_cf1": 1.0, "pm10_cf1": 1.4, "pm1_cf1": 0.8}
                reading |= {name: round(max(value, 0.0) * factor, 2) for name, factor in more.items()}
                reading["n03"] = round(max(value, 0.0) * 110)
            node = f"node-{at:05}"
            topic = f"dl/1/{NETWORK}/{zlib.crc32(node.encode()) & 15:x}/{node}/readings"
            payload = json.dumps({"v": 1, "boot": 1, "readings": [reading]}, separators=(",", ":")).encode()
            yield Incoming(topic, payload, 1, False, 1, 0, (t + 2) * 1000)


def places(nodes: int) -> dict[str, Spot]:
    rng = random.Random(2)
    return {
        f"node-{at:05}": SimpleNamespace(lat=52.1 + rng.random() * 0.25, lon=20.85 + rng.random() * 0.4)
        for at in range(nodes)
    }


def measure(path: Path, nodes: int, minutes: int) -> Cost:
    begin = int(time.time()) // 3600 * 3600 - 60 * minutes - 3600
    where = places(nodes)
    with Journal(path) as journal:
        pipeline_s = run_pipeline(journal, nodes, minutes, begin)
        reader = open_reader(path)
        checks_s = _checks(reader, where)
        until = begin + 60 * minutes
        file = reprocessed.prepare(path.parent, path, where, begin, until)
        corrected_s = _corrected(reader, path.parent, where)
        follower_s = _follower(journal, reader, where)
        cpu, wall = time.process_time(), time.perf_counter()
        judge = Judge(QualitySettings(), where)
        for _, found in judge_span(reader, judge, begin, begin + 60 * minutes):
            _write(journal, judge, found)
        offline_s, offline_wall_s = time.process_time() - cpu, time.perf_counter() - wall
        reader.close()
        # Another process, while this one has the journal open as a gateway has.
        command_wall_s, command_s, told = reprocessed.run(file, begin, until)
        print(told)
    alone = pipeline_s, checks_s, corrected_s, follower_s, offline_s, offline_wall_s
    return Cost(nodes * minutes, *alone, command_s, command_wall_s)


def run_pipeline(journal: Journal, nodes: int, minutes: int, begin: int) -> float:
    """Store a reading a minute of each node; the CPU seconds that takes."""
    pipeline = Pipeline(NETWORK, Inbox(1), journal, _Nobody(), limits=Limits(), most=MESSAGES)
    taken, batch = 0.0, list[Incoming]()
    for message in messages(nodes, minutes, begin):
        batch.append(message)
        if len(batch) == MESSAGES:
            taken += _take(pipeline, batch)
            batch = []
    if batch:
        taken += _take(pipeline, batch)
    if pipeline.counters.stored != nodes * minutes:
        raise RuntimeError(f"{pipeline.counters.stored} readings stored of {nodes * minutes}")
    return taken


def _take(pipeline: Pipeline, batch: list[Incoming]) -> float:
    began = time.process_time()
    pipeline._finish(batch, pipeline.sort(batch))  # pyright: ignore[reportPrivateUsage]
    return time.process_time() - began


def _samples(reader: object) -> Iterator[list[Sample]]:
    at = 0
    while page := store.samples_after(reader, at, BATCH):  # type: ignore[arg-type]
        yield page
        at = page[-1].id


def _checks(reader: object, where: dict[str, Spot]) -> float:
    """The checks alone."""
    judge, taken = Judge(QualitySettings(), where), 0.0
    for page in _samples(reader):
        began = time.process_time()
        for sample in page:
            judge.judge(sample)
        judge.take_amended()
        judge.take_hours()
        taken += time.process_time() - began
    return taken


def _corrected(reader: object, folder: Path, where: dict[str, Spot]) -> float:
    """Checks and corrected values: every unit has a calibration, twelve of them stand beside stations."""
    files = Files(folder / "calibrations", folder / "stations.toml")
    files.look()
    judge, corrector, taken = Judge(QualitySettings(), where), Corrector("calibration", files, where), 0.0
    for page in _samples(reader):
        began = time.process_time()
        judge_batch(judge, page, corrector)
        taken += time.process_time() - began
    return taken


def _follower(journal: Journal, reader: object, where: dict[str, Spot]) -> float:
    """With reading the samples and writing the judgements, as the thread does it."""
    judge = Judge(QualitySettings(), where)
    began = time.process_time()
    for page in _samples(reader):
        qc = [(sample.id, judge.judge(sample)) for sample in page]
        added = [(earlier.id, bits) for earlier, bits in judge.take_amended()]
        _write(journal, judge, Judgements(qc, added, judge.take_hours(), upto=page[-1].id))
    return time.process_time() - began


def _write(journal: Journal, judge: Judge, found: Judgements) -> None:
    with journal.writing() as db:
        store.write(db, judge.version, found)


def main() -> int:
    parser = argparse.ArgumentParser(description="What the checks cost.")
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--hours", type=float, default=2.0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dustline-quality-") as name:
        cost = measure(Path(name) / "journal.sqlite", chosen.nodes, round(60 * chosen.hours))
    micro, whole_s = 1e6 / cost.readings, cost.follower_s
    share, both = cost.checks_s / cost.pipeline_s, cost.corrected_s / cost.pipeline_s
    day_s = cost.offline_wall_s / cost.readings * DAY
    command_s = cost.command_wall_s / cost.readings * DAY
    print(f"{cost.readings} readings of {chosen.nodes} nodes; CPU time of one reading, us")
    print(f"pipeline                    {cost.pipeline_s * micro:6.1f}")
    print(f"checks                      {cost.checks_s * micro:6.1f}   {share:.2f} of it (goal {SHARE_GOAL})")
    print(f"with corrected values       {cost.corrected_s * micro:6.1f}   {both:.2f}")
    print(f"follower, with its journal  {whole_s * micro:6.1f}   {whole_s / cost.pipeline_s:.2f}")
    print(f"offline, with its journal   {cost.offline_s * micro:6.1f}   {cost.offline_wall_s:.1f} s in all")
    print(f"dustline reprocess          {cost.command_s * micro:6.1f}   {cost.command_wall_s:.1f} s in all")
    print(f"a day of 1,000 nodes offline: {day_s:.0f} s of wall time (goal {DAY_GOAL_S:.0f})")
    print(f"the same by `dustline reprocess`, corrected and brought into use: {command_s:.0f} s")
    return 0 if share <= SHARE_GOAL and max(day_s, command_s) <= DAY_GOAL_S else 1


if __name__ == "__main__":
    sys.exit(main())
