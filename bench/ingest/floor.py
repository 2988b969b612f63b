"""What no gateway can go below: `python -m bench.ingest.floor COUNT PER_MESSAGE NODES`, a process of its own.

The same messages, already in memory: parse the JSON, insert a row for each reading into a table without an
index, commit durably every 500 messages. No broker, no check of anything, no ack. Prints a JSON object:
seconds and CPU seconds.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

import jiter

from bench.ingest.load import messages

_COMMIT = 500
_NAMES = ("seq", "t", "tq", "up", "dt", "n", "slot", "model", "pm25", "pm10", "temp", "rh", "press")


def main() -> None:
    count, per_message, nodes = map(int, sys.argv[1:4])
    made = list(messages(count, per_message, nodes))
    insert = f"INSERT INTO readings VALUES (?, {', '.join('?' * len(_NAMES))})"
    with tempfile.TemporaryDirectory(prefix="dustline-floor-") as folder:
        db = sqlite3.connect(Path(folder) / "floor.sqlite", isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute(f"CREATE TABLE readings (topic, {', '.join(_NAMES)})")
        began, cpu = time.monotonic(), time.process_time()
        for first in range(0, count, _COMMIT):
            db.execute("BEGIN")
            for topic, payload in made[first : first + _COMMIT]:
                readings = jiter.from_json(payload)["readings"]
                db.executemany(insert, [(topic, *map(it.get, _NAMES)) for it in readings])
            db.execute("COMMIT")
        found = {"seconds": time.monotonic() - began, "cpu_s": time.process_time() - cpu}
        db.close()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
