"""Light nodes over a real broker into the real gateway: every reading is stored, and the ledger agrees."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.journal.reader import JournalReader
from gateway.service import Gateway
from simulator.city.light import LightFleet
from simulator.city.publish import publish
from simulator.city.scenario import parse
from tests.gateway.conftest import make_settings
from tests.support import Mosquitto, wait_for

SCENARIO = """
name = "try"
seed = 4
start = {start}
days = 0.125
[fleet]
nodes = 20
[[fleet.kit]]
sensors = ["sds011", "bme280"]
[[fleet.kit]]
sensors = ["pms5003", "sps30", "dht22"]
[[fault]]
kind = "silent"
node = "sim-0003"
start = {fault}
hours = 0.5
[[fault]]
kind = "dead"
share = 0.2
hours = 1
"""


def test_every_reading_is_born_and_stored(tmp_path: Path, mosquitto: Callable[..., Mosquitto]) -> None:
    broker = mosquitto()
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=5)
    fault = start + timedelta(hours=1)
    lights = LightFleet(parse(SCENARIO.format(start=start.isoformat(), fault=fault.isoformat())))
    told = list(lights.messages())
    count = sum(len(behind) for _, behind in told)
    gateway = Gateway(make_settings(tmp_path, broker.port))
    gateway.start()
    try:
        wait_for(gateway.session.subscribed.is_set, what="the gateway's subscription")
        publish([message for message, _ in told], "127.0.0.1", broker.port, speed=None)

        def rows() -> list[tuple[str, int, int, int, int, int]]:
            with JournalReader(tmp_path / "journal.sqlite") as reader:
                return [
                    (row.node, row.boot, row.born, row.stored, row.quarantined, row.missing)
                    for row in reader.ledger()
                ]

        wait_for(lambda: sum(row[3] for row in rows()) >= count, 20, f"{count} readings")
        last = {(row.node, row.boot): row.seq for _, behind in told for row in behind}
        assert rows() == [(node, boot, seq, seq, 0, 0) for (node, boot), seq in sorted(last.items())]
        assert len([row for row in rows() if row[0] == "sim-0003"]) == 2
    finally:
        gateway.stop()
