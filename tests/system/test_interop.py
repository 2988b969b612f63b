"""Real nodes and real gateways over TLS, with users, client certificates and the documented rules: MQTT 5 and
3.1.1 gateways on Mosquitto, and on the embedded broker."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest

from bench.network.world import GatewayProcess
from simulator.broker import EmbeddedBroker
from simulator.node import SimNode
from simulator.ntp import NtpServer
from simulator.options import NodeOptions, TlsOptions
from tests.firmware.certificates import (
    Certificate,
    make_ca,
    make_client_certificate,
    make_server_certificate,
    tls_listener,
)
from tests.support import Mosquitto, choose_port, require, wait_for

pytestmark = [pytest.mark.needs_mosquitto, pytest.mark.needs_micropython]

LONG = 90.0
QUICK: dict[str, Any] = {"warmup_s": 1, "window_s": 1, "health_s": 1, "ack_timeout_s": 3, "heap": "192k"}
GATEWAY = "dustline-gateway"
NAME = "broker.dustline.example"
USERS = (GATEWAY, "praga-1", "wola-2", "auditor")
ENOUGH = 4


class City:
    """A Mosquitto with TLS only: a port for users with passwords, a port for client certificates."""

    def __init__(self, directory: Path, repo: Path, mosquitto: Callable[..., Mosquitto]) -> None:
        self.ca = make_ca(directory)
        server = make_server_certificate(self.ca, (NAME, "localhost"))
        self.port, self.certificate_port = choose_port(), choose_port()
        rules, passwords = directory / "acl", directory / "passwords"
        page = (repo / "docs" / "contract.md").read_text()
        block = re.search(r"(?m)^    user dustline-gateway\n(?:    .*\n)+", page)
        assert block is not None
        rules.write_text(re.sub(r"(?m)^    ", "", block[0]))
        passwords.touch(0o600)
        for user in USERS:
            subprocess.run([require("mosquitto_passwd"), "-b", passwords, user, secret(user)], check=True)
        self.broker = mosquitto(
            [
                *("log_type all", f"acl_file {rules}", f"password_file {passwords}", "allow_anonymous false"),
                *(f"listener {self.port} 127.0.0.1", *tls_listener(server)),
                *(f"listener {self.certificate_port} 127.0.0.1", *tls_listener(server, self.ca)),
                "use_identity_as_username true",
            ]
        )

    def by_password(self, user: str) -> dict[str, Any]:
        return {"broker_port": self.port, "user": user, "password": secret(user), "tls": self._tls(None)}

    def by_certificate(self, user: str) -> dict[str, Any]:
        own = make_client_certificate(self.ca, user)
        return {"broker_port": self.certificate_port, "tls": self._tls(own)}

    def _tls(self, own: Certificate | None) -> TlsOptions:
        files = (own.der, own.key_der) if own else (None, None)
        return TlsOptions(ca=self.ca.der, name=NAME, cert=files[0], key=files[1])

    def gateway(self, protocol: int) -> list[str]:
        return [
            *('host = "localhost"', f"port = {self.port}", f"protocol = {protocol}", "tls = true"),
            *(f'ca_file = "{self.ca.pem}"', f'username = "{GATEWAY}"', f'password = "{secret(GATEWAY)}"'),
        ]


def secret(user: str) -> str:
    return f"secret-{user}"


class Auditor:
    """Hears the nodes' health with a gateway's rights, and has them measure no more."""

    def __init__(self, port: int, ca: Path | None = None) -> None:
        self.health: dict[str, dict[str, Any]] = {}
        self.client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, client_id="auditor", protocol=mqtt.MQTTv311
        )
        if ca:
            self.client.tls_set(str(ca))
            self.client.username_pw_set(GATEWAY, secret(GATEWAY))
        self.client.on_connect = lambda client, *_: client.subscribe("dl/1/warsaw/+/+/health", 1)
        self.client.on_message = self._hear
        self.client.connect("localhost" if ca else "127.0.0.1", port)
        self.client.loop_start()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _hear(self, _client: mqtt.Client, _user: Any, message: mqtt.MQTTMessage) -> None:
        self.health[message.topic.split("/")[4]] = {"topic": message.topic, **json.loads(message.payload)}

    def still(self, node: str) -> dict[int, int]:
        """Once a node's outbox is empty: boot -> last seq, in its own words."""

        def born() -> dict[int, int]:
            return dict(self.health.get(node, {}).get("born", []))

        wait_for(lambda: sum(born().values()) >= ENOUGH, LONG, f"{node} to bear {ENOUGH} readings")
        settings = json.dumps({"v": 1, "version": 1, "settings": {"measure": False}})
        topic = self.health[node]["topic"].replace("/health", "/config")
        self.client.publish(topic, settings, 1, retain=True)
        wait_for(
            lambda: not self.health[node]["measuring"] and not self.health[node]["outbox"]["depth"],
            LONG,
            f"{node} to have an empty outbox",
        )
        return born()


@pytest.fixture
def city(tmp_path: Path, repo: Path, mosquitto: Callable[..., Mosquitto]) -> City:
    return City(tmp_path / "city", repo, mosquitto)


@pytest.fixture
def ntp() -> Iterator[NtpServer]:
    server = NtpServer().start()
    yield server
    server.stop()


@pytest.fixture
def node(tmp_path: Path, ntp: NtpServer) -> Iterator[Callable[..., SimNode]]:
    started: list[SimNode] = []

    def start(name: str, **options: Any) -> SimNode:
        chosen = NodeOptions(name, **{"ntp": (ntp.address,), **QUICK, **options})
        started.append(SimNode(tmp_path / f"{name}-{len(started)}", chosen, lambda _at: (8.0, 12.0, 20.0)))
        return started[-1].start()

    yield start
    for one in started:
        one.stop()
        print(one.log.read_text())


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Callable[[list[str]], GatewayProcess]]:
    started: list[GatewayProcess] = []

    def start(broker: list[str]) -> GatewayProcess:
        one = GatewayProcess(tmp_path / f"gateway{len(started)}", broker).start()
        started.append(one)
        wait_for(one.connected, LONG, "the gateway's connection")
        return one

    yield start
    for one in started:
        one.end()
        print(one.log.read_text())


@pytest.fixture
def audit() -> Iterator[Callable[..., Auditor]]:
    made: list[Auditor] = []

    def start(port: int, ca: Path | None = None) -> Auditor:
        made.append(Auditor(port, ca))
        return made[-1]

    yield start
    for one in made:
        one.close()


def counted(gateway: GatewayProcess) -> dict[str, dict[int, int]]:
    """node -> boot -> stored, after a look at the rest."""
    found: dict[str, dict[int, int]] = {}
    for row in gateway.ledger():
        assert row["missing"] == row["quarantined"] == 0, row
        found.setdefault(row["node"], {})[row["boot"]] = row["stored"]
    return found


@pytest.mark.parametrize("protocol", [5, 311])
def test_tls_with_users_certificates_and_rules(
    city: City, node: Any, gateway: Any, audit: Any, protocol: int
) -> None:
    """Nothing leaves an outbox without this gateway's ack, so empty ones say that acks arrive."""
    under_test = gateway(city.gateway(protocol))
    auditor: Auditor = audit(city.port, city.ca.pem)
    node("praga-1", **city.by_password("praga-1"))
    node("wola-2", **city.by_certificate("wola-2"))
    said = {name: auditor.still(name) for name in ("praga-1", "wola-2")}
    assert counted(under_test) == said
    log = city.broker.log.read_text()
    version = {5: "p5", 311: "p2"}[protocol]
    assert re.search(rf"as dustline-gateway-warsaw \({version}, .*u'{GATEWAY}'", log)
    assert re.search(r"as praga-1 \(p2, .*u'praga-1'", log)
    assert re.search(r"as wola-2 \(p2, .*u'wola-2'", log)


def test_a_node_cannot_speak_for_another_nor_without_its_password(
    city: City, node: Any, gateway: Any
) -> None:
    under_test = gateway(city.gateway(5))
    cheat = node("wola-2", **city.by_password("praga-1"))
    wrong = node("praga-1", **{**city.by_password("praga-1"), "password": "guessed"})
    bare = node("ochota-3", broker_port=city.certificate_port, tls=TlsOptions(ca=city.ca.der, name=NAME))
    log = city.broker.log
    wait_for(lambda: "Denied PUBLISH from wola-2" in log.read_text(), LONG, "the broker to deny")
    wait_for(lambda: "user name or the password" in wrong.log.read_text(), LONG, "the refusal in words")
    wait_for(lambda: "mqtt:" in bare.log.read_text(), LONG, "the refusal of a node without a certificate")
    wait_for(lambda: "sender:" in cheat.log.read_text(), LONG, "the cheat to wait for an ack in vain")
    assert under_test.ledger() == []


def test_the_embedded_broker_with_gateways_of_both_versions(
    tmp_path: Path, ntp: NtpServer, node: Any, gateway: Any, audit: Any
) -> None:
    """Both take every reading: a gateway's session is its own."""
    pytest.importorskip("iotcore")
    with EmbeddedBroker(choose_port(), choose_port(), tmp_path / "broker") as broker:
        gateways = [
            gateway([f"port = {broker.mqtt311_port}", "protocol = 311", 'client_id = "older"']),
            gateway([f"port = {broker.mqtt5_port}", "protocol = 5", 'client_id = "newer"']),
        ]
        auditor: Auditor = audit(broker.mqtt311_port)
        one = node("praga-1", broker_port=broker.mqtt311_port)
        said = {"praga-1": auditor.still("praga-1")}
        for each in gateways:
            wait_for(lambda each=each: counted_in_full(each, said), LONG, "every reading in both ledgers")
        one.stop()


def counted_in_full(gateway: GatewayProcess, said: dict[str, dict[int, int]]) -> bool:
    rows = {(row["node"], row["boot"]): row for row in gateway.ledger()}
    return all(
        rows.get((node, boot), {}).get("stored") == last
        for node, boots in said.items()
        for boot, last in boots.items()
    )
