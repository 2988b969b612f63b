"""InfluxDB before 1.8: line protocol to /write. Credentials go in a header, never in the address."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import urllib3

from gateway.destinations.http_errors import Advice, error_for
from gateway.destinations.pool import credentials, pool
from gateway.destinations.probe import PROBE, check_by_writing
from gateway.destinations.settings import InfluxSettings
from gateway.destinations.sink import Finding, RetryLaterError, squeeze


class InfluxV1Sink:
    def __init__(self, settings: InfluxSettings) -> None:
        database = settings.database or ""
        self.name = f"influxdb {settings.url} {database}"
        self._advice = Advice(
            f"InfluxDB at {settings.url}",
            "influx.username and influx.password",
            f"influx.database (now {database!r})",
        )
        self._address = f"{settings.url}/write?{urlencode({'db': database, 'precision': 's'})}"
        self._gzip = settings.gzip
        self._headers = {"Content-Type": "text/plain; charset=utf-8"}
        if settings.gzip:
            self._headers["Content-Encoding"] = "gzip"
        self._headers |= credentials(settings)
        self._http = pool(settings)

    def write(self, lines: Sequence[str]) -> None:
        body = "\n".join(lines).encode()
        if self._gzip:
            body = squeeze(body)
        try:
            answer = self._http.request("POST", self._address, body=body, headers=self._headers)
        except urllib3.exceptions.HTTPError as error:
            raise RetryLaterError(
                "connection", f"{self._advice.where} cannot be reached, check influx.url ({error})"
            ) from error
        # 200 is not success here: InfluxDB 1 uses it for "understood but not done".
        if answer.status != 204:
            raise error_for(answer.status, answer.headers, answer.data, self._advice)

    def check(self) -> list[Finding]:
        return check_by_writing(lambda: self.write([PROBE]), self._advice)

    def close(self) -> None:
        self._http.clear()
