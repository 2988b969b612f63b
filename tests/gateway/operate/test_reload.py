"""SIGHUP: what can change while running does, at once and without loss; what cannot is named."""

from __future__ import annotations

import json
import signal
import socket
import threading
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import structlog

from gateway.config import ConfigError, Settings
from gateway.journal import JournalReader
from gateway.operate.reload import changed_keys
from tests.gateway.conftest import make_settings
from tests.gateway.destinations.servers import Influx1
from tests.gateway.operate.processes import figures, write_config
from tests.gateway.talker import Talker, reading
from tests.support import wait_for

# The stream's length is not of importance, only that it goes on over all reloads.
EVERY_SECONDS = 0.005


class Stream:
    """Publishes reading after reading once, as a node does that knows no acks."""

    def __init__(self, node: Talker) -> None:
        self.sent = 0
        self._node = node
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._ending.wait(EVERY_SECONDS):
            self._node.send_soon({"v": 1, "boot": 1, "readings": [reading(self.sent + 1)]})
            self.sent += 1

    def further(self, count: int = 100) -> None:
        wanted = self.sent + count
        wait_for(lambda: self.sent >= wanted, what="further readings")

    def end(self) -> int:
        self._ending.set()
        self._thread.join()
        return self.sent


def test_reloads_while_messages_flow_lose_nothing(
    mosquitto: Any, spawn: Any, talk: Any, tmp_path: Path, free_port: Any
) -> None:
    second = free_port()
    broker = mosquitto([f"listener {second} 127.0.0.1"])
    influx = Influx1(tmp_path / "influx", [])
    influx.start()
    influx.query("CREATE DATABASE air")
    node = talk(broker.port)
    gateway = spawn(write_config(tmp_path, broker.port)).ready()
    stream = Stream(node)
    delivery = f"enabled = true\napi = 'v1'\nurl = '{influx.url}'\ndatabase = 'air'"
    for changes in (
        {"broker": "receive_maximum = 50"},
        {"journal": "batch = 3\nwait_ms = 1", "influx": delivery},
        {"influx": delivery + "\nbatch = 7", "broker": "protocol = 311"},
        {"influx": delivery, "log": "level = 'info'"},
    ):
        stream.further()
        before = len(gateway.told("configuration read again"))
        port = second if "protocol" in changes.get("broker", "") else broker.port
        write_config(tmp_path, port, **changes)
        gateway.process.send_signal(signal.SIGHUP)
        wait_for(lambda before=before: len(gateway.told("configuration read again")) > before, 15, "a reload")
    told = [each["changed"] for each in gateway.told("configuration read again")]
    assert told[0] == ["broker.receive_maximum"]
    assert {"broker.port", "broker.protocol", "influx.batch"} <= set(told[2])
    assert {each["port"] for each in gateway.told("connected to the broker")} == {broker.port, second}
    gateway.ready()
    stream.further()
    sent = stream.end()
    wait_for(lambda: node.acked(1, sent), 20, "the last ack")
    with JournalReader(tmp_path / "journal.sqlite") as reader:
        (row,) = reader.ledger("node-1")
    assert (row.stored, row.missing, row.quarantined) == (sent, 0, 0)
    name = f'destination="influxdb {influx.url} air"'
    wait_for(lambda: figures(gateway.url)[f"dustline_delivery_lag_readings{{{name}}}"] == 0, 20, "delivery")
    # Several readings of a second are one point there: what counts is that the last one has come.
    (last,) = influx.query('SELECT max("seq") AS seq FROM "reading"', "air")
    assert last["seq"] == sent
    influx.stop()


def test_faulty_file_changes_nothing_and_is_told(
    mosquitto: Any, spawn: Any, talk: Any, tmp_path: Path
) -> None:
    port = mosquitto().port
    gateway = spawn(write_config(tmp_path, port)).ready()
    refused = "the configuration cannot be used; nothing is changed"
    for text, words in (
        ("[broker", "is not valid TOML"),
        ("[checks]\nfuture_s = -1\n", "checks.future_s: must be greater"),
        ("[journal]\npath = 'other.sqlite'\n[log]\nformat = 'json'\n", "journal.path"),
    ):
        before = len(gateway.told(refused))
        gateway.config.write_text(text)
        gateway.process.send_signal(signal.SIGHUP)
        wait_for(lambda before=before: len(gateway.told(refused)) > before, what="the refusal")
        assert words in gateway.told(refused)[-1]["problem"]
    assert figures(gateway.url)["dustline_config_last_reload_successful"] == 0
    node = talk(port)
    node.readings(reading(1))
    wait_for(lambda: node.acked(1, 1), what="the ack of a gateway that goes on")
    write_config(tmp_path, port, checks="future_s = 5")
    gateway.process.send_signal(signal.SIGHUP)
    wait_for(lambda: gateway.told("configuration read again"), what="a reload that works")
    assert figures(gateway.url)["dustline_config_last_reload_successful"] == 1


def reload(gateway: Any, **changes: Any) -> list[str]:
    directory, port = gateway.settings.journal.path.parent, gateway.settings.broker.port
    return gateway.reload(lambda: make_settings(directory, port, **changes))


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"network": "lodz"}, "network"),
        ({"journal": {"path": Path("/tmp/another.sqlite")}}, "journal.path"),
        ({"journal": {"synchronous": "NORMAL"}}, "journal.synchronous"),
        ({"web": {"enabled": True, "port": 0}}, "web.enabled, web.port"),
        ({"monitor": {"port": 1024}}, "monitor.port"),
        ({"broker": {"client_id": "other"}}, "broker.client_id"),
        ({"broker": {"shards": "1/2"}}, "broker.shards"),
    ],
)
def test_what_cannot_change_is_named_and_then_nothing_changes(
    changes: dict[str, Any], key: str, shared_broker: Any, run_gateway: Any
) -> None:
    gateway = run_gateway(shared_broker.port, wait=False)
    changes = {**changes, "checks": {"future_s": 1}}
    with pytest.raises(ConfigError, match=f"^{key}: cannot change while the gateway runs"):
        reload(gateway, **changes)
    assert gateway.settings.checks.future_s == 600
    assert gateway.pipeline._limits.future_s == 600
    assert not gateway.last_reload_worked


def test_places_limits_and_log_level_change_at_once(
    mosquitto: Any, run_gateway: Any, talk: Any, tmp_path: Path
) -> None:
    nodes = tmp_path / "nodes.toml"
    nodes.write_text("[nodes.node-1]\nlabel = 'Roof'\nlat = 52.2\nlon = 21.0\n")
    port = mosquitto().port
    page = {"enabled": True, "port": 0}
    gateway = run_gateway(port, nodes_file=nodes, web=page)
    node = talk(port)
    now = reading(1)["t"]
    node.readings(reading(1, t=now + 100))
    wait_for(lambda: node.acked(1, 1), what="the ack")
    nodes.write_text("[nodes.node-1]\nlabel = 'Cellar'\nlat = 50.0\nlon = 20.0\n")
    before = structlog.get_config()
    try:
        changed = reload(gateway, nodes_file=nodes, web=page, checks={"future_s": 10}, log={"level": "error"})
        assert changed == ["checks.future_s", "log.level", "places"]
        assert not structlog.get_logger().is_enabled_for(30)  # warning
    finally:
        structlog.configure(**before)
    with urllib.request.urlopen(gateway.web_url + "api/nodes", timeout=5) as answer:
        (shown,) = json.load(answer)["nodes"]
    assert "Cellar" in shown.values()
    node.readings(reading(2, t=now + 100))
    wait_for(lambda: gateway.counters.quarantined == {"time_future": 1}, what="the new limit")


def test_window_of_the_broker_changes_inbox_and_batches(shared_broker: Any, run_gateway: Any) -> None:
    gateway = run_gateway(shared_broker.port)
    assert reload(gateway, broker={"receive_maximum": 50}) == ["broker.receive_maximum"]
    assert (gateway.inbox.size, gateway.pipeline._most) == (1100, 25)
    wait_for(gateway.session.subscribed.is_set, what="the new session")
    assert gateway.session.counts.connections == 2


def test_destination_is_exchanged_also_when_it_hangs(mosquitto: Any, run_gateway: Any, talk: Any) -> None:
    deaf = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
    influx = {"enabled": True, "api": "v1", "url": url, "database": "air", "timeout_s": 60}
    port = mosquitto().port
    gateway = run_gateway(port, influx=influx)
    node = talk(port)
    node.readings(reading(1))
    connection, _ = deaf.accept()  # its write is under way
    (old,) = gateway.deliveries
    assert reload(gateway, influx={**influx, "batch": 5}) == ["influx.batch"]
    (new,) = gateway.deliveries
    assert new is not old
    assert new.is_alive()
    assert reload(gateway) == [
        "influx.enabled",
        "influx.api",
        "influx.url",
        "influx.database",
        "influx.batch",
        "influx.timeout_s",
    ]
    assert gateway.deliveries == []
    connection.close()
    deaf.close()


def test_a_changed_secret_is_named_without_its_value() -> None:
    old = Settings(broker={"username": "a", "password": "hunter1"})
    new = Settings(broker={"username": "a", "password": "hunter2"})
    assert changed_keys(old, new) == ["broker.password"]
