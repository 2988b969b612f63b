"""What would send a secret over a network without TLS is told with the line to change, and shows none."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.broker_settings import BrokerSettings
from gateway.destinations.settings import InfluxSettings
from gateway.preflight.database import check_database
from gateway.preflight.in_clear import broker_in_clear, database_in_clear

LOGIN = {"username": "gateway", "password": "canary-1"}
V2 = {"enabled": True, "api": "v2", "org": "city", "bucket": "air", "token": "canary-2"}
V1 = {"enabled": True, "api": "v1", "database": "air"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"host": "10.0.0.5", **LOGIN}, True),
        ({"host": "broker.example", **LOGIN}, True),
        ({"host": "10.0.0.5"}, False),
        ({"host": "10.0.0.5", "tls": True, **LOGIN}, False),
        ({"host": "127.0.0.1", **LOGIN}, False),
        ({"host": "localhost", **LOGIN}, False),
    ],
)
def test_brokers_password(changes: dict[str, Any], told: bool) -> None:
    found = list(broker_in_clear(BrokerSettings.model_validate(changes)))
    assert [(each.name, each.level) for each in found] == [("broker.tls", "warn")] * told
    assert "canary" not in str(found)


@pytest.mark.parametrize(
    ("changes", "secret"),
    [
        ({**V2, "url": "http://influx.example:8086"}, "token"),
        ({**V2, "url": "https://influx.example:8086"}, None),
        ({**V2, "url": "http://[::1]:8086"}, None),
        ({**V2, "url": "http://127.0.0.1:8086"}, None),
        ({**V1, "url": "http://10.0.0.6:8086", **LOGIN}, "password"),
        ({**V1, "url": "http://10.0.0.6:8086"}, None),
    ],
)
def test_databases_token_or_password(changes: dict[str, Any], secret: str | None) -> None:
    found = list(database_in_clear(InfluxSettings.model_validate(changes)))
    assert "canary" not in str(found)
    if secret is None:
        assert found == []
        return
    (one,) = found
    assert (one.name, one.level) == ("influx.tls", "warn")
    assert one.text == f"the {secret} goes over the network in clear"
    https = changes["url"].replace("http://", "https://")
    assert one.change[0].startswith(f'gateway.toml, [influx]: url = "{https}"')


def test_it_is_told_also_of_a_database_that_does_not_answer() -> None:
    nobody = InfluxSettings.model_validate({**V2, "url": "http://influx.invalid:8086", "timeout_s": 1})
    assert {"influx.connect", "influx.tls"} == {each.name for each in check_database(nobody)}
