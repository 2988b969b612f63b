"""A journal that holds readings already: bulk SQL in the real schema, in the order in which nodes send.

10 million readings take a minute or two and 2 GB.
"""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path

from bench.ingest.load import NETWORK
from gateway.journal import spans
from gateway.journal.schema import create

_STEP = 500_000
# A node's last health message takes about that.
_HEALTH_BYTES = 500
# Each reading has the columns that bench.ingest's messages fill.
_READINGS = """
WITH RECURSIVE numbers (i) AS (SELECT :begin UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < :end)
INSERT INTO readings (
    id, received_ms, node_id, boot, seq, t, tq, up, dt, n, slot, model, flags, pm25, pm10, temp, rh, press
)
SELECT i + 1, (:t0 + 60 * (i / :nodes)) * 1000, 1 + i % :nodes, 1, 1 + i / :nodes, :t0 + 60 * (i / :nodes),
    'ntp', 60 * (i / :nodes), 60, 58, 'a', 'sds011', '', (i * 7) % 997 / 10.0, (i * 11) % 1999 / 10.0,
    i % 300 / 10.0, 40 + i % 500 / 10.0, 990 + i % 300 / 10.0
FROM numbers
"""


def fill(path: Path, nodes: int, each: int, until: int | None = None) -> None:
    """A new journal in which `nodes` nodes, named as bench.ingest's, have `each` readings, one a minute up to
    `until` (UTC s, now if None), as after an orderly stop."""
    db = sqlite3.connect(path, isolation_level=None)
    create(db)
    db.execute("PRAGMA journal_mode = OFF")
    db.execute("PRAGMA synchronous = OFF")
    db.execute("PRAGMA cache_size = -262144")
    t0 = (int(time.time()) if until is None else until) - 60 * each
    db.execute("BEGIN")
    db.executemany(
        "INSERT INTO nodes VALUES (?, ?, ?)", [(at + 1, NETWORK, f"node-{at:05}") for at in range(nodes)]
    )
    total = nodes * each
    for begin in range(0, total, _STEP):
        db.execute(_READINGS, {"begin": begin, "end": min(total, begin + _STEP), "nodes": nodes, "t0": t0})
    db.execute(spans.FILL)
    newest = t0 + 60 * (each - 1)
    db.execute("INSERT INTO extents SELECT id, 1, 1, ? FROM nodes", (each,))
    db.execute("INSERT INTO claims SELECT id, 1, ?, ? FROM nodes", (each, newest * 1000))
    db.execute("INSERT INTO latest SELECT id, 'a', ?, ? + id FROM nodes", (newest, total - nodes))
    health = json.dumps({"v": 1, "filler": "x" * _HEALTH_BYTES})
    db.execute("INSERT INTO status SELECT id, 1, 1, ?, NULL, ? FROM nodes", (newest * 1000, health))
    db.execute("INSERT INTO seen SELECT id, 1, ? FROM nodes", (newest * 1000,))
    db.execute("COMMIT")
    db.execute("PRAGMA journal_mode = WAL")
    db.close()
