"""What the list of stations and the page's indices cost: python -m bench.stations [--nodes 10000] [--days 20]

A journal with that many nodes and days of judged hours, some faulty; it prints the time of one list and
how much of it is CPU time of this process.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from pathlib import Path

import click

from gateway.journal import spans
from gateway.journal.schema import create
from gateway.quality.checks.bits import mask_of
from gateway.stations.gather import span_of
from gateway.stations.view import stations_view
from gateway.web.air import air_view

_HEALTH = (
    '{"boot":1,"heap_free":61440,"rssi":-60,"reset":"power","clock":{"age_s":60},'
    '"outbox":{"depth":0,"bytes":0,"aside":0},"counters":{"mqtt_connects":1},"sensors":'
    '[{"slot":"a","model":"sds011","frames":100,"errors":{},"state":"ok","laser_h":200.5}]}'
)
_NUMBERS = "WITH RECURSIVE numbers (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < :count)"
_READINGS = (
    _NUMBERS
    + """
INSERT INTO readings (received_ms, node_id, boot, seq, t, tq, up, dt, n, slot, model, flags, pm25, pm10)
SELECT (:now - 60 * (:count - i)) * 1000, nodes.id, 1, 1 + i, :now - 60 * (:count - i), 'ntp', 60 * i, 60, 58,
    'a', 'sds011', '', 10 + i % 7, 15 + i % 7
FROM numbers CROSS JOIN nodes
"""
)
# Every 100th node stands still, every 70th has spikes.
_HOURS = (
    _NUMBERS
    + """
INSERT INTO quality_hours (node_id, slot, hour, model, expected, have, pm25, pm25_median, pm10, temp, rh,
    near, near_mad, near_n, qc, pm25_cor, pm25_cor_n, pm25_by, factor)
SELECT nodes.id, 'a', :last - i, 'sds011', 60, CASE WHEN nodes.id % 70 = 0 THEN 57 ELSE 60 END, 12.0, 12.0,
    18.0, 5.0, 60.0, 12.0, 1.0, 10,
    CASE WHEN :faults AND nodes.id % 100 = 0 AND i < 100 THEN :stuck ELSE 0 END,
    8.0, 57, 'remote-' || nodes.name || '.v1', 1.05
FROM numbers CROSS JOIN nodes
"""
)


def fill(path: Path, nodes: int, days: int, readings: int = 60, *, faults: bool = False) -> None:
    """A journal in which each node has so many readings, one a minute until now, and judged hours."""
    now = int(time.time())
    db = sqlite3.connect(path, isolation_level=None)
    create(db)
    db.execute("PRAGMA synchronous = OFF")
    db.execute("BEGIN")
    db.executemany(
        "INSERT INTO nodes VALUES (?, 'bench', ?)", [(at + 1, f"node-{at:05}") for at in range(nodes)]
    )
    db.execute(_READINGS, {"now": now, "count": readings})
    db.execute(spans.FILL)
    last = now // 3600 - 1
    stuck = mask_of("stuck")
    db.execute(_HOURS, {"last": last, "count": 24 * days, "stuck": stuck, "faults": faults})
    db.execute("INSERT INTO extents SELECT id, 1, 1, ? FROM nodes", (readings,))
    db.execute("INSERT INTO claims SELECT id, 1, ?, ? FROM nodes", (readings, now * 1000))
    db.execute("INSERT INTO latest SELECT node_id, 'a', t, id FROM readings WHERE seq = ?", (readings,))
    db.execute("INSERT INTO quality (reading_id, version, qc, change)"
               " SELECT id, 1, CASE WHEN id % 30 THEN 0 ELSE 32 END, id"
               " FROM readings WHERE ? AND node_id % 70 = 0", (faults,))  # fmt: skip
    db.execute("INSERT INTO status SELECT id, 1, 1, ?, NULL, ? FROM nodes", (now * 1000, _HEALTH))
    db.execute("COMMIT")
    db.execute("PRAGMA journal_mode = WAL")
    db.close()


@click.command()
@click.option("--nodes", default=10_000, show_default=True)
@click.option("--days", default=20, show_default=True, help="Of judged hours in the journal.")
@click.option("--readings", default=300, show_default=True, help="Of each node.")
def main(nodes: int, days: int, readings: int) -> None:
    with tempfile.TemporaryDirectory() as home:
        path = Path(home) / "journal.sqlite"
        fill(path, nodes, days, readings, faults=True)
        click.echo(f"{nodes} nodes, {days} days of hours: a journal of {path.stat().st_size / 1e6:.0f} MB")
        for look in ("first", "second"):
            began, cpu = time.monotonic(), time.process_time()
            found = stations_view(path, {}, span_of(int(time.time())))
            took, cpu = time.monotonic() - began, time.process_time() - cpu
            click.echo(
                f"{look} list: {took:.2f} s, {cpu:.2f} s of CPU, {1e6 * took / nodes:.0f} us a node;"
                f" {found['visits']} need a visit"
            )
        for name in ("eu-2024", "us-aqi-2024", "eu-old"):
            began, cpu = time.monotonic(), time.process_time()
            air_view(path, name, int(time.time()))
            took, cpu = time.monotonic() - began, time.process_time() - cpu
            click.echo(f"the page's index {name}: {took:.2f} s, {cpu:.2f} s of CPU")


if __name__ == "__main__":
    main()
