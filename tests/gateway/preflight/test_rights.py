"""Rights and TLS: what a check sees of a real Mosquitto's rules, by behaviour and in its file."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.broker import EmbeddedBroker
from tests.firmware.certificates import make_ca, make_server_certificate
from tests.gateway.preflight.conftest import Checked
from tests.gateway.talker import Talker, reading
from tests.support import Mosquitto, choose_port, require, wait_for

RULES = """\
user dustline-gateway
topic read dl/1/warsaw/+/+/readings
topic read dl/1/warsaw/+/+/status
topic read dl/1/warsaw/+/+/health
topic read dl/1/warsaw/+/+/reply
topic read dl/1/warsaw/+/+/fetch
topic write dl/1/warsaw/+/+/ack
topic write dl/1/warsaw/+/+/chunk
topic readwrite dl/1/warsaw/+/+/config
topic write dl/1/warsaw/+/+/command
pattern readwrite dl/1/+/+/%u/#
"""
USER = "username = 'dustline-gateway'"


@pytest.fixture
def guarded(
    tmp_path: Path, mosquitto: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], tuple[Mosquitto, Path]]:
    """A broker with these rules, and its own configuration file."""
    passwords = tmp_path / "passwords"
    passwords.touch(0o600)
    for user in ("dustline-gateway", "node-1"):
        subprocess.run([require("mosquitto_passwd"), "-b", passwords, user, f"secret-{user}"], check=True)
    monkeypatch.setenv("DUSTLINE_BROKER__PASSWORD", "secret-dustline-gateway")

    def start(rules: str) -> tuple[Mosquitto, Path]:
        (tmp_path / "acl").write_text(rules)
        broker = mosquitto(
            [
                f"acl_file {tmp_path / 'acl'}",
                f"password_file {passwords}",
                "allow_anonymous false",
                "max_queued_bytes 500000000",
            ]
        )
        return broker, broker.log.with_name("mosquitto.conf")

    return start


@pytest.mark.parametrize("protocol", [5, 311])
def test_good_broker_with_its_file_has_no_finding_at_all(
    protocol: int, guarded: Any, toml: Any, check: Any
) -> None:
    broker, file = guarded(RULES)
    config = toml(broker.port, f"{USER}\nprotocol = {protocol}")
    found: Checked = check(config, "--rate", "2", "--broker-config", str(file))
    assert (found.exit_code, found.failed, found.warned) == (0, set(), set())
    assert "may read what nodes send, and write acks" in found["broker_file.acl"]["text"]


@pytest.mark.parametrize("protocol", [5, 311])
@pytest.mark.parametrize(
    ("line", "name", "level"),
    [
        ("topic write dl/1/warsaw/+/+/ack", "broker.write_ack", "fail"),
        ("topic write dl/1/warsaw/+/+/command", "broker.write_command", "warn"),
        ("topic write dl/1/warsaw/+/+/chunk", "broker.write_chunk", "warn"),
        ("topic readwrite dl/1/warsaw/+/+/config", "broker.write_config", "warn"),
    ],
)
def test_absent_right_to_write_is_seen_without_the_file(
    protocol: int, line: str, name: str, level: str, guarded: Any, toml: Any, check: Any
) -> None:
    broker, _ = guarded(RULES.replace(f"{line}\n", ""))
    found: Checked = check(toml(broker.port, f"{USER}\nprotocol = {protocol}"), "--rate", "2")
    assert found[name]["level"] == level
    assert found.change(name) == f"acl_file, user dustline-gateway: {line}"
    assert found.exit_code == (level == "fail")
    assert found.failed == ({name} if level == "fail" else set())
    if name == "broker.write_config":
        # The trial's messages go there.
        assert "broker.queue" in found.warned
        assert line in found.change("broker.queue")


def test_absent_right_to_read_is_unknown_until_a_reading_comes_or_the_file_is_read(
    guarded: Any, toml: Any, check: Any, talk: Any
) -> None:
    broker, file = guarded(RULES.replace("topic read dl/1/warsaw/+/+/readings\n", ""))
    node: Talker = talk(broker.port, "node-1", "secret-node-1")
    stop = threading.Event()

    def talk_on() -> None:
        while not stop.wait(0.02):
            node.readings(reading(1))

    talking = threading.Thread(target=talk_on)
    talking.start()
    try:
        unread_and_unseen(broker, file, toml, check)
        (file.parent.parent / "acl").write_text(RULES)
        assert broker.process is not None
        broker.process.send_signal(signal.SIGHUP)
        config = toml(broker.port, USER)
        wait_for(lambda: check(config, "--no-load")["broker.read"]["level"] == "ok", what="the rules' reload")
    finally:
        stop.set()
        talking.join(30)


def unread_and_unseen(broker: Mosquitto, file: Path, toml: Any, check: Any) -> None:
    config = toml(broker.port, USER)
    found: Checked = check(config, "--rate", "2")
    assert "broker.read" in found.warned
    assert "topic read dl/1/warsaw/+/+/readings" in found.change("broker.read")
    found = check(config, "--rate", "2", "--broker-config", str(file))
    assert found.failed == {"broker_file.acl"}
    acl = file.parent.parent / "acl"
    line = "topic read dl/1/warsaw/+/+/readings"
    assert found.change("broker_file.acl") == f"{acl}, user dustline-gateway: {line}"


def test_wrong_password_is_told(guarded: Any, toml: Any, check: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    broker, _ = guarded(RULES)
    monkeypatch.setenv("DUSTLINE_BROKER__PASSWORD", "hunter2")
    found: Checked = check(toml(broker.port, USER))
    assert found.failed == {"broker.connect"}
    assert "DUSTLINE_BROKER__PASSWORD" in found["broker.connect"]["text"]
    assert found["broker.connect"]["change"] == [
        'gateway.toml, [broker]: username = "dustline-gateway"  # now dustline-gateway',
        "environment: DUSTLINE_BROKER__PASSWORD=...",
    ]
    assert "hunter2" not in str(found.findings)


@pytest.fixture
def rumqttd(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    broker = EmbeddedBroker(choose_port(), choose_port(), tmp_path / "rumqttd")
    broker.start()
    yield broker
    broker.stop()


def test_broker_of_mqtt_311_alone_is_asked_by_what_comes_back(
    rumqttd: EmbeddedBroker, toml: Any, check: Any
) -> None:
    """rumqttd has a port for each protocol, and no rules."""
    found: Checked = check(toml(rumqttd.mqtt311_port, "protocol = 311"), "--rate", "0.1")
    assert found["broker.write_ack"]["level"] == "ok"
    assert found["broker.message_size"]["level"] == "ok"
    config = toml(rumqttd.mqtt5_port)
    # "warn", not tried, while the machine is too busy to try it in time: asked again, as one would.
    wait_for(lambda: check(config, "--rate", "0.1")["broker.queue"]["level"] == "ok", 60, "a trial")
    found = check(toml(rumqttd.mqtt311_port, "protocol = 5"), "--rate", "0.1")
    assert found.failed == {"broker.connect"}


def test_wrong_certificates_are_told_with_the_line(
    tmp_path: Path, mosquitto: Any, toml: Any, check: Any
) -> None:
    ca, other = make_ca(tmp_path / "ca"), make_ca(tmp_path / "other", "Another CA")
    server = make_server_certificate(ca, ["127.0.0.1"])
    server.key.chmod(0o644)
    broker = mosquitto([f"certfile {server.pem}", f"keyfile {server.key}"])
    tls = f"tls = true\nca_file = '{ca.pem}'"
    found: Checked = check(toml(broker.port, tls), "--rate", "1")
    assert found.exit_code == 0, found.findings
    for settings, words in (
        (f"tls = true\nca_file = '{other.pem}'", "shows a certificate that is refused: "),
        (f"host = 'localhost'\n{tls}", "Hostname mismatch"),
    ):
        found = check(toml(broker.port, settings), "--rate", "1")
        assert found.failed == {"broker.connect"}
        assert words in found["broker.connect"]["text"]
        assert "gateway.toml, [broker]: ca_file =" in found.change("broker.connect")
        assert "gateway.toml, [broker]: host =" in found.change("broker.connect")
    found = check(toml(broker.port), "--rate", "1")
    assert found.failed == {"broker.connect"}
    assert "tls = true" in found.change("broker.connect")
    plain = mosquitto()
    found = check(toml(plain.port, tls), "--rate", "1")
    assert found.failed == {"broker.connect"}
    assert "is that the broker's TLS port?" in found["broker.connect"]["text"]


def test_message_as_large_as_a_nodes_must_pass(mosquitto: Any, toml: Any, check: Any) -> None:
    for line in ("message_size_limit 4000", "max_packet_size 5000"):
        found: Checked = check(toml(mosquitto([line]).port), "--rate", "1")
        assert found.failed == {"broker.message_size"}, line
        assert line.split()[0] in found.change("broker.message_size")


def test_limits_in_the_connack_are_told(mosquitto: Any, toml: Any, check: Any) -> None:
    found: Checked = check(toml(mosquitto(["max_qos 0", "retain_available false"]).port), "--no-load")
    assert {"broker.qos", "broker.retain"} <= found.failed
    found = check(toml(mosquitto(["max_keepalive 20"]).port), "--no-load")
    assert found.change("broker.keepalive") == "gateway.toml, [broker]: keepalive_s = 20"
    assert found.exit_code == 0
