"""The past that a journal has pruned, read back from a real InfluxDB 1 and brought into use there.

    python -m bench.past                          # a day of 100 nodes
    python -m bench.past --nodes 1000 --hours 2   # hours are the pieces: how much memory one takes

The readings are those of bench.quality, and so are the calibrations. Fills an InfluxDB 1 of its own, prunes
the journal, and runs `dustline reprocess` over all of it: wall and CPU time, most memory, side file's size.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from bench import quality, reprocessed
from gateway.destinations.lines import line_of_row
from gateway.journal import Journal, JournalReader
from gateway.journal.bounds import Bounds, Pruner
from gateway.quality.reprocess.past.file import path_beside
from tests.gateway.destinations.servers import Influx1

BATCH = 5000


def measure(folder: Path, nodes: int, minutes: int) -> None:
    begin = int(time.time()) // 3600 * 3600 - 60 * minutes - 3600
    until, path = begin + 60 * minutes, folder / "journal.sqlite"
    influx = Influx1(folder / "influx", [])
    influx.start()
    try:
        influx.query("CREATE DATABASE past")
        with Journal(path, synchronous="NORMAL") as journal:
            quality.run_pipeline(journal, nodes, minutes, begin)
            written = _fill(influx, path)
            pruner = Pruner(journal)
            pruner.begin(Bounds(max_bytes=1), [])
            while pruner.step():
                pass
        file = reprocessed.prepare(folder, path, quality.places(nodes), begin, until)
        with file.open("a") as more:
            more.write(f'[influx]\nenabled = true\napi = "v1"\nurl = "{influx.url}"\ndatabase = "past"\n')
        wall, cpu, told = reprocessed.run(file, begin, until)
        most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        corrected = influx.query("SELECT count(qc) AS qc, count(pm25_cor) AS cor FROM reading", "past")
        print(told)
        counts = corrected[0]
        print(f"{written} readings of {nodes} nodes: {counts['qc']} judged, {counts['cor']} corrected there")
        print(f"dustline reprocess: {wall:.1f} s, {cpu:.1f} s of CPU time, {1e6 * cpu / written:.0f} us each")
        size = path_beside(path).stat().st_size
        print(f"at most {most:.0f} MiB; side file {size / 1e6:.1f} MB, {size / written:.0f} bytes a reading")
    finally:
        influx.stop()


def _fill(influx: Influx1, path: Path) -> int:
    at = written = 0
    with JournalReader(path) as reader:
        while rows := reader.rows_after(at, BATCH):
            influx.write("past", "\n".join(line_of_row(row) or "" for row in rows))
            at, written = rows[-1][0], written + len(rows)
    return written


def main() -> int:
    parser = argparse.ArgumentParser(description="What reading the past back from InfluxDB takes.")
    parser.add_argument("--nodes", type=int, default=100)
    parser.add_argument("--hours", type=float, default=24.0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dustline-past-") as name:
        measure(Path(name), chosen.nodes, round(60 * chosen.hours))
    return 0


if __name__ == "__main__":
    sys.exit(main())
