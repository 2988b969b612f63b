"""Nothing is acknowledged before the commit, and no kill, restart or outage loses a reading."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from gateway.journal import Batch, Committed, JournalError, JournalReader
from gateway.service import Gateway
from tests.gateway.talker import Talker, reading
from tests.support import REPO, Mosquitto, wait_for


class Gate:
    """Holds the journal's commit until it is opened."""

    def __init__(self, gateway: Gateway) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()
        self._commit = gateway.journal.commit
        gateway.journal.commit = self  # type: ignore[method-assign, assignment]

    def __call__(self, batch: Batch) -> Committed:
        self.reached.set()
        assert self.open.wait(30)
        return self._commit(batch)


def unacked(gateway: Gateway) -> list[int]:
    """Record what the session acknowledges to the broker from now on."""
    acked: list[int] = []
    real = gateway.session._client.acknowledge

    def acknowledge(mids: list[int]) -> None:
        acked.extend(mids)
        real(mids)

    gateway.session._client.acknowledge = acknowledge  # type: ignore[method-assign]
    return acked


@pytest.mark.parametrize("protocol", [5, 311])
def test_ack_comes_after_the_commit_and_not_before(
    protocol: int, mosquitto: Any, run_gateway: Any, talk: Any
) -> None:
    port = mosquitto().port
    gateway = run_gateway(port, broker={"protocol": protocol})
    gate, broker_acks, node = Gate(gateway), unacked(gateway), talk(port)
    node.readings(reading(1), reading(2))
    assert gate.reached.wait(10)
    # What had been sent before this came back would have come before it.
    node.round_trip()
    assert (node.answers, broker_acks) == ([], [])
    gate.open.set()
    wait_for(lambda: node.acked(1, 2), what="the node's ack")
    assert len(broker_acks) == 1
    # The duplicate is answered too: the first ack may have been lost.
    node.readings(reading(1), reading(2))
    wait_for(lambda: len(node.answers) == 2, what="the second ack")
    assert gateway.counters.stored == 2


def test_older_readings_behind_many_gaps_get_their_ack(mosquitto: Any, run_gateway: Any, talk: Any) -> None:
    port = mosquitto().port
    run_gateway(port)
    node: Talker = talk(port)
    odd = range(1001, 1200, 2)
    for part in (odd[:50], odd[50:]):
        node.readings(*map(reading, part))
    wait_for(lambda: all(node.acked(1, seq) for seq in odd), what="the acks of all")
    node.answers.clear()
    node.readings(reading(2))
    wait_for(lambda: node.answers, what="an answer")
    assert node.acked(1, 2)
    assert not node.acked(1, 1)
    # One message with both ends of what lies apart: every seq of it is answered.
    node.answers.clear()
    node.readings(reading(4), reading(1101), reading(1201))
    wait_for(lambda: all(node.acked(1, seq) for seq in (4, 1101, 1201)), what="the acks of the three")


def test_failing_commit_is_retried_and_acked_only_then(mosquitto: Any, run_gateway: Any, talk: Any) -> None:
    port = mosquitto().port
    gateway = run_gateway(port)
    broker_acks, node = unacked(gateway), talk(port)
    real, failures = gateway.journal.commit, 3

    def commit(batch: Batch) -> Committed:
        nonlocal failures
        if failures:
            failures -= 1
            assert broker_acks == []
            raise sqlite3.OperationalError("database or disk is full")
        return real(batch)

    gateway.journal.commit = commit
    with structlog.testing.capture_logs() as logs:
        node.readings(reading(1), reading(3))
        wait_for(lambda: node.answers, what="the ack")
        assert node.answers == [{"v": 1, "boot": 1, "upto": 3, "except": [2]}]
        assert gateway.counters.failed_commits == 3
        node.readings(reading(4))
        wait_for(lambda: node.acked(1, 4), what="the ack of the next")
        gateway.inbox.dropped_qos0 = 2
        gateway.stop()
    told = [(each["event"], each["log_level"]) for each in logs if "journal" in each["event"]]
    assert [level for _, level in told] == ["error"] * 3 + ["info"]
    assert told[-1][0] == "the journal can be written again"
    (stopped,) = [each for each in logs if each["event"] == "stopped"]
    assert (stopped["stored"], stopped["failed_commits"], stopped["dropped_qos0"]) == (3, 3, 2)


def test_message_of_an_earlier_connection_is_not_acked_on_a_later_one(
    mosquitto: Any, run_gateway: Any, talk: Any
) -> None:
    broker: Mosquitto = mosquitto()
    gateway = run_gateway(broker.port)
    gate, broker_acks, node = Gate(gateway), unacked(gateway), talk(broker.port)
    node.readings(reading(1))
    assert gate.reached.wait(10)
    broker.stop()
    wait_for(lambda: not gateway.session.connected, what="the gateway to notice")
    broker.start()
    wait_for(gateway.session.subscribed.is_set, 20, what="the gateway to come back")
    wait_for(lambda: gateway.inbox.depth >= 1, what="the broker's second delivery")
    gate.open.set()
    wait_for(lambda: gateway.counters.received >= 2, what="both deliveries")
    wait_for(lambda: broker_acks, what="the second one's ack")
    assert len(broker_acks) == 1
    assert (gateway.counters.stored, gateway.counters.duplicates) == (1, 1)


def test_gateway_waits_for_a_broker_and_survives_its_restart(
    mosquitto: Any, run_gateway: Any, talk: Any
) -> None:
    broker: Mosquitto = mosquitto()
    broker.stop()
    gateway = run_gateway(broker.port, wait=False)
    broker.start()
    wait_for(gateway.session.subscribed.is_set, 20, what="the gateway's subscription")
    node = talk(broker.port)
    node.readings(reading(1))
    wait_for(lambda: node.acked(1, 1), what="the first ack")
    broker.stop()
    broker.start()
    wait_for(lambda: gateway.session.subscribed.is_set(), 20, what="the gateway to come back")
    node.readings(reading(2))
    wait_for(lambda: node.acked(1, 2), what="the ack after the restart")


@pytest.mark.parametrize("protocol", [5, 311])
def test_messages_sent_while_the_gateway_is_away_arrive_at_its_next_start(
    protocol: int, mosquitto: Any, run_gateway: Any, talk: Any
) -> None:
    port = mosquitto().port
    first = run_gateway(port, broker={"protocol": protocol})
    first.stop()
    node = talk(port)
    for seq in range(1, 31):
        node.readings(reading(seq))
    second = run_gateway(port, broker={"protocol": protocol})
    wait_for(lambda: node.acked(1, 30), what="the ack of all")
    assert second.counters.stored == 30


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Callable[[int], subprocess.Popen[str]]]:
    """`dustline gateway run` as a process of its own, with tmp_path's journal."""
    processes: list[subprocess.Popen[str]] = []

    def start(port: int) -> subprocess.Popen[str]:
        config = tmp_path / "gateway.toml"
        config.write_text(
            f"[broker]\nport = {port}\n[journal]\npath = 'j.sqlite'\n[web]\nport = 0\n[monitor]\nport = 0\n"
        )
        processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "dustline.cli", "gateway", "run", "--config", str(config)],
                cwd=REPO,
                stdout=subprocess.PIPE,
                stderr=(tmp_path / "log").open("a"),
                text=True,
            )
        )
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait(10)
        assert process.stdout
        process.stdout.close()


def count(path: Path) -> int:
    try:
        with JournalReader(path) as reader:
            return reader.newest_id()
    except JournalError:
        return 0


def test_kill_9_in_mid_stream_loses_nothing(mosquitto: Any, spawn: Any, talk: Any, tmp_path: Path) -> None:
    """A node that knows no acknowledgements sends 3,000 messages; the gateway is killed twice among them."""
    port, journal, total = mosquitto().port, tmp_path / "j.sqlite", 3000
    process = spawn(port)
    wait_for(lambda: "connected to the broker" in (tmp_path / "log").read_text(), 20, "the first start")
    wait_for(lambda: journal.exists(), what="the journal")
    node: Talker = talk(port)
    node.readings(reading(1))
    wait_for(lambda: node.acked(1, 1), 20, what="the subscription to work")
    for seq in range(2, total + 1):
        node.send_soon({"v": 1, "boot": 1, "readings": [reading(seq)]})
    for share in (0.2, 0.5):
        wait_for(lambda share=share: count(journal) > total * share, 30, "part of the readings")
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        assert count(journal) < total, "all had arrived before the kill: the test shows nothing"
        process = spawn(port)
    wait_for(lambda: count(journal) == total, 30, "all readings")
    with JournalReader(journal) as reader:
        (row,) = reader.ledger()
    assert (row.born, row.stored, row.quarantined, row.missing) == (total, total, 0, 0)
    process.terminate()
    assert process.wait(5) == 0


def test_sigterm_stops_in_good_order_also_without_a_broker(
    free_port: Any, spawn: Any, tmp_path: Path
) -> None:
    process = spawn(free_port())
    wait_for(lambda: count(tmp_path / "j.sqlite") == 0 and (tmp_path / "j.sqlite").exists(), 20, "the start")
    assert process.stdout.readline().startswith("gateway of network warsaw: broker 127.0.0.1:")
    process.terminate()
    assert process.wait(5) == 0
    assert "Traceback" not in (tmp_path / "log").read_text()
