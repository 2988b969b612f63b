"""What one thing costs: a run of the gateway, a delivery, a question to the journal."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bench.ingest import ours
from bench.ingest.load import leave_sessions, messages, publish
from gateway.config import load
from gateway.destinations.delivery import Delivery
from gateway.destinations.sink import make_sink
from gateway.journal import Journal, JournalReader
from gateway.journal.schema import CLEAN

_PATIENCE_S = 120.0
# Each journal holds that much of each node.
_BACK_S = 600


@dataclass
class Cost:
    """Of one reading: CPU of the gateway's process in us, bytes by which the journal's file grew, and bytes
    that the process had the disk write, copies in the write-ahead log among them. `rate`: readings a second.
    """

    cpu_us: float
    file_bytes: float
    written_bytes: float
    rate: float


def journal_cost(home: Path, port: int, nodes: int, readings: int) -> Cost:
    """`dustline gateway run` takes that many readings, one in a message, from the broker into HOME's journal,
    which must hold all these nodes' readings without a gap. The broker has them all before it begins.

    Each node's first message after the start is not counted: then its name and its seqs are looked up.
    """
    journal = home / "journal.sqlite"
    begin, size = ours.count(journal), _size(journal)
    count = (1 + max(1, readings // nodes)) * nodes
    leave_sessions(port, [home.name])
    publish(port, _mixed(count, nodes, begin // nodes + 1))
    end = begin + count
    with ours.gateway(home, port, home.name) as process:
        _wait(home, lambda: process.poll() is None, lambda: ours.count(journal) > begin + nodes)
        first, began, cpu = ours.count(journal), time.monotonic(), ours.cpu_seconds(process)
        written = _written(process.pid)
        _wait(home, lambda: process.poll() is None, lambda: ours.count(journal) >= end)
        took, cpu, count = time.monotonic() - began, ours.cpu_seconds(process) - cpu, end - first
        written = _written(process.pid) - written
    if not count:
        raise RuntimeError(f"{readings} readings are too few: all were there at the first look")
    grown = _size(journal) - size
    return Cost(cpu / count * 1e6, grown / (end - begin), written / count, count / took)


def delivery_cost(home: Path, url: str, database: str, readings: int) -> float:
    """CPU us a reading to carry the newest ones from HOME's journal to InfluxDB 1, this process's only."""
    config = home / "deliver.toml"
    config.write_text(
        f'network = "bench"\n[journal]\npath = "journal.sqlite"\n[influx]\nenabled = true\napi = "v1"\n'
        f'url = "{url}"\ndatabase = "{database}"\n'
    )
    sink = make_sink(load(config).influx)
    with Journal(home / "journal.sqlite") as journal:
        end = ours.count(journal.path)
        journal.delivered(sink.name, end - readings)
        delivery = Delivery(journal, sink)
        cpu = time.process_time()
        delivery.start()
        _wait(home, delivery.is_alive, lambda: delivery.counters.delivered >= readings)
        cpu = time.process_time() - cpu
        delivery.stop()
    return cpu / readings * 1e6


def start_ms(path: Path, orderly: bool) -> float:
    """Until the journal is open and checked, after an orderly stop or after a crash."""
    if not orderly:
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute("DELETE FROM meta WHERE key = ?", (CLEAN,))
    began = time.perf_counter()
    with Journal(path) as journal:
        took = time.perf_counter() - began
        assert journal.checked.orderly == orderly
    return took * 1000


def questions(path: Path, node: str) -> dict[str, float]:
    """Milliseconds of CPU of what the page, the metrics and the ledger ask, by name."""
    now = int(time.time())
    with JournalReader(path) as reader:
        asked: dict[str, Callable[[], object]] = {
            "map: newest of all nodes": lambda: (reader.latest(), reader.statuses()),
            "chart: a node's last 10 minutes": lambda: reader.series(node, now - _BACK_S, now),
            "metrics: what waits": lambda: reader.waiting("influx"),
            "where 10 minutes ago begins": lambda: reader.id_since((now - _BACK_S) * 1000),
            "ledger of a node": lambda: reader.ledger(node),
            "ledger of the last 10 minutes": lambda: reader.ledger(since=now - _BACK_S),
            "ledger of all": reader.ledger,
        }
        found: dict[str, float] = {}
        for name, ask in asked.items():
            began = time.process_time()
            ask()
            found[name] = (time.process_time() - began) * 1000
    return found


def _mixed(count: int, nodes: int, first: int) -> Iterator[tuple[str, bytes]]:
    """Each round of the nodes in an order of its own: sorted ones meet on the same pages of an index."""
    chance = random.Random(first)
    made = messages(count, 1, nodes, first)
    while one_round := list(islice(made, nodes)):
        chance.shuffle(one_round)
        yield from one_round


def _size(journal: Path) -> int:
    """Of the file alone, with all in it that stands in the write-ahead log."""
    with closing(sqlite3.connect(journal)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return journal.stat().st_size


def _written(pid: int) -> int:
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))


def _wait(home: Path, alive: Callable[[], bool], done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not done():
        if not alive() or time.monotonic() > deadline:
            raise RuntimeError(f"it ended or does not get on; see {home}/log")
        time.sleep(0.01)
