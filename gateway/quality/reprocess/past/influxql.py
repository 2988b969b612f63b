"""Ask an InfluxDB for readings: InfluxQL at /query, the one dialect that 1.x, 2.x and 3.x share.

Sources: InfluxDB 1 documentation, "InfluxDB API reference, /query" (chunked answers are one JSON object a
line); InfluxDB 2 documentation, "/query 1.x compatibility API" and "Manage DBRP mappings" (a bucket without
a mapping is a database of its own name); InfluxDB 3 Core documentation, "Use the InfluxDB v1 HTTP query API".
Credentials go in a header, never in the address.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlencode

import jiter
import urllib3

from gateway.destinations.http_errors import excerpt, message_in
from gateway.destinations.pool import credentials, pool
from gateway.destinations.settings import InfluxSettings

# An answer may begin late: the server reads all of a piece first.
_LEAST_TIMEOUT_S = 120.0
_READ_BYTES = 1 << 18
_CHUNK_ROWS = 10_000
_SHOWN = 300
# So often it is asked when it is away or in trouble; then the command ends, and the same one goes on.
TRIES = 5
PAUSE_S = 1.0
_BY_ENVIRONMENT = "the right to write alone is not enough; for this once, give it by the environment"
Got = TypeVar("Got")


class PastError(Exception):
    """InfluxDB cannot be read; the message says what, where and which setting."""


class AwayError(PastError):
    """It may be there again in a moment."""


class Series(NamedTuple):
    """Points of one series, or some of them: `values` in the order of `columns`, first the time in ns."""

    tags: dict[str, str]
    columns: list[str]
    values: list[list[Any]]


class Influx:
    """One thread uses it. Raises PastError."""

    def __init__(self, settings: InfluxSettings) -> None:
        self.where = f"InfluxDB at {settings.url}"
        self._url = settings.url
        self._headers = {"Accept": "application/json", **credentials(settings)}
        self._v1 = settings.api == "v1"
        if self._v1:
            self.target = settings.database or ""
            self._setting = f"influx.database (now {self.target!r})"
            self._credentials = "influx.username and influx.password"
        else:
            self.target = settings.bucket or ""
            self._setting = f"influx.bucket (now {self.target!r})"
            self._credentials = "influx.token"
        # A bucket a/b is the database a with the retention policy b.
        database, _, policy = (self.target, "", "") if self._v1 else self.target.partition("/")
        self._at = {"db": database, "rp": policy} if policy else {"db": self.target}
        self._user = settings.username or "USER"
        self._http = pool(settings, _LEAST_TIMEOUT_S)

    def close(self) -> None:
        self._http.clear()

    def series(self, statement: str) -> Generator[Series]:
        """What a SELECT finds, as it comes in. Times are in ns."""
        for document in self._documents(statement):
            try:
                found = self._series_of(document)
            except (KeyError, TypeError, AttributeError) as error:
                raise self._strange() from error
            yield from found

    def _series_of(self, document: Any) -> list[Series]:
        """Of one object of an answer. Raises KeyError and the like when it is none of InfluxDB's."""
        found: list[Series] = []
        if "error" in document:
            raise self._refused(str(document["error"]))
        for result in document["results"]:
            if "error" in result:
                raise self._refused(str(result["error"]))
            for one in result.get("series", ()):
                found.append(Series(dict(one.get("tags") or {}), list(one["columns"]), list(one["values"])))
        return found

    def _documents(self, statement: str) -> Iterator[Any]:
        query = {
            **self._at,
            "q": statement,
            "epoch": "ns",
            "chunked": "true",
            "chunk_size": str(_CHUNK_ROWS),
        }
        try:
            answer = self._http.request(
                "GET",
                f"{self._url}/query?{urlencode(query)}",
                headers=self._headers,
                preload_content=False,
            )
            try:
                if answer.status != 200:
                    raise self._error(answer.status, answer.read(1 << 16, decode_content=True))
                for line in _lines(answer):
                    yield jiter.from_json(line)
            except ValueError as error:
                raise self._strange() from error
            finally:
                # What is left unread must not be taken for the next answer.
                answer.close()
        except urllib3.exceptions.HTTPError as error:
            raise AwayError(
                f"{self.where} cannot be reached or broke off, check influx.url ({error})"
            ) from error

    def _error(self, status: int, body: bytes) -> PastError:
        said = f"HTTP {status}: {_message(body)}"
        if status == 401:
            return PastError(
                f"{self.where} does not accept our credentials to read: set {self._credentials}; "
                f"{_BY_ENVIRONMENT} ({said})"
            )
        if status == 403:
            return PastError(self._no_right(said))
        if status == 404:
            return PastError(
                f"{self.where} knows no such target or no such address: set {self._setting}, influx.api or "
                f"influx.url ({said})"
            )
        if status == 429 or status >= 500:
            return AwayError(f"{self.where} has trouble of its own: look at its log ({said})")
        if 300 <= status < 400:
            return PastError(f"{self.where} redirects: set influx.url to its final address ({said})")
        if status == 400 and body.lstrip().startswith(b"{"):
            return self._refused(_message(body))
        return PastError(f"{self.where} does not answer as InfluxDB does: check influx.url ({said})")

    def _refused(self, said: str) -> PastError:
        """An error within an answer that is otherwise good."""
        if "database not found" in said or "retention policy not found" in said:
            # InfluxDB 2 says the same of a bucket that the token may not read.
            if not self._v1:
                return PastError(
                    f"{self.where} has no such bucket, or the token may not read it: set {self._setting}, or "
                    f"influx.token to one that may read and write it; {_BY_ENVIRONMENT} ({said[:_SHOWN]})"
                )
            return PastError(f"{self.where} knows no such target: set {self._setting} ({said[:_SHOWN]})")
        if "not authorized" in said or "unauthorized" in said:
            return PastError(self._no_right(said[:_SHOWN]))
        if "timeout" in said or "closed" in said:
            return AwayError(f"{self.where} gave up: {said[:_SHOWN]}")
        return PastError(f"{self.where} refuses the query: {said[:_SHOWN]}")

    def _no_right(self, said: str) -> str:
        if self._v1:
            how = f'GRANT ALL ON "{self.target}" TO "{self._user}", or set {self._credentials}'
        else:
            how = f"set {self._credentials} to one that may read and write {self._setting}"
        return f"{self.where} does not let us read: {how}; {_BY_ENVIRONMENT} ({said})"

    def _strange(self) -> PastError:
        return PastError(f"{self.where} does not answer as InfluxDB does: check influx.url and influx.api")


def with_patience(what: Callable[[], Got]) -> Got:
    """Do it; when the server is away, once more after a pause, some times."""
    for turn in range(TRIES):
        try:
            return what()
        except AwayError:
            if turn == TRIES - 1:
                raise
        time.sleep(PAUSE_S * 2**turn)
    raise AssertionError("there is at least one try")


def quoted(text: str) -> str:
    """A string of InfluxQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _lines(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """JSON has no line's end within: each line is a whole."""
    rest = b""
    for data in answer.stream(_READ_BYTES, decode_content=True):
        *whole, rest = (rest + data).split(b"\n")
        yield from (line for line in whole if line.strip())
    if rest.strip():
        yield rest


def _message(body: bytes) -> str:
    """What the server's error says."""
    return (message_in(body) or excerpt(body) or "no text")[:_SHOWN]
