"""One bad among a thousand: exactly that one is in the quarantine, all others arrive, and nothing stalls."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.journal import JournalReader
from gateway.service import Gateway
from tests.gateway.conftest import make_settings
from tests.gateway.destinations.servers import Influx1
from tests.gateway.talker import Talker, reading
from tests.support import wait_for

pytestmark = [pytest.mark.needs_mosquitto, pytest.mark.needs_influxd]

COUNT = 1000
BAD = 500
SECONDS = 60.0  # on a busy machine


@pytest.fixture
def running(tmp_path: Path, mosquitto: Any, influx1: Callable[..., Influx1]) -> Any:
    """(gateway, node, database) around a real broker and a real InfluxDB that has seen `pm4` as a text."""
    database = influx1()
    database.query("CREATE DATABASE smog")
    # In the same shard of the database as what follows: types are fixed for each.
    database.write("smog", f'reading,node=other,slot=a,network=warsaw pm4="text" {int(time.time()) - COUNT}')
    port = mosquitto().port
    influx = {"enabled": True, "api": "v1", "url": database.url, "database": "smog"}
    gateway = Gateway(make_settings(tmp_path, port, influx=influx))
    gateway.start()
    node = Talker(port)
    yield gateway, node, database
    node.close()
    gateway.stop()


def send(node: Talker, changes: Callable[[int], dict[str, Any]]) -> None:
    begun = int(time.time()) - 2 * COUNT
    for seq in range(1, COUNT + 1):
        node.send_soon({"v": 1, "boot": 1, "readings": [reading(seq, t=begun + seq, **changes(seq))]})


def stored(database: Influx1) -> set[int]:
    rows = database.query("SELECT seq FROM reading WHERE node = 'node-1'", "smog")
    return {row["seq"] for row in rows}


def quarantined(gateway: Gateway) -> list[tuple[int | None, str, str | None]]:
    with JournalReader(gateway.journal.path) as reader:
        return [(entry.seq, entry.reason, entry.destination) for entry in reader.quarantined()]


def test_one_bad_message(running: Any) -> None:
    gateway, node, database = running
    send(node, lambda seq: {"pm25": "much"} if seq == BAD else {})
    wait_for(lambda: node.acked(1, COUNT), SECONDS, "the last ack")
    wait_for(lambda: len(stored(database)) == COUNT - 1, SECONDS, "the others in the database")
    assert stored(database) == set(range(1, COUNT + 1)) - {BAD}
    assert quarantined(gateway) == [(BAD, "reading", None)]
    assert gateway.counters.stored == COUNT - 1


def test_one_refused_line(running: Any) -> None:
    gateway, node, database = running
    send(node, lambda seq: {"pm4": 4.0} if seq == BAD else {})
    wait_for(lambda: len(stored(database)) >= COUNT - 1, SECONDS, "the others in the database")
    wait_for(lambda: quarantined(gateway), SECONDS, "the entry")
    (entry,) = quarantined(gateway)
    assert (entry[0], entry[1]) == (BAD, "refused")
    assert entry[2] is not None
    assert stored(database) == set(range(1, COUNT + 1)) - {BAD}
    assert gateway.counters.stored == COUNT, "it is a good reading all the same, and in the journal"
