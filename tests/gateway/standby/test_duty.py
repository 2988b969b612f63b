"""What a gateway with a lease tells, keeps over a reload, and does at its end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway import service
from gateway.config import ConfigError
from gateway.operate.health import Problem, not_alive
from gateway.service import Gateway
from gateway.standby.rules import Role
from tests.gateway.batches import batch, new
from tests.gateway.conftest import make_settings
from tests.gateway.destinations.servers import Influx1
from tests.gateway.operate.processes import ask, figures
from tests.support import wait_for

pytestmark = [pytest.mark.needs_mosquitto]
SHARED: dict[str, Any] = {
    "standby": {"enabled": True, "patience_s": 3},
    "monitor": {"enabled": True, "port": 0},
}


def test_standby_is_healthy_ready_and_says_what_it_is(
    mosquitto: Any, run_gateway: Any, tmp_path: Path
) -> None:
    broker = mosquitto()
    owner = run_gateway(broker.port, **SHARED)
    spare = run_gateway(broker.port, wait=False, journal={"path": tmp_path / "spare.sqlite"}, **SHARED)
    wait_for(lambda: ask(spare.monitor_url, "readyz")[0] == 200, what="the standby's readiness")
    for gateway, role in ((owner, "owner"), (spare, "standby")):
        for path, word in (("healthz", "healthy"), ("readyz", "ready")):
            status, body = ask(gateway.monitor_url, path)
            assert (status, json.loads(body)) == (200, {word: True, "role": role, "problems": []})
    wanted = {"lease_held": 0, "lease_usable": 1, "lease_taken_total": 0, "session_connected": 0}
    found = figures(spare.monitor_url)
    assert {name: found[f"dustline_{name}"] for name in wanted} == wanted
    assert found["dustline_lease_unchanged_seconds"] < 3
    assert figures(owner.monitor_url)["dustline_lease_held"] == 1
    broker.stop()
    wait_for(lambda: ask(spare.monitor_url, "readyz")[0] == 503, what="the standby to notice")
    (problem,) = json.loads(ask(spare.monitor_url, "readyz")[1])["problems"]
    assert problem["part"] == "lease"
    assert ask(spare.monitor_url, "healthz")[0] == 200


def test_reload_of_the_broker_keeps_the_lease(mosquitto: Any, run_gateway: Any, tmp_path: Path) -> None:
    port = mosquitto().port
    owner = run_gateway(port, **SHARED)
    spare = run_gateway(port, wait=False, journal={"path": tmp_path / "spare.sqlite"}, **SHARED)
    wait_for(lambda: spare.duty.trouble is None, what="the standby to listen")
    for gateway, journal in ((owner, "journal"), (spare, "spare")):
        new_settings = make_settings(
            tmp_path,
            port,
            broker={"keepalive_s": 20},
            journal={"path": tmp_path / f"{journal}.sqlite"},
            **SHARED,
        )
        assert gateway.reload(lambda new_settings=new_settings: new_settings) == ["broker.keepalive_s"]
    wait_for(owner.session.subscribed.is_set, what="the owner's subscription")
    wait_for(lambda: spare.duty.trouble is None, what="the standby to listen")
    assert (owner.duty.role, spare.duty.role) == (Role.OWNER, Role.STANDBY)
    assert (owner.duty.given_up, spare.duty.taken) == (0, 0)
    assert not spare.session.connected
    with pytest.raises(ConfigError, match=r"standby\.patience_s"):
        owner.reload(lambda: make_settings(tmp_path, port, **{**SHARED, "standby": {"enabled": True}}))


@pytest.mark.needs_influxd
def test_what_is_committed_is_delivered_before_the_end(
    mosquitto: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody may look after this journal for long: the shard is another gateway's then."""
    influx = Influx1(tmp_path / "influx", [])
    influx.start()
    try:
        influx.query("CREATE DATABASE air")
        gateway = Gateway(
            make_settings(
                tmp_path,
                mosquitto().port,
                influx={"enabled": True, "api": "v1", "url": influx.url, "database": "air", "batch": 20},
                **SHARED,
            )
        )
        gateway.start()
        end = gateway.pipeline.stop

        def end_with_a_batch(seconds: float) -> bool:
            gateway.journal.commit(batch(*(new(seq) for seq in range(1, 61))))
            return end(seconds)

        gateway.pipeline.stop(2)
        monkeypatch.setattr(gateway.pipeline, "stop", end_with_a_batch)
        assert gateway.stop()
        (row,) = influx.query("SELECT count(seq) FROM reading", "air")
        assert row["count"] == 60
    finally:
        influx.stop()


def test_owner_that_hangs_loses_the_shard(
    mosquitto: Any, run_gateway: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = mosquitto().port
    owner = run_gateway(port, **SHARED)
    spare = run_gateway(port, wait=False, journal={"path": tmp_path / "spare.sqlite"}, **SHARED)
    wait_for(lambda: spare.duty.trouble is None, what="the standby to listen")
    hangs = [Problem("pipeline", "makes no progress")]
    monkeypatch.setattr(service, "not_alive", lambda it: hangs if it is owner else not_alive(it))
    wait_for(spare.session.subscribed.is_set, 20, "the standby to take over")
    wait_for(lambda: not owner.session.connected, what="the owner to leave")
    assert (owner.duty.role, spare.duty.role) == (Role.STANDBY, Role.OWNER)
    # Well again, it is content to stand by.
    monkeypatch.undo()
    wait_for(lambda: ask(owner.monitor_url, "readyz")[0] == 200, what="its readiness")
    assert (owner.duty.given_up, spare.duty.given_up) == (1, 0)
