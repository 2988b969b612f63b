from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.destinations.settings import InfluxSettings
from gateway.destinations.sink import make_sink

V2 = {"enabled": True, "org": "o", "bucket": "b", "token": "t0ken"}
V1 = {"enabled": True, "api": "v1", "database": "d"}


def test_every_key_is_described() -> None:
    for name, field in InfluxSettings.model_fields.items():
        assert field.description, name


def test_nothing_is_needed_while_switched_off() -> None:
    assert InfluxSettings().enabled is False


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"enabled": True}, "missing: org, bucket, token"),
        ({**V2, "token": ""}, "missing: token"),
        ({**V2, "token": "t0ken\n"}, "copy it again"),
        ({**V1, "database": None}, "needs database"),
        ({**V1, "username": "u"}, "give both or neither"),
        ({**V1, "username": "u:x", "password": "p"}, "colon"),
        ({**V2, "url": "localhost:8086"}, "must look like"),
        ({**V2, "url": "http://u:secret@h:8086"}, "must not carry credentials"),
        ({**V2, "url": "http://h:8086/api/v2/write"}, "must not name the API's path"),
        ({**V2, "url": "http://h:8086?db=x"}, "must not have a part after"),
        ({**V2, "url": "http://h:99999"}, "[Pp]ort"),
        ({**V2, "ca_file": "/nowhere/ca.pem"}, "is not there"),
        ({**V1, "ca_file": "/nowhere/ca.pem"}, "is not there"),
        ({**V2, "verify_tls": False}, "verify_tls"),
    ],
)
def test_a_mistake_is_told_plainly(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says) as caught:
        InfluxSettings(**settings)
    assert "t0ken" not in str(caught.value).replace("copy it again", "")


def test_secrets_do_not_show() -> None:
    settings = InfluxSettings(**V2)
    assert "t0ken" not in repr(settings) + settings.model_dump_json()
    v1 = InfluxSettings(**V1, username="u", password="s3cret")
    assert "s3cret" not in repr(v1) + make_sink(v1).name


def test_the_cursor_s_name_is_the_place_written_to() -> None:
    here = make_sink(InfluxSettings(**V2)).name
    assert here == make_sink(InfluxSettings(**V2, url="http://127.0.0.1:8086/", batch=7)).name
    assert here != make_sink(InfluxSettings(**{**V2, "bucket": "other"})).name
    assert make_sink(InfluxSettings(**V1)).name != make_sink(InfluxSettings(**{**V1, "database": "e"})).name
