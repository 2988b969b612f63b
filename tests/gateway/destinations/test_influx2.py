"""Delivery to the strict stand-in for InfluxDB 2: every answer that its documentation promises."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.destinations.delivery import Delivery
from gateway.destinations.influx_v1 import InfluxV1Sink
from gateway.destinations.influx_v2 import InfluxV2Sink
from gateway.destinations.settings import InfluxSettings
from gateway.destinations.sink import Finding, RetryLaterError
from gateway.journal import Journal, JournalReader
from tests.gateway.destinations.fake_influx2 import FakeInflux2
from tests.gateway.destinations.samples import a_mixed_lot, commit, reading
from tests.support import choose_port, require, wait_for


def settings(fake: FakeInflux2, **more: Any) -> InfluxSettings:
    right = {"url": fake.url, "org": fake.org, "bucket": fake.bucket, "token": fake.token, "timeout_s": 5}
    return InfluxSettings(**{"enabled": True, **right, **more})


def delivered(delivery: Delivery, count: int) -> None:
    wait_for(lambda: delivery.counters.delivered == count, what=f"{count} delivered, {delivery.counters}")


def seqs_in(fake: FakeInflux2) -> set[object]:
    return {fields["seq"] for fields in fake.points.values()}


@pytest.mark.parametrize("compress", [True, False])
def test_every_reading_becomes_a_point(
    fake2: FakeInflux2, journal: Journal, deliver: Callable[..., Delivery], compress: bool
) -> None:
    lot = a_mixed_lot(100)
    commit(journal, lot)
    delivered(deliver(InfluxV2Sink(settings(fake2, gzip=compress)), batch=30), 100)
    assert fake2.sizes == [30, 30, 30, 10]
    for each in lot:
        tags = (("network", each.network), ("node", each.node), ("slot", each.slot))
        fields = fake2.points["reading", tags, each.t or 0]
        assert each.values.items() <= fields.items()
        assert (fields["boot"], fields["seq"], fields["model"]) == (each.boot, each.seq, each.model)


def test_malformed_and_clashing_lines_are_quarantined_and_the_rest_stored(
    fake2: FakeInflux2, journal: Journal, deliver: Callable[..., Delivery]
) -> None:
    lot = [reading(i) for i in range(1, 61)]
    lot[9] = reading(10, values={"pm25": float("inf")})  # 400 for all
    lot[29] = reading(30, values={"pm25": 1.0, "temp": 2.0})  # 422, the others are written
    fake2.types["temp"] = str
    commit(journal, lot)
    delivery = deliver(InfluxV2Sink(settings(fake2)))
    delivered(delivery, 58)
    assert seqs_in(fake2) == set(range(1, 61)) - {10, 30}
    with JournalReader(journal.path) as reader:
        refused = {each.seq: each.detail for each in reader.quarantined()}
    assert refused.keys() == {10, 30}
    assert "unable to parse" in refused[10]
    assert 'input field "temp"' in refused[30]


def test_a_reading_without_time_is_passed_over_and_counted(
    fake2: FakeInflux2, journal: Journal, deliver: Callable[..., Delivery]
) -> None:
    commit(journal, [reading(1, t=None, tq="none"), reading(2), reading(3, t=None, tq="none")])
    delivery = deliver(InfluxV2Sink(settings(fake2)))
    delivered(delivery, 1)
    assert seqs_in(fake2) == {2}
    assert (delivery.counters.no_time, delivery.counters.lag, delivery.counters.failures) == (2, 0, 0)


def test_a_name_that_no_line_can_carry_is_quarantined(
    fake2: FakeInflux2, journal: Journal, deliver: Callable[..., Delivery]
) -> None:
    commit(journal, [reading(1), reading(2, slot="a\\"), reading(3)])
    delivery = deliver(InfluxV2Sink(settings(fake2)))
    delivered(delivery, 2)
    assert delivery.counters.refused == 1
    with JournalReader(journal.path) as reader:
        assert "backslash" in reader.quarantined()[0].detail


TROUBLE = [
    (401, {}, b'{"code":"unauthorized","message":"unauthorized access"}', "influx.token"),
    (404, {}, b'{"code":"not found","message":"bucket \\"warsaw\\" not found"}', "influx.bucket"),
    (429, {}, b'{"code":"too many requests","message":"slow"}', "slow down"),
    (500, {}, b'{"code":"internal error","message":"oops"}', "server's log"),
    (503, {}, b"<html>\xe9", "influx.url"),
    (302, {"Location": "http://127.0.0.1:1/"}, b"", "redirects"),
    (200, {}, b"<html>please log in", "influx.url"),
    (400, {}, b"<html>from a proxy", "influx.url"),
]


@pytest.mark.parametrize(("status", "headers", "body", "says"), TROUBLE)
def test_trouble_is_waited_out_and_told_once(
    fake2: FakeInflux2,
    journal: Journal,
    deliver: Callable[..., Delivery],
    status: int,
    headers: dict[str, str],
    body: bytes,
    says: str,
) -> None:
    fake2.scripted = [(status, headers, body)] * 4
    commit(journal, a_mixed_lot(5))
    with capture_logs() as logs:
        delivery = deliver(InfluxV2Sink(settings(fake2)))
        delivered(delivery, 5)
        wait_for(lambda: [each for each in logs if each["event"] == "delivery goes on"], what="the good news")
    assert delivery.counters.failures == 4
    assert says in (delivery.counters.last_error or "")
    assert fake2.token not in str(logs) + str(delivery.counters)
    assert [each["log_level"] for each in logs] == ["warning", "info"]
    assert len(seqs_in(fake2)) == 5


def test_each_new_kind_of_trouble_is_told(
    fake2: FakeInflux2, journal: Journal, deliver: Callable[..., Delivery]
) -> None:
    fake2.scripted = [(500, {}, b""), (500, {}, b""), (401, {}, b""), (500, {}, b"")]
    commit(journal, a_mixed_lot(5))
    with capture_logs() as logs:
        delivered(deliver(InfluxV2Sink(settings(fake2))), 5)
    problems = [each["problem"] for each in logs if each["log_level"] == "warning"]
    assert ["500" in problem for problem in problems] == [True, False, True]


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(
    fake2: FakeInflux2, journal: Journal, deliver: Callable[..., Delivery], status: int
) -> None:
    fake2.scripted = [(status, {"Retry-After": "1"}, b"")]
    commit(journal, a_mixed_lot(5))
    delivered(deliver(InfluxV2Sink(settings(fake2))), 5)
    assert 1.0 <= fake2.times[1] - fake2.times[0] < 3.0


def test_a_server_s_limit_of_size_is_found_and_remembered(
    fake2: FakeInflux2, journal: Journal, deliver: Callable[..., Delivery]
) -> None:
    fake2.max_body = 2000
    commit(journal, a_mixed_lot(100))
    delivery = deliver(InfluxV2Sink(settings(fake2, gzip=False)), batch=64)
    delivered(delivery, 100)
    assert fake2.sizes[0] == 64
    assert max(fake2.sizes[1:]) <= 32
    assert (delivery.counters.refused, delivery.counters.failures) == (0, 0)
    assert len(seqs_in(fake2)) == 100


def test_a_server_that_never_answers_is_given_up_on_and_tried_again(
    journal: Journal, deliver: Callable[..., Delivery], fake2: FakeInflux2
) -> None:
    commit(journal, a_mixed_lot(5))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        delivery = deliver(InfluxV2Sink(settings(fake2, url=url, timeout_s=0.2)))
        wait_for(lambda: delivery.counters.failures >= 2, what="failures")
    assert "cannot be reached" in (delivery.counters.last_error or "")
    assert delivery.counters.delivered == 0
    assert delivery.counters.lag == 5


def test_check_tells_what_is_wrong(fake2: FakeInflux2) -> None:
    def check(**more: Any) -> list[Finding]:
        sink = InfluxV2Sink(settings(fake2, **more))
        found = sink.check()
        sink.close()
        return found

    assert [each.ok for each in check()] == [True, True]
    for more, says in [
        ({"token": "wrong"}, "set influx.token"),
        ({"token": fake2.read_only_token}, "write access"),
        ({"org": "nope"}, 'organization name "nope"'),
        ({"bucket": "nope"}, "create or set influx.bucket"),
    ]:
        found = check(**more)
        assert [each.ok for each in found] == [True, False]
        assert says in found[1].text
    (unreachable,) = check(url=f"http://127.0.0.1:{choose_port()}")
    assert "cannot be reached" in unreachable.text
    assert fake2.points == {}


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Self-signed, for 127.0.0.1; certificate and key in one file."""
    path = tmp_path / "server.pem"
    subprocess.run(
        [
            *(require("openssl"), "req", "-x509", "-nodes", "-days", "2"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-subj", "/CN=dustline test", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(tmp_path / "key.pem"), "-out", str(path)),
        ],
        check=True,
        capture_output=True,
    )
    path.write_text(path.read_text() + (tmp_path / "key.pem").read_text())
    return path


@pytest.fixture
def tls_fake2(certificate: Path) -> Iterator[FakeInflux2]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    fake = FakeInflux2(context)
    fake.start()
    yield fake
    fake.stop()


def test_a_certificate_is_always_verified(tls_fake2: FakeInflux2, certificate: Path) -> None:
    trusting = InfluxV2Sink(settings(tls_fake2, ca_file=certificate))
    assert [each.ok for each in trusting.check()] == [True, True]
    for sink in (
        InfluxV2Sink(settings(tls_fake2)),
        InfluxV1Sink(settings(tls_fake2, api="v1", database="d")),
    ):
        (finding,) = sink.check()
        assert not finding.ok
        assert "certificate verify failed" in finding.text
        sink.close()
    elsewhere = settings(tls_fake2, url=tls_fake2.url.replace("127.0.0.1", "localhost"), ca_file=certificate)
    (finding,) = InfluxV2Sink(elsewhere).check()
    assert not finding.ok
    assert len(tls_fake2.sizes) == 1
    trusting.close()


@pytest.mark.parametrize(("status", "headers", "body", "says"), TROUBLE)
def test_the_v1_sink_takes_trouble_for_trouble(
    fake2: FakeInflux2, status: int, headers: dict[str, str], body: bytes, says: str
) -> None:
    fake2.scripted = [(status, headers, body)]
    sink = InfluxV1Sink(settings(fake2, api="v1", database="smog", username="u", password="s3cret"))
    with pytest.raises(RetryLaterError) as caught:
        sink.write(["reading x=1 1"])
    sink.close()
    assert "s3cret" not in str(caught.value)
    assert f"HTTP {status}" in str(caught.value)
    assert len(fake2.sizes) == 1  # neither repeated nor sent elsewhere
