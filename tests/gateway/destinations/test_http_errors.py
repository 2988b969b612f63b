from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from gateway.destinations.http_errors import Advice, error_for
from gateway.destinations.sink import LinesRefusedError, RetryLaterError, SinkError, TooLargeError

ADVICE = Advice("InfluxDB at http://h", "influx.token", "influx.bucket")


def judge(
    status: int, body: bytes | dict[str, object] = b"", headers: dict[str, str] | None = None
) -> SinkError:
    return error_for(
        status, headers or {}, json.dumps(body).encode() if isinstance(body, dict) else body, ADVICE
    )


@pytest.mark.parametrize(
    ("status", "body", "dropped"),
    [
        (400, {"code": "invalid", "message": "unable to parse 'x'"}, None),
        (400, {"error": "partial write: field type conflict: ... dropped=3"}, 3),
        (422, {"code": "unprocessable entity", "message": "partial write: ... dropped=11"}, 11),
        (500, {"code": "internal error", "message": "partial write: field type conflict dropped=1"}, 1),
    ],
)
def test_the_lines_are_at_fault(status: int, body: dict[str, object], dropped: int | None) -> None:
    error = judge(status, body)
    assert isinstance(error, LinesRefusedError)
    assert error.dropped == dropped
    assert error.reason == body.get("message", body.get("error"))


def test_a_v3_answer_s_reason_names_the_line() -> None:
    detail = [{"original_line": "x", "error_message": "no fields"}]
    error = judge(400, {"error": "partial write of line protocol occurred", "data": detail})
    assert isinstance(error, LinesRefusedError)
    assert "no fields" in error.reason


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (401, {"code": "unauthorized", "message": "unauthorized access"}, "set influx.token"),
        (403, {"code": "forbidden", "message": "no"}, "write access to influx.bucket"),
        (404, {"error": 'database not found: "d"'}, 'create or set influx.bucket.*database not found: "d"'),
        (404, b"404 page not found\n", "influx.api"),
        (302, b"", "redirects to http://final: set influx.url"),
        (429, b"", "slow down"),
        (500, {"error": "timeout"}, "the server's log.*timeout"),
        (503, b"<html>\xff</html>", "the server's log"),
        (400, b"<html>plain HTTP request was sent to HTTPS port", "check influx.url"),
        (422, b"", "check influx.url"),
        (400, b"[1]", "check influx.url"),
        (200, b"<html>please log in", "check influx.url"),
        (400, {"error": "partial write: max-series-per-database limit exceeded: (1) dropped=1"}, "raise it"),
        (
            400,
            {"error": "partial write: max-values-per-tag limit exceeded (100000/100000): dropped=5"},
            "raise it",
        ),
    ],
)
def test_the_lines_are_kept_and_the_message_says_what_to_change(
    status: int, body: bytes | dict[str, object], says: str
) -> None:
    error = judge(status, body, {"Location": "http://final"})
    assert isinstance(error, RetryLaterError)
    with pytest.raises(RetryLaterError, match=f"(?s){says}"):
        raise error


def test_too_large() -> None:
    assert isinstance(judge(413, {"error": "Request Entity Too Large"}), TooLargeError)
    assert isinstance(judge(413, b"<html>nginx"), TooLargeError)


@pytest.mark.parametrize("text", ["17", " 17 "])
def test_retry_after_in_seconds(text: str) -> None:
    error = judge(429, b"", {"Retry-After": text})
    assert isinstance(error, RetryLaterError)
    assert error.retry_after == 17


def test_retry_after_as_a_date() -> None:
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    error = judge(503, b"", {"Retry-After": in_a_minute})
    assert isinstance(error, RetryLaterError)
    assert error.retry_after is not None
    assert 50 < error.retry_after <= 60


@pytest.mark.parametrize("text", ["soon", "-5", "", "1e9"])
def test_a_retry_after_that_means_nothing_is_left_out(text: str) -> None:
    error = judge(429, b"", {"Retry-After": text})
    assert isinstance(error, RetryLaterError)
    assert error.retry_after is None
