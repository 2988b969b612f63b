"""What an answer that is not "204 No Content" means: the same few cases for both of InfluxDB's APIs.

Sources: InfluxDB 2 documentation, "Troubleshoot issues writing data" and "Response codes"; InfluxDB 1
documentation, "InfluxDB API reference, /write"; tried against InfluxDB 1.6.7. InfluxDB 3 documentation, "Use
the v3 write_lp API to write data", "Partial writes".
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, cast

from gateway.destinations.sink import LinesRefusedError, RetryLaterError, SinkError, TooLargeError

# A server's own limit, not the line's fault: raising the limit helps, quarantining a reading does not.
_SERVER_LIMIT = re.compile(r"max-(?:series-per-database|values-per-tag) limit exceeded")
_PARTIAL = "partial write of line protocol occurred"
_DROPPED = re.compile(r"\bdropped=(\d+)")
_SHOWN = 300  # characters of a server's message


@dataclass(frozen=True, slots=True)
class Advice:
    """How this destination is called in messages and which settings matter."""

    where: str
    credentials: str
    target: str


def error_for(status: int, headers: Mapping[str, str], body: bytes, advice: Advice) -> SinkError:
    """The error that an answer stands for."""
    message = message_in(body)
    said = f"HTTP {status}: {message or excerpt(body) or 'no text'}"
    state = f"http {status}"
    dropped = _dropped(message)

    if message is not None and _SERVER_LIMIT.search(message):
        return RetryLaterError(
            state,
            f"{advice.where} has reached a limit of its own: raise it in the server's settings ({said})",
        )
    # Early InfluxDB 2 answers a partial write with 500; later ones with 422, InfluxDB 1 and 3 with 400.
    if message is not None and (status in (400, 422) or (status == 500 and dropped)):
        return LinesRefusedError(message[:_SHOWN], dropped, _named(body))
    if status == 413:
        return TooLargeError(f"{advice.where} takes no body of this size ({said})")
    return RetryLaterError(
        state, f"{advice.where} {_what_to_do(status, headers, advice)} ({said})", _retry_after(headers)
    )


def _what_to_do(status: int, headers: Mapping[str, str], advice: Advice) -> str:
    match status:
        case 401:
            return f"does not accept our credentials: set {advice.credentials}"
        case 403:
            return f"does not let us write: give write access to {advice.target}, or set {advice.credentials}"
        case 404:
            return (
                f"knows no such target: create or set {advice.target}; or influx.api or influx.url is wrong"
            )
        case 429:
            return "asks us to slow down; if this lasts, raise the server's quota or influx.batch"
        case _ if 300 <= status < 400:
            target = headers.get("Location", "elsewhere")
            return f"redirects to {target}: set influx.url to the server's final address"
        case _ if status >= 500:
            return "has trouble of its own: look at the server's log"
        case _:
            return "does not answer as InfluxDB does: check influx.url and influx.api"


def message_in(body: bytes) -> str | None:
    """The text of InfluxDB's JSON error (`message` in v2, `error` in v1 and v3); None for anything else.

    A 400 without it comes from something in between, such as a proxy, and says nothing about our lines.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict):
        return None
    fields = cast("dict[str, Any]", answer)
    for key in ("message", "error"):
        text = fields.get(key)
        if isinstance(text, str) and text:
            # v3 names the refused lines in `data`.
            data = fields.get("data")
            return f"{text}: {json.dumps(data, ensure_ascii=False)}" if data else text
    return None


def _named(body: bytes) -> dict[int, str]:
    """Index -> reason of the lines that InfluxDB 3 names in a partial write; empty when it names none, or in
    any other way than its documentation says."""
    answer = json.loads(body)  # its text is known to be an object
    if not str(answer.get("error")).startswith(_PARTIAL) or not isinstance(answer.get("data"), list):
        return {}
    named: dict[int, str] = {}
    for entry in cast("list[Any]", answer["data"]):
        fields = cast("dict[str, Any]", entry) if isinstance(entry, dict) else {}
        number, reason = fields.get("line_number"), fields.get("error_message")
        if type(number) is not int or number < 1 or number - 1 in named or not isinstance(reason, str):
            return {}
        named[number - 1] = reason[:_SHOWN] or "no reason given"
    return named


def _dropped(message: str | None) -> int | None:
    found = _DROPPED.search(message or "")
    return int(found.group(1)) if found else None


def excerpt(body: bytes) -> str:
    """The beginning of a body that is no JSON error, in one line."""
    return " ".join(body[:_SHOWN].decode("utf-8", "replace").split())


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from a Retry-After header in either of HTTP's forms (RFC 9110, 10.2.3)."""
    text = headers.get("Retry-After")
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None
