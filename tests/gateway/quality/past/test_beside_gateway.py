"""The whole: readings over MQTT into a gateway and by it to InfluxDB 1, pruned; then `dustline reprocess`, a
program of its own, while the gateway goes on."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.journal.bounds import Bounds, Pruner
from gateway.operate.health import not_alive
from gateway.quality.calibration.record import write
from gateway.service import Gateway
from tests.gateway.destinations.servers import Influx1
from tests.gateway.quality.correcting import calibration
from tests.gateway.talker import Talker, reading
from tests.support import Mosquitto, wait_for

pytestmark = pytest.mark.needs_influxd
OLD = 120


def test_the_gateway_goes_on_meanwhile(
    shared_broker: Mosquitto,
    run_gateway: Callable[..., Gateway],
    talk: Callable[..., Talker],
    influx: Influx1,
    tmp_path: Path,
) -> None:
    influx.query("DROP DATABASE past")
    influx.query("CREATE DATABASE past")
    folder = tmp_path / "calibrations"
    folder.mkdir()
    server = {"enabled": True, "api": "v1", "url": influx.url, "database": "past"}
    gateway = run_gateway(shared_broker.port, influx=server, calibration={"folder": folder})
    node, now = talk(shared_broker.port, "node-1"), int(time.time())
    begin = now - 3 * 86400
    for first in range(1, OLD, 30):
        node.readings(*(reading(seq, t=begin + 60 * seq, pm25=20.0) for seq in range(first, first + 30)))
    wait_for(lambda: node.acked(1, OLD), what="the acks")
    wait_for(lambda: counts(influx, "pm25", "qc") == [OLD, OLD], 30, "readings and judgements there")
    pruner = Pruner(gateway.journal)
    pruner.begin(Bounds(max_bytes=1), [each.destination for each in gateway.deliveries])

    def pruned() -> bool:
        """All but the newest; what is delivered once more to a server just met is held until then."""
        pruner.step()
        return pruner.state.pruned == OLD - 1

    wait_for(pruned, 20, "all but the newest pruned")
    write(calibration("sds011"), folder)
    config = tmp_path / "gateway.toml"
    config.write_text(
        f'[journal]\npath = "{gateway.settings.journal.path}"\n[calibration]\nfolder = "{folder}"\n[influx]\n'
        + "".join(f"{name} = {str(it).lower() if it is True else repr(it)}\n" for name, it in server.items())
    )
    words = ["-m", "dustline.cli", "reprocess", "--since", str(begin), "--config", str(config)]
    process = subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    seq = OLD
    while process.poll() is None:
        seq += 1
        node.readings(reading(seq, t=now - 7200 + seq - OLD, pm25=20.0))
        wait_for(lambda seq=seq: node.acked(1, seq), 20, "an ack while it works")  # type: ignore[misc]
    told, failed = process.communicate(timeout=60)
    assert (process.returncode, failed) == (0, ""), told
    assert f"version p1: {OLD} readings" in told
    assert seq > OLD
    # Of the old ones all are corrected by the command; what came meanwhile by the gateway, once it has seen
    # the new calibration.
    halved = influx.query(
        f"SELECT count(pm25_cor) AS cor FROM reading WHERE time <= {begin + 60 * OLD}s", "past"
    )
    assert halved[0]["cor"] == OLD
    wait_for(lambda: counts(influx, "pm25", "qc") == [seq, seq], 30, "what came meanwhile")
    assert not_alive(gateway) == []


def counts(influx: Influx1, *names: str) -> list[int]:
    fields = ", ".join(f"count({name}) AS {name}" for name in names)
    rows = influx.query(f"SELECT {fields} FROM reading", "past")
    return [int(rows[0][name] or 0) for name in names] if rows else []
