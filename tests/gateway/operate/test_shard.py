"""Several gateways from one configuration: each takes its part, and none gets in the other's way."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import pytest

from gateway.config import ConfigError, Settings
from gateway.journal import JournalReader
from gateway.operate.shard import take_shard
from tests.gateway.operate.processes import write_config
from tests.gateway.talker import reading
from tests.support import wait_for


def test_two_shards_store_each_node_once(mosquitto: Any, spawn: Any, talk: Any, tmp_path: Path) -> None:
    port = mosquitto().port
    config = write_config(tmp_path, port)
    gateways = [spawn(config, "--shard", shard) for shard in ("1/2", "2/2")]
    for gateway in gateways:
        gateway.ready()
    names = [f"node-{number}" for number in range(8)]
    for name in names:
        node = talk(port, name)
        node.readings(reading(1))
        wait_for(lambda node=node: node.acked(1, 1), what=f"the ack of {name}")
    held = []
    for part in ("1of2", "2of2"):
        with JournalReader(tmp_path / f"journal-{part}.sqlite") as reader:
            held.append({row.node for row in reader.ledger()})
    even = {name for name in names if zlib.crc32(name.encode()) % 2 == 0}
    assert held == [even, set(names) - even]
    assert not (tmp_path / "journal.sqlite").exists()


def test_what_shards_must_not_share_is_each_ones_own() -> None:
    common = Settings(
        broker={"client_id": "gw"}, journal={"path": Path("/v/j.sqlite")}, monitor={"port": 9883}
    )
    first, third = take_shard(common, "1/4"), take_shard(common, "3/4")
    assert (first.broker.client_id, third.broker.client_id) == ("gw-1of4", "gw-3of4")
    assert (first.broker.shard_digits, third.broker.shard_digits) == (tuple("048c"), tuple("26ae"))
    assert third.journal.path == Path("/v/j-3of4.sqlite")
    assert (first.monitor.port, third.monitor.port, third.web.port) == (9883, 9885, 8082)
    assert take_shard(Settings(), "3/4").broker.id_for("warsaw") == "dustline-gateway-warsaw-3of4"


@pytest.mark.parametrize("shard", ["0/4", "5/4", "1/17", "1", "x/y", "1-4"])
def test_wrong_shard_is_told(shard: str) -> None:
    with pytest.raises(ConfigError, match=f"--shard {shard}: must look like 2/4"):
        take_shard(Settings(), shard)
