"""/metrics, /healthz and /readyz tell the truth, also while the gateway hangs, and match their docs."""

from __future__ import annotations

import json
import re
import socket
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import structlog

from gateway.operate.health import not_alive
from gateway.operate.monitor import Monitor, MonitorError
from gateway.operate.settings import MonitorSettings
from gateway.service import Gateway
from tests.gateway.conftest import make_settings
from tests.gateway.operate.processes import ask, figures
from tests.gateway.talker import reading
from tests.support import Mosquitto, wait_for

ON = {"enabled": True, "port": 0}


def problems(gateway: Gateway, path: str) -> dict[str, str]:
    """By part; empty only with status 200."""
    assert gateway.monitor_url is not None
    status, body = ask(gateway.monitor_url, path)
    found = json.loads(body)["problems"]
    assert (status == 200) == (not found), body
    return {each["part"]: each["why"] for each in found}


def test_figures_are_those_of_what_happened(mosquitto: Any, run_gateway: Any, talk: Any) -> None:
    port = mosquitto().port
    gateway = run_gateway(port, monitor=ON)
    node = talk(port)
    node.readings(reading(1), reading(2), reading(3, t=5))
    wait_for(lambda: node.acked(1, 2), what="the ack")
    node.readings(reading(1))
    node.send(b"{")
    wait_for(lambda: gateway.counters.received == 3, what="three messages")
    found = figures(gateway.monitor_url)
    wanted = {
        "dustline_messages_received_total": 3,
        "dustline_readings_stored_total": 2,
        "dustline_readings_duplicate_total": 1,
        'dustline_quarantined_total{reason="time_past"}': 1,
        'dustline_quarantined_total{reason="not_json"}': 1,
        "dustline_commit_failures_total": 0,
        "dustline_commit_batch_messages_sum": 3,
        "dustline_inbox_messages": 0,
        "dustline_inbox_capacity_messages": 3000,
        "dustline_session_connected": 1,
        "dustline_session_subscribed": 1,
        "dustline_session_connections_total": 1,
    }
    assert {name: found.get(name) for name in wanted} == wanted
    assert found["dustline_commit_duration_seconds_count"] == found["dustline_commit_batch_messages_count"]
    assert found["dustline_journal_size_bytes"] > 10000
    assert abs(found["process_start_time_seconds"] - time.time()) < 3600


def test_delivery_lag_grows_while_a_destination_hangs(mosquitto: Any, run_gateway: Any, talk: Any) -> None:
    deaf = socket.create_server(("127.0.0.1", 0))  # takes the connection and says nothing
    url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
    port = mosquitto().port
    gateway = run_gateway(
        port,
        monitor=ON,
        influx={"enabled": True, "api": "v1", "url": url, "database": "air", "timeout_s": 0.5},
    )
    node = talk(port)
    node.readings(reading(1), reading(2))
    wait_for(lambda: node.acked(1, 2), what="the ack")
    label = f'{{destination="influxdb {url} air"}}'
    found = figures(gateway.monitor_url)
    assert found[f"dustline_delivery_lag_readings{label}"] == 2
    assert 0 < found[f"dustline_delivery_lag_seconds{label}"] < 60
    wait_for(
        lambda: figures(gateway.monitor_url)[f"dustline_delivery_failures_total{label}"], what="a failure"
    )
    assert problems(gateway, "healthz") == {}, "a database that is away is no reason for a new process"
    assert problems(gateway, "readyz") == {}
    deaf.close()


def test_readiness_names_broker_and_journal(mosquitto: Any, run_gateway: Any, talk: Any) -> None:
    broker: Mosquitto = mosquitto()
    gateway = run_gateway(broker.port, monitor=ON)
    assert (problems(gateway, "readyz"), problems(gateway, "healthz")) == ({}, {})
    node = talk(broker.port)
    # What a full disk does to a commit.
    real = gateway.journal.commit
    broken = threading.Event()
    broken.set()

    def commit(batch: Any) -> Any:
        if broken.is_set():
            raise sqlite3.OperationalError("database or disk is full")
        return real(batch)

    gateway.journal.commit = commit
    node.readings(reading(1))
    wait_for(lambda: "journal" in problems(gateway, "readyz"), what="the journal's failure")
    assert "database or disk is full" in problems(gateway, "readyz")["journal"]
    assert problems(gateway, "healthz") == {}
    broken.clear()
    wait_for(lambda: not problems(gateway, "readyz"), what="readiness")
    broker.stop()
    wait_for(lambda: "broker" in problems(gateway, "readyz"), what="the broker's absence")
    assert problems(gateway, "healthz") == {}


def test_wrong_password_is_named_and_not_shown(mosquitto: Any, run_gateway: Any, tmp_path: Path) -> None:
    (tmp_path / "passwords").write_text("")
    port = mosquitto([f"password_file {tmp_path}/passwords", "allow_anonymous false"]).port
    gateway = run_gateway(port, wait=False, monitor=ON, broker={"username": "gateway", "password": "hunter2"})
    wait_for(lambda: "refuses" in problems(gateway, "readyz").get("broker", ""), what="the refusal")
    assert "hunter2" not in "".join(ask(gateway.monitor_url, path)[1] for path in ("readyz", "metrics"))


def test_health_names_a_thread_that_hangs_or_ended(
    mosquitto: Any, run_gateway: Any, talk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.pipeline.STALL_SECONDS", 1.0)
    port = mosquitto().port
    gateway = run_gateway(port, monitor=ON)
    node = talk(port)
    # A deadlock: whoever needs the journal waits for ever.
    with gateway.journal._mutex:
        node.readings(reading(1))
        wait_for(lambda: "pipeline" in problems(gateway, "healthz"), what="the hanging pipeline")
        assert "makes no progress" in problems(gateway, "healthz")["pipeline"]
        assert figures(gateway.monitor_url)["dustline_session_connected"] == 1
    wait_for(lambda: not problems(gateway, "healthz"), what="health, when it goes on")
    gateway.pipeline.stop()
    assert problems(gateway, "healthz") == {"pipeline": "its thread has ended"}
    monkeypatch.setattr(gateway.session, "_last_sign", time.monotonic() - 1000)
    assert "session" in {each.part for each in not_alive(gateway)}


def test_metrics_are_the_documented_ones(
    mosquitto: Any, run_gateway: Any, talk: Any, repo: Path, free_port: Any
) -> None:
    port = mosquitto().port
    absent = f"http://127.0.0.1:{free_port()}"
    gateway = run_gateway(
        port,
        monitor=ON,
        influx={"enabled": True, "api": "v1", "url": absent, "database": "air"},
        standby={"enabled": True, "patience_s": 1},
    )
    _, text = ask(gateway.monitor_url, "metrics")
    real = dict(re.findall(r"^# TYPE (\S+) (\w+)$", text, re.M))
    real = {name: kind for name, kind in real.items() if not name.endswith("_created")}
    page = (repo / "docs" / "operation.md").read_text()
    told = dict(re.findall(r"^\| `(\w+)(?:\{[\w,]+\})?` \| (\w+) \|", page, re.M))
    assert {name: kind for name, kind in real.items() if name.startswith("dustline_")} == {
        name: kind for name, kind in told.items() if name.startswith("dustline_")
    }
    assert {name for name in told if name.startswith("process_")} <= real.keys()


def test_port_that_is_taken_is_told_and_tried_again(tmp_path: Path, mosquitto: Any) -> None:
    other = socket.create_server(("127.0.0.1", 0))
    taken = int(other.getsockname()[1])
    settings = make_settings(tmp_path, mosquitto().port, monitor={"enabled": True, "port": taken})
    gateway = Gateway(settings)
    with structlog.testing.capture_logs() as logs:
        gateway.start()
        assert gateway.monitor_url is None
        other.close()
        wait_for(lambda: gateway.monitor_url, what="the listener")
    assert [each["port"] for each in logs if "port is taken" in each["event"]] == [taken]
    assert ask(gateway.monitor_url or "", "healthz")[0] == 200
    gateway.stop()


@pytest.mark.parametrize("host", ["192.0.2.1", "a" * 70])
def test_address_that_cannot_be_listened_at_is_told(host: str) -> None:
    unused: Any = None
    with pytest.raises(MonitorError, match=f"monitor.host {host}"):
        Monitor(MonitorSettings(host=host), unused).listen()
