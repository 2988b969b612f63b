"""What a gateway without a connection says of it, in its log and in /readyz: which setting is to blame."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.broker_settings import BrokerSettings
from gateway.receive import Inbox
from gateway.session import Session
from gateway.standby.link import Link
from gateway.standby.rules import Word
from tests.firmware.certificates import make_ca, make_server_certificate
from tests.support import require, wait_for

Told = MutableMapping[str, Any]


@pytest.fixture
def session() -> Iterator[Callable[..., Session]]:
    made: list[Session] = []

    def start(**broker: Any) -> Session:
        made.append(Session(BrokerSettings(**broker), "warsaw", Inbox(10)))
        made[-1].start()
        return made[-1]

    yield start
    for each in made:
        each.stop(2.0)


@pytest.fixture
def logged() -> Iterator[list[Told]]:
    with capture_logs() as told:
        yield told


def first(logged: list[Told], event: str) -> Told:
    return wait_for(lambda: [each for each in logged if each["event"] == event], 20, event)[0]


def no_connection(logged: list[Told]) -> Told:
    return first(logged, "no connection; will keep trying")


@pytest.fixture
def tls(tmp_path: Path, mosquitto: Any) -> tuple[int, Path, Path]:
    """A broker's port, the authority of its certificate, and another one."""
    ca, other = make_ca(tmp_path / "ca"), make_ca(tmp_path / "other", "Another CA")
    server = make_server_certificate(ca, ["127.0.0.1"])
    server.key.chmod(0o644)
    return mosquitto([f"certfile {server.pem}", f"keyfile {server.key}"]).port, ca.pem, other.pem


def test_refused_certificate_is_told_as_such(
    tls: tuple[int, Path, Path], session: Any, logged: list[Told]
) -> None:
    port, ca, other = tls
    refused = session(port=port, tls=True, ca_file=other)
    told = no_connection(logged)
    assert told["problem"].startswith("the broker shows a certificate that is refused: ")
    assert "broker.ca_file" in told["advice"]
    assert told["problem"] in refused.trouble
    logged.clear()
    session(port=port, host="localhost", tls=True, ca_file=ca)
    assert "Hostname mismatch" in no_connection(logged)["problem"]


def test_port_that_wants_tls_is_not_met_with_silence(
    tls: tuple[int, Path, Path], session: Any, logged: list[Told], mosquitto: Any
) -> None:
    plain = session(port=tls[0])
    told = no_connection(logged)
    assert told["problem"] == "the connection ended before the broker had answered"
    assert "does that port want TLS" in told["advice"]
    assert told["problem"] in plain.trouble
    logged.clear()
    session(port=mosquitto().port, tls=True, ca_file=tls[1])
    told = no_connection(logged)
    assert told["problem"].startswith("the broker fails at TLS")
    assert "broker.port" in told["advice"]


def test_unknown_name_and_closed_port_are_told_apart(
    session: Any, logged: list[Told], free_port: Any
) -> None:
    session(host="no-such-broker.invalid")
    told = no_connection(logged)
    assert "name that is not known" in told["problem"]
    assert "broker.host" in told["advice"]
    logged.clear()
    session(port=free_port())
    assert no_connection(logged)["problem"] == "the broker cannot be reached (Connection refused)"


def test_refused_password_is_not_covered_up_by_the_end_of_its_connection(
    tmp_path: Path, mosquitto: Any, session: Any, logged: list[Told]
) -> None:
    passwords = tmp_path / "passwords"
    passwords.touch(0o600)
    subprocess.run([require("mosquitto_passwd"), "-b", passwords, "gw", "right"], check=True)
    port = mosquitto([f"password_file {passwords}", "allow_anonymous false"]).port
    refused = session(port=port, username="gw", password="hunter2")
    assert "DUSTLINE_BROKER__PASSWORD" in no_connection(logged)["advice"]
    # The next attempt is made a second later, and ends in the same way.
    wait_for(lambda: not refused._refused, what="the end of the refused connection")
    assert "Not authorized" in refused.trouble
    assert "hunter2" not in str(logged)


def test_two_gateways_under_one_client_id_are_told_by_any_broker(
    mosquitto: Any, session: Any, logged: list[Told]
) -> None:
    """Mosquitto 2.0.11 throws the older one out without a word."""
    port = mosquitto().port
    session(port=port, client_id="twin")
    session(port=port, client_id="twin")
    told = first(logged, "connections to the broker end as soon as they are made")
    assert (told["client_id"], told["in_a_row"]) == ("twin", 3)
    assert "another gateway uses this client id" in told["advice"]


def test_lease_says_the_same(tls: tuple[int, Path, Path], logged: list[Told]) -> None:
    port, _, other = tls
    for broker, problem in (
        (
            BrokerSettings(port=port, tls=True, ca_file=other),
            "the broker shows a certificate that is refused",
        ),
        (BrokerSettings(port=port), "the connection ended before the broker had answered"),
    ):
        logged.clear()
        word = Word(say="gone", who="a")
        callbacks: dict[str, Any] = dict.fromkeys(("subscribed", "lost", "heard"), lambda *_: None)
        link = Link(broker, "lease", "dl/1/warsaw/gateway/0", word, **callbacks)
        link.start()
        told = first(logged, "no lease can be held or watched; will keep trying")
        assert told["problem"].startswith(problem)
        link.stop(None, 2.0)
