"""JSON requests to InfluxDB's query and management APIs, with the gateway's own address and credentials."""

from __future__ import annotations

import json
from typing import Any, cast
from urllib.parse import urlencode

import urllib3

from gateway.destinations.pool import credentials, pool
from gateway.destinations.settings import InfluxSettings

# A statement over a day of readings may take so long; a write of the gateway may not.
_LEAST_TIMEOUT_S = 300.0
_SHOWN = 300


class DownsampleError(Exception):
    """It could not be done; the message says what, where and what to change."""


class RefusedError(DownsampleError):
    """The server's answer is an error of `status`; `said` is its own text."""

    def __init__(self, message: str, status: int, said: str) -> None:
        super().__init__(message)
        self.status = status
        self.said = said


class Server:
    def __init__(self, settings: InfluxSettings) -> None:
        self.where = f"InfluxDB at {settings.url}"
        self._url = settings.url
        self._headers = {"Accept": "application/json", **credentials(settings)}
        self._http = pool(settings, _LEAST_TIMEOUT_S)

    def form(self, path: str, fields: dict[str, str]) -> Any:
        """POST a form; the answer's JSON."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", path, urlencode(fields).encode(), headers)

    def get(self, path: str, query: dict[str, str]) -> Any:
        return self._ask("GET", f"{path}?{urlencode(query)}", None, {})

    def send(self, method: str, path: str, document: dict[str, Any], plain: bool = False) -> Any:
        """Send JSON; the answer's JSON, or with `plain` its text."""
        headers = {"Content-Type": "application/json"}
        return self._ask(method, path, json.dumps(document).encode(), headers, plain)

    def close(self) -> None:
        self._http.clear()

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str], plain: bool = False
    ) -> Any:
        try:
            answer = self._http.request(
                method, self._url + path, body=body, headers={**self._headers, **headers}
            )
        except urllib3.exceptions.HTTPError as error:
            raise DownsampleError(
                f"{self.where} cannot be reached or does not answer in time, check influx.url ({error})"
            ) from error
        text = answer.data.decode("utf-8", "replace")
        if answer.status >= 300:
            said = _message(text) or " ".join(text[:_SHOWN].split()) or "no text"
            raise RefusedError(f"{self.where} refuses (HTTP {answer.status}: {said})", answer.status, said)
        if plain:
            return text
        try:
            return json.loads(text)
        except ValueError as error:
            raise DownsampleError(
                f"{self.where} does not answer as InfluxDB does: check influx.url"
            ) from error


def _message(text: str) -> str | None:
    """What the server's JSON error says: `message` in 2.x, `error` in 1.x."""
    try:
        answer = json.loads(text)
    except ValueError:
        return None
    if isinstance(answer, dict):
        fields = cast("dict[str, Any]", answer)
        for key in ("message", "error"):
            if isinstance(fields.get(key), str):
                return str(fields[key])[:_SHOWN]
    return None
