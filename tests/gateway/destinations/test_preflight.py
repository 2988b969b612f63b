"""`dustline gateway check` against a real InfluxDB 1 and the stand-in for InfluxDB 2: faults and remedies."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.destinations.settings import InfluxSettings
from gateway.preflight.database import check_database
from gateway.preflight.finding import Finding
from tests.firmware.certificates import make_ca, make_server_certificate
from tests.gateway.destinations.fake_influx2 import FakeInflux2
from tests.gateway.destinations.servers import Influx1
from tests.support import choose_port

GOOD = {"influx.connect": "ok", "influx.write": "ok", "influx.retention": "ok"}


def look(**settings: Any) -> dict[str, Finding]:
    found = list(check_database(InfluxSettings(enabled=True, **settings)))
    assert len({each.name for each in found}) == len(found)
    return {each.name: each for each in found}


def levels(found: dict[str, Finding]) -> dict[str, str]:
    return {name: each.level for name, each in found.items()}


@pytest.mark.needs_influxd
def test_influxdb_1_and_the_command_that_puts_it_right(influx1: Callable[..., Influx1]) -> None:
    """Each fault, then what the check tells to do about it, then no fault."""
    influx = influx1(["auth-enabled = true"])
    root = "root:root"
    influx.query("CREATE USER root WITH PASSWORD 'root' WITH ALL PRIVILEGES")
    influx.query("CREATE USER dustline WITH PASSWORD 'secret'", auth=root)

    def check(password: str = "secret", username: str = "dustline") -> dict[str, Finding]:
        return look(api="v1", url=influx.url, database="warsaw", username=username, password=password)

    def obey(found: dict[str, Finding], name: str) -> None:
        (change,) = found[name].change
        influx.query(change.removeprefix("InfluxDB: "), auth=root)

    found = check("not this")
    assert levels(found) == {"influx.connect": "ok", "influx.write": "fail"}
    assert "DUSTLINE_INFLUX__PASSWORD" in found["influx.write"].change[0]
    assert "not this" not in str(found)
    found = check("root", "root")
    assert found["influx.write"].change == ('InfluxDB: CREATE DATABASE "warsaw"',)
    obey(found, "influx.write")
    assert levels(check("root", "root")) == GOOD
    found = check()
    assert found["influx.write"].change == ('InfluxDB: GRANT WRITE ON "warsaw" TO "dustline"',)
    obey(found, "influx.write")
    # A user that may only write does not see the retention; that is no ok.
    found = check()
    assert levels(found) == {**GOOD, "influx.retention": "warn"}
    assert 'SHOW RETENTION POLICIES ON "warsaw"' in found["influx.retention"].text
    influx.query("GRANT ALL ON warsaw TO dustline", auth=root)
    assert levels(check()) == GOOD
    influx.query('ALTER RETENTION POLICY "autogen" ON "warsaw" DURATION 13d SHARD DURATION 1d', auth=root)
    found = check()
    assert levels(found) == {**GOOD, "influx.retention": "fail"}
    assert "autogen keeps 13 days" in found["influx.retention"].text
    obey(found, "influx.retention")
    assert "autogen keeps 400 days" in check()["influx.retention"].text
    # The default policy is the one that counts.
    influx.query('CREATE RETENTION POLICY "short" ON "warsaw" DURATION 2d REPLICATION 1 DEFAULT', auth=root)
    found = check()
    assert levels(found)["influx.retention"] == "fail"
    assert 'ALTER RETENTION POLICY "short"' in found["influx.retention"].change[0]
    assert influx.query("SHOW MEASUREMENTS", "warsaw", auth=root) == []


def test_influxdb_that_is_not_there() -> None:
    url = f"http://127.0.0.1:{choose_port()}"
    found = look(api="v1", url=url, database="d")
    assert levels(found) == {"influx.connect": "fail"}
    assert found["influx.connect"].change == (f'gateway.toml, [influx]: url = "{url}"',)


@pytest.mark.needs_influxd
def test_another_kind_of_influxdb_or_address_is_no_reason_to_create_a_bucket(influx1: Any) -> None:
    influx = influx1()
    v2 = {"org": "smog", "bucket": "warsaw", "token": "t"}
    found = look(url=influx.url, **v2)  # 1.6.7 has no /api/v2: 404 page not found
    assert levels(found) == {"influx.connect": "ok", "influx.write": "fail"}
    assert 'gateway.toml, [influx]: api = "v1"' in found["influx.write"].change[0]
    assert "[influx]: url = " in found["influx.write"].change[1]
    found = look(url=influx.url.replace("http", "https"), **v2)
    assert levels(found) == {"influx.connect": "fail"}
    assert found["influx.connect"].change == (f'gateway.toml, [influx]: url = "{influx.url}"',)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_trouble_of_the_server_is_no_reason_to_change_a_line(fake2: FakeInflux2, status: int) -> None:
    fake2.scripted.append((status, {}, b'{"code":"internal error","message":"engine: too busy"}'))
    found = look(url=fake2.url, org="smog", bucket="warsaw", token=fake2.all_token)
    assert levels(found) == {"influx.connect": "ok", "influx.write": "fail"}
    assert found["influx.write"].change == ()


def test_certificate_of_a_database_and_the_line(tmp_path: Path) -> None:
    ca, other = make_ca(tmp_path / "ca"), make_ca(tmp_path / "other", "Another CA")
    server = make_server_certificate(ca, ["127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.pem, server.key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_shake_hands, args=(listener, context), daemon=True).start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        found = look(url=url, ca_file=other.pem, org="smog", bucket="warsaw", token="t")
    assert levels(found) == {"influx.connect": "fail"}
    assert "[influx]: ca_file = " in found["influx.connect"].change[0]


def _shake_hands(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # closed
            context.wrap_socket(connection, server_side=True).close()


def test_influxdb_2(fake2: FakeInflux2) -> None:
    def check(**more: Any) -> dict[str, Finding]:
        plain = {"url": fake2.url, "org": "smog", "bucket": "warsaw", "token": fake2.all_token}
        return look(**{**plain, **more})

    assert levels(check()) == GOOD
    for more, change in (
        ({"token": "wrong"}, "environment: DUSTLINE_INFLUX__TOKEN=..."),
        ({"bucket": "nope"}, "influx bucket create --org smog --name nope"),
        ({"org": "nope"}, 'gateway.toml, [influx]: org = "..."  # now nope; influx org list'),
        (
            {"token": fake2.read_only_token},
            "influx auth create --org smog --write-bucket BUCKET_ID --description dustline-gateway",
        ),
    ):
        found = check(**more)
        assert levels(found) == {"influx.connect": "ok", "influx.write": "fail"}
        assert change in found["influx.write"].change
    assert levels(check(token=fake2.token)) == {**GOOD, "influx.retention": "warn"}
    fake2.keeps_s = 7 * 86400
    found = check()
    assert levels(found) == {**GOOD, "influx.retention": "fail"}
    assert found["influx.retention"].change == ("influx bucket update --id BUCKET_ID --retention 400d",)
    fake2.keeps_s = 30 * 86400
    assert "keeps 30 days" in check()["influx.retention"].text
    assert fake2.points == {}
