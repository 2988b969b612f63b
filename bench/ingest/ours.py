"""`dustline gateway run` as a process of its own, watched from outside: its journal, its cursor, its CPU."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.ingest.load import NETWORK

_TICK = os.sysconf("SC_CLK_TCK")
_LOOK_S = 0.05


@dataclass
class Run:
    """From the first reading that was seen in the journal to the last."""

    rate: float  # readings a second
    cpu_s: float
    journal_bytes: int
    delivered_rate: float = 0.0


@contextmanager
def gateway(folder: Path, port: int, client_id: str, extra: str = "") -> Generator[subprocess.Popen[bytes]]:
    """A running gateway; ended orderly. Its log is FOLDER/log."""
    config = folder / "gateway.toml"
    config.write_text(
        f'network = "{NETWORK}"\n[broker]\nport = {port}\nclient_id = "{client_id}"\n'
        f"[journal]\npath = 'journal.sqlite'\n[web]\nenabled = false\n[monitor]\nenabled = false\n{extra}"
    )
    command = [sys.executable, "-m", "dustline.cli", "gateway", "run", "--config", str(config)]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def count(journal: Path, query: str = "SELECT max(id) FROM readings") -> int:
    """The newest reading's id, 0 without a journal."""
    try:
        with sqlite3.connect(f"file:{journal}?mode=ro", uri=True) as db:
            return int(db.execute(query).fetchone()[0] or 0)
    except sqlite3.Error:
        return 0


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def journal_bytes(journal: Path) -> int:
    return sum(path.stat().st_size for path in journal.parent.glob(journal.name + "*"))


def drain(folder: Path, port: int, client_id: str, readings: int, extra: str = "") -> Run:
    """Let a gateway take the readings that wait for it. With [influx] in `extra`, also carry them on."""
    journal = folder / "journal.sqlite"
    begin, bytes_before = count(journal), journal_bytes(journal) if journal.exists() else 0
    with gateway(folder, port, client_id, extra) as process:
        _wait(process, folder, lambda: count(journal) > begin)
        first, began, cpu = count(journal), time.monotonic(), cpu_seconds(process)
        _wait(process, folder, lambda: count(journal) >= begin + readings)
        took = time.monotonic() - began
        run = Run((begin + readings - first) / took, cpu_seconds(process) - cpu, 0)
        if extra:
            query = "SELECT max(reading_id) FROM cursors"
            _wait(process, folder, lambda: count(journal, query) >= begin + readings)
            run.delivered_rate = (begin + readings - first) / (time.monotonic() - began)
            run.cpu_s = cpu_seconds(process) - cpu
    run.journal_bytes = journal_bytes(journal) - bytes_before
    return run


def _wait(process: subprocess.Popen[bytes], folder: Path, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 600
    while not done():
        if process.poll() is not None or time.monotonic() > deadline:
            log = (folder / "log").read_text(errors="replace")
            raise RuntimeError(f"the gateway ended or does not get on:\n{log[-2000:]}")
        time.sleep(_LOOK_S)
