"""InfluxDB 2, 3 and 1.8 or newer, and what speaks their write API: /api/v2/write through influxdb-client.

The library's generated service is used synchronously: its batching mode drops data silently after its
retries, and its `write()` does not give the status, of which only 204 means written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.rest import ApiException
from influxdb_client.service.write_service import WriteService

from gateway.destinations.http_errors import Advice, error_for
from gateway.destinations.probe import PROBE, check_by_writing
from gateway.destinations.settings import InfluxSettings
from gateway.destinations.sink import Finding, RetryLaterError, squeeze


class InfluxV2Sink:
    def __init__(self, settings: InfluxSettings) -> None:
        self._org, self._bucket = settings.org or "", settings.bucket or ""
        self.name = f"influxdb {settings.url} {self._org}/{self._bucket}"
        self._advice = Advice(
            f"InfluxDB at {settings.url}",
            "influx.token",
            f"influx.bucket (now {self._bucket!r}) and influx.org (now {self._org!r})",
        )
        milliseconds = int(settings.timeout_s * 1000)
        # The library is untyped; Any stops here and in _post.
        client: Any = InfluxDBClient(
            url=settings.url,
            token=settings.token.get_secret_value() if settings.token else "",
            timeout=cast("Any", (milliseconds, milliseconds)),
            verify_ssl=True,
            ssl_ca_cert=str(settings.ca_file) if settings.ca_file else None,
            connection_pool_maxsize=1,
        )
        self._client = client
        self._gzip = settings.gzip
        self._service: Any = WriteService(client.api_client)

    def write(self, lines: Sequence[str]) -> None:
        status, headers, body = self._post("\n".join(lines).encode())
        if status != 204:
            raise error_for(status, headers, body, self._advice)

    def check(self) -> list[Finding]:
        return check_by_writing(lambda: self.write([PROBE]), self._advice)

    def close(self) -> None:
        self._client.close()

    def _post(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        encoding = {}
        if self._gzip:  # by ourselves: the library would take level 9
            body, encoding = squeeze(body), {"content_encoding": "gzip"}
        try:
            _, status, headers = self._service.post_write_with_http_info(
                self._org, self._bucket, body, precision="s", **encoding
            )
            return status, headers, b""
        except ApiException as error:
            failure: Any = error
            if failure.headers is None:  # no answer at all: TLS failed
                raise self._unreachable(failure.reason) from error
            return failure.status, failure.headers, (failure.body or "").encode()
        except urllib3.exceptions.HTTPError as error:
            raise self._unreachable(error) from error
        except UnicodeDecodeError as error:
            # The library decodes before it looks at the status; some proxy's page is in another encoding.
            raise RetryLaterError(
                "not utf-8", f"{self._advice.where} does not answer as InfluxDB does: check influx.url"
            ) from error

    def _unreachable(self, why: object) -> RetryLaterError:
        hint = "check influx.url (and influx.ca_file for https)"
        return RetryLaterError("connection", f"{self._advice.where} cannot be reached, {hint} ({why})")
