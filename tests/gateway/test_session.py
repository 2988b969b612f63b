"""The session's corners: refusals, failing callbacks, a full inbox."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from click.testing import CliRunner

from dustline.cli import main
from gateway.receive import Inbox, Incoming
from tests.gateway.talker import reading
from tests.support import wait_for


class RefusingBroker:
    """Accepts connections and refuses every subscription, as a broker with access rules does.

    Mosquitto does so only with a plugin. MQTT 3.1.1, sections 3.2 (CONNACK) and 3.9 (SUBACK, 0x80 = failure).
    """

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection:
            while packet := connection.recv(4096):
                if packet[0] == 0x10:
                    connection.sendall(b"\x20\x02\x00\x00")
                elif packet[0] == 0x82:  # its length fits one byte or two, below that the id follows
                    at = 3 if packet[1] & 0x80 else 2
                    connection.sendall(b"\x90\x05" + packet[at : at + 2] + b"\x80\x80\x80")

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def refusing() -> Iterator[RefusingBroker]:
    broker = RefusingBroker()
    yield broker
    broker.close()


def test_refused_subscription_is_an_error_and_not_silence(
    refusing: RefusingBroker, run_gateway: Any, tmp_path: Any
) -> None:
    with structlog.testing.capture_logs() as logs:
        gateway = run_gateway(refusing.port, wait=False, broker={"protocol": 311})
        wait_for(lambda: [e for e in logs if "refuses subscriptions" in e["event"]], what="the error")
    assert not gateway.session.subscribed.is_set()
    config = tmp_path / "gateway.toml"
    config.write_text(f"[broker]\nport = {refusing.port}\nprotocol = 311\n")
    result = CliRunner().invoke(main, ["gateway", "check", "--config", str(config)])
    assert result.exit_code == 1
    assert result.output.count("refuses the subscription to dl/1/warsaw/+/+/") == 3


def test_bug_in_a_callback_does_not_end_the_session(mosquitto: Any, run_gateway: Any, talk: Any) -> None:
    port = mosquitto().port
    gateway = run_gateway(port)
    put, calls = gateway.inbox.put, 0

    def failing_once(*args: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise RuntimeError("a bug")
        put(*args)

    gateway.inbox.put = failing_once
    node = talk(port)
    node.readings(reading(1))
    wait_for(lambda: calls == 1, what="the first message")
    node.readings(reading(2))
    wait_for(lambda: node.acked(1, 2), what="the ack of the second message")
    assert not node.acked(1, 1)


def test_bug_in_the_pipeline_quarantines_that_message_only(
    mosquitto: Any, run_gateway: Any, talk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gateway.pipeline as pipeline

    real = pipeline.decode

    def decode(payload: bytes, size: int) -> Any:
        if b"2222" in payload:
            raise RuntimeError("a bug")
        return real(payload, size)

    monkeypatch.setattr(pipeline, "decode", decode)
    port = mosquitto().port
    gateway = run_gateway(port)
    node = talk(port)
    node.readings(reading(1))
    node.readings(reading(2222))
    node.readings(reading(3))
    wait_for(lambda: node.acked(1, 3), what="the ack of the third message")
    assert gateway.counters.quarantined == {"gateway_error": 1}
    assert not node.acked(1, 2222)


def test_bug_in_the_journal_costs_one_message_and_not_the_pipeline(
    mosquitto: Any, run_gateway: Any, talk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gateway.journal.rows as rows

    real = rows.reading_row

    def reading_row(id: int, node_id: int, new: Any) -> Any:
        if new.seq == 2222:
            raise OverflowError("a bug")
        return real(id, node_id, new)

    monkeypatch.setattr(rows, "reading_row", reading_row)
    port = mosquitto().port
    # Long enough for the three to be in one commit.
    gateway = run_gateway(port, journal={"wait_ms": 500})
    node = talk(port)
    for seq in (1, 2222, 3):
        node.readings(reading(seq))
    wait_for(lambda: node.acked(1, 3), what="the ack of the third message")
    wait_for(lambda: gateway.counters.quarantined == {"gateway_error": 1}, what="the entry")
    node.readings(reading(4))
    wait_for(lambda: node.acked(1, 4), what="the ack of a later message")
    assert not node.acked(1, 2222)


def test_only_the_beginning_of_a_long_message_waits_in_memory(
    mosquitto: Any, run_gateway: Any, talk: Any
) -> None:
    port = mosquitto().port
    gateway = run_gateway(port)
    waited: list[Incoming] = []
    real = gateway.inbox.put

    def put(messages: list[Incoming], give_up: Any) -> None:
        waited.extend(messages)
        real(messages, give_up)

    gateway.inbox.put = put
    node = talk(port)
    node.send(b"x" * 1_000_000)
    wait_for(lambda: node.answers, what="the refusal")
    assert "1000000 bytes" in node.answers[0]["refused"]
    assert [len(each.payload) for each in waited] == [8192]


def incoming(qos: int = 1) -> Incoming:
    return Incoming("t", b"", qos, False, 1, 1, 0)


def test_batch_closes_when_full_or_after_its_time() -> None:
    inbox = Inbox(100)
    for _ in range(5):
        inbox.put([incoming()], lambda: False)
    assert len(inbox.take(3, 60, 60)) == 3
    assert len(inbox.take(3, 0.01, 60)) == 2
    assert inbox.take(3, 0.01, 0.01) == []


def test_full_inbox_drops_qos_0_with_a_count_and_holds_qos_1_back() -> None:
    inbox = Inbox(1)
    inbox.put([incoming()], lambda: False)
    inbox.put([incoming(0)], lambda: False)
    assert inbox.dropped_qos0 == 1
    waiting = threading.Thread(target=inbox.put, args=([incoming()], lambda: False))
    waiting.start()
    assert len(inbox.take(1, 0, 1)) == 1
    waiting.join(5)
    assert len(inbox.take(1, 0, 1)) == 1
    inbox.put([incoming()], lambda: False)
    inbox.put([incoming()], lambda: True)  # full, but the gateway is stopping
