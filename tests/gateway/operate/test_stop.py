"""The end comes within 5 s, whatever hangs, and loses nothing."""

from __future__ import annotations

import socket
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt

from gateway.journal import JournalReader
from simulator.bad_network import BadNetwork
from tests.gateway.operate.processes import figures, write_config
from tests.gateway.talker import reading, topic
from tests.support import wait_for

MOST_SECONDS = 5.0


def flood(port: int, count: int) -> None:
    """QoS 0, so that no window holds it back."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="flood")
    client.connect("127.0.0.1", port)
    client.loop_start()
    for _ in range(count):
        client.publish(topic("flood", "readings"), b"{", 0).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def test_stop_with_a_full_inbox_a_hanging_database_and_a_silent_broker(
    mosquitto: Any, spawn: Any, talk: Any, tmp_path: Path
) -> None:
    broker = mosquitto()
    network = BadNetwork("127.0.0.1", broker.port)
    deaf = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
    influx = f"enabled = true\napi = 'v1'\nurl = '{url}'\ndatabase = 'air'\ntimeout_s = 300"
    config = write_config(tmp_path, network.port, broker="receive_maximum = 2", influx=influx)
    gateway = spawn(config).ready()
    node = talk(broker.port)
    node.readings(reading(1))
    wait_for(lambda: node.acked(1, 1), what="the first ack")
    connection, _ = deaf.accept()  # the write of that reading is under way
    with sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")  # commits hang in SQLite's own waiting
        node.readings(reading(2))
        flood(broker.port, 1200)
        node.readings(reading(3))
        wait_for(lambda: figures(gateway.url)["dustline_inbox_messages"] >= 1004, 20, "a full inbox")
        network.silence()
        gateway.process.terminate()
        started = time.monotonic()
        assert gateway.process.wait(30) == 0, gateway.log.read_text()
        took = time.monotonic() - started
        other.execute("ROLLBACK")
    print(f"stopped in {took:.1f} s")
    assert took < MOST_SECONDS
    again = spawn(config).ready()
    wait_for(lambda: node.acked(1, 3), 20, "the acks of what was left behind")
    with JournalReader(tmp_path / "journal.sqlite") as reader:
        (row,) = reader.ledger("node-1")
    assert (row.stored, row.missing) == (3, 0)
    again.end()
    connection.close()
    deaf.close()
    network.close()


def test_stop_while_a_callback_hangs(mosquitto: Any, run_gateway: Any, talk: Any) -> None:
    port = mosquitto().port
    gateway = run_gateway(port)
    reached, release = threading.Event(), threading.Event()

    def hang(*_: Any) -> None:
        reached.set()
        release.wait(60)

    gateway.inbox.put = hang
    talk(port).readings(reading(1))
    assert reached.wait(10)
    started = time.monotonic()
    gateway.stop()
    assert time.monotonic() - started < MOST_SECONDS
    release.set()


def test_stop_of_an_idle_gateway_is_quick(mosquitto: Any, spawn: Any, tmp_path: Path) -> None:
    gateway = spawn(write_config(tmp_path, mosquitto().port)).ready()
    gateway.process.terminate()
    started = time.monotonic()
    assert gateway.process.wait(30) == 0
    assert time.monotonic() - started < 2.5
    (stopped,) = [line for line in gateway.log.read_text().splitlines() if '"stopped"' in line]
    assert "left behind" not in gateway.log.read_text(), stopped
