"""A whole node and a broker with TLS: it talks to the right one, and says nothing to any other."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from simulator.node import SimNode
from simulator.options import TlsOptions
from tests.firmware import certificates
from tests.firmware.certificates import Certificate
from tests.firmware.mqtt_probe_driver import Server
from tests.firmware.node_bench import ScriptedGateway
from tests.support import Mosquitto, choose_port, wait_for

pytestmark = [pytest.mark.needs_mosquitto, pytest.mark.needs_micropython]

LONG = 60.0
HOST = "127.0.0.1"


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificates.make_ca(tmp_path_factory.mktemp("ca"))


class Ear:
    """A TLS server that keeps what is said to it after the handshake, and answers nothing."""

    def __init__(self, certificate: Certificate) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate.pem, certificate.key)
        self.listener = socket.create_server((HOST, 0))
        self.port = int(self.listener.getsockname()[1])
        self.connections = 0
        self.heard = b""
        self.at_first: Callable[[], None] = lambda: None
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self) -> None:
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            if not self.connections:
                self.at_first()
            self.connections += 1
            plain.settimeout(LONG)
            try:
                with self.context.wrap_socket(plain, server_side=True) as connection:
                    while data := connection.recv(4096):
                        self.heard += data
            except (ssl.SSLError, OSError):
                plain.close()

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)


@pytest.fixture
def ear() -> Iterator[Callable[[Certificate], Ear]]:
    made: list[Ear] = []

    def start(certificate: Certificate) -> Ear:
        made.append(Ear(certificate))
        return made[-1]

    yield start
    for each in made:
        each.close()


@pytest.fixture
def broker(mosquitto: Callable[..., Mosquitto], ca: Certificate) -> Mosquitto:
    """One plain listener for the gateway, one with TLS, one of another name that wants a certificate of the
    client's."""
    server = certificates.make_server_certificate(ca, (HOST,))
    named = certificates.make_server_certificate(ca, ("broker.example",))
    ports = choose_port(), choose_port()
    made = mosquitto(
        [
            *(f"listener {ports[0]} {HOST}", *certificates.tls_listener(server)),
            *(f"listener {ports[1]} {HOST}", *certificates.tls_listener(named, ca)),
        ]
    )
    made.tls_port, made.strict_port = ports  # type: ignore[attr-defined]
    return made


def logged(node: SimNode, *texts: str) -> str:
    wait_for(lambda: all(text in node.log.read_text() for text in texts), LONG, f"{texts} in the log")
    return node.log.read_text()


def test_readings_arrive_over_tls(
    node: Callable[..., SimNode], gateway: ScriptedGateway, broker: Any, ca: Certificate
) -> None:
    one = node(broker_port=broker.tls_port, tls=TlsOptions(ca=ca.der))
    wait_for(lambda: len(gateway.readings) >= 3, LONG, "readings")
    logged(one, f"mqtt: connected to {HOST} with TLS")
    one.cut_wifi()
    before = len(gateway.readings)
    one.restore_wifi()
    wait_for(lambda: len(gateway.readings) >= before + 3, LONG, "readings after an outage")
    broker.stop()
    broker.start()
    before = len(gateway.readings)
    wait_for(lambda: len(gateway.readings) >= before + 3, LONG, "readings after the broker's restart")


def test_pem_with_several_authorities_another_name_and_a_client_certificate(
    node: Callable[..., SimNode], gateway: ScriptedGateway, broker: Any, ca: Certificate, tmp_path: Path
) -> None:
    other = certificates.make_ca(tmp_path, "another authority")
    both = tmp_path / "ca.pem"
    both.write_text(other.pem.read_text() + ca.pem.read_text())
    own = certificates.make_client_certificate(ca, "praga-1")
    node(
        broker_port=broker.strict_port,
        tls=TlsOptions(ca=both, name="broker.example", cert=own.pem, key=own.key),
    )
    wait_for(lambda: gateway.readings, LONG, "a reading")


def days(number: int) -> datetime:
    return datetime.now(UTC) + timedelta(days=number)


REFUSED = {
    "expired": "its certificate has expired",
    "future": "its certificate is not valid yet",
    "wrong host": f"its certificate is for another name than {HOST}",
    "wrong ca": "its certificate is not signed by the pinned CA",
    "self-signed": "its certificate is not signed by the pinned CA",
}


def bad_server(case: str, ca: Certificate, folder: Path) -> Certificate:
    make = certificates.make_server_certificate
    if case == "expired":
        return make(ca, not_before=days(-30), not_after=days(-1))
    if case == "future":
        return make(ca, not_before=days(2))
    if case == "wrong host":
        return make(ca, ("other.example", "127.0.0.2"))
    if case == "wrong ca":
        return make(certificates.make_ca(folder))
    return make(None, directory=folder)


@pytest.mark.parametrize("case", REFUSED)
def test_the_wrong_server_is_told_nothing(
    node: Callable[..., SimNode],
    ear: Callable[[Certificate], Ear],
    ca: Certificate,
    tmp_path: Path,
    case: str,
) -> None:
    server = ear(bad_server(case, ca, tmp_path / "bad"))
    one = node(broker_port=server.port, tls=TlsOptions(ca=ca.der), user="praga-1", password="hush", ntp=())
    log = logged(
        one, f"mqtt: refused the broker: {REFUSED[case]}; this node's clock is not set, which may be why\n"
    )
    wait_for(lambda: server.connections >= 3, LONG, "the node to try again")
    assert server.heard == b""
    assert "connected" not in log
    assert one.crashes == 0


def test_the_ear_hears_what_is_said_to_the_right_server(
    node: Callable[..., SimNode], ear: Callable[[Certificate], Ear], ca: Certificate
) -> None:
    """Without this the test above would pass with a deaf ear."""
    server = ear(certificates.make_server_certificate(ca))
    node(broker_port=server.port, tls=TlsOptions(ca=ca.der), user="praga-1", password="hush")
    wait_for(lambda: b"hush" in server.heard, LONG, "the password")


def test_it_waits_for_the_clock_first(
    node: Callable[..., SimNode], ear: Callable[[Certificate], Ear], ca: Certificate, tmp_path: Path
) -> None:
    server = ear(certificates.make_server_certificate(ca))
    log = tmp_path / "node" / "node.log"
    server.at_first = lambda: known.append("clock: set" in log.read_text())
    known: list[bool] = []
    node(broker_port=server.port, tls=TlsOptions(ca=ca.der))
    wait_for(lambda: known, LONG, "a connection")
    assert known == [True]


def test_a_broker_that_wants_a_client_certificate_is_understood(
    node: Callable[..., SimNode], broker: Any, ca: Certificate
) -> None:
    one = node(broker_port=broker.strict_port, tls=TlsOptions(ca=ca.pem, name="broker.example"))
    logged(one, "mqtt: TLS failed (the broker broke off; it may want a client certificate)\n")


def test_a_port_without_tls_is_understood(node: Callable[..., SimNode], ca: Certificate) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(b"SSH-2.0-somebody else\r\n")
        connection.recv(100)

    server = Server(talk)
    try:
        one = node(broker_port=server.port, tls=TlsOptions(ca=ca.pem))
        logged(one, "mqtt: TLS failed (what answers at this port does not speak TLS)\n")
    finally:
        server.end()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "broker.ca: ca.der is missing or empty; without it nothing is sent"),
        (b"no certificate", "broker.ca: ca.der holds no certificate that can be read (neither PEM nor DER)"),
        (b"0\x82\x01\x00cut", "broker.ca: ca.der holds no certificate that can be read (it is cut off)"),
    ],
    ids=["missing", "text", "cut off"],
)
def test_without_its_ca_nothing_is_sent(
    node: Callable[..., SimNode],
    gateway: ScriptedGateway,
    broker: Any,
    tmp_path: Path,
    content: bytes | None,
    reason: str,
) -> None:
    path = None
    if content is not None:
        path = tmp_path / "ca.der"
        path.write_bytes(content)
    one = node(broker_port=broker.tls_port, tls=TlsOptions(ca=path))
    log = logged(one, "config: " + reason, "mqtt: " + reason)
    assert "connected" not in log
    assert gateway.status == []


def test_a_damaged_key_of_its_own_keeps_no_node_from_starting(
    node: Callable[..., SimNode], ear: Callable[[Certificate], Ear], ca: Certificate, tmp_path: Path
) -> None:
    own = certificates.make_client_certificate(ca, "praga-1")
    server = ear(certificates.make_server_certificate(ca))
    curve = tmp_path / "curve.key"
    curve.write_text("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n")
    one = node(broker_port=server.port, tls=TlsOptions(ca=ca.der, cert=own.pem, key=curve), router=False)
    reason = "holds no key that can be read (nothing but a key's parameters); without it nothing is sent"
    log = logged(one, "config: broker.key: ", "mqtt: broker.key: ", reason)
    assert "Traceback" not in log
    assert server.connections == one.crashes == 0


def test_a_tls_setting_that_is_no_yes_or_no_means_yes(
    node: Callable[..., SimNode], ear: Callable[[Certificate], Ear], ca: Certificate, tmp_path: Path
) -> None:
    server = ear(certificates.make_server_certificate(ca))
    flash = tmp_path / "node" / "flash"
    flash.mkdir(parents=True)
    broker = {"host": HOST, "port": server.port, "tls": "yes", "password": "hush"}
    wifi = [{"ssid": "dustline", "password": "particles"}]
    (flash / "config.json").write_text(json.dumps({"node": "praga-1", "broker": broker, "wifi": wifi}))
    one = node(router=False)
    logged(
        one, "config: broker.tls: must be true or false; it counts as true", "broker.ca: ca.der is missing"
    )
    assert server.connections == 0


def test_failed_handshakes_leave_no_socket_behind(
    node: Callable[..., SimNode], ear: Callable[[Certificate], Ear], ca: Certificate, tmp_path: Path
) -> None:
    server = ear(bad_server("wrong ca", ca, tmp_path / "bad"))
    one = node(broker_port=server.port, tls=TlsOptions(ca=ca.der), spread_s=0, ntp=(), router=False)
    wait_for(lambda: server.connections >= 4, LONG, "four tries")
    links = [path.readlink() for path in Path(f"/proc/{one.pid}/fd").iterdir()]
    sockets = [link for link in links if str(link).startswith("socket:")]
    assert len(sockets) <= 2, "the chip's line, and a try that is under way"
