"""Helpers of the web page's tests: readings for a real journal, HTTP without a library in between."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gateway.journal import Batch, Journal, NewReading

NETWORK = "warsaw"
HOUR = 3600


@dataclass(frozen=True)
class Spot:
    label: str
    lat: float
    lon: float
    precision: str = "exact"


PLACES = {
    "wola": Spot("Wola, rondo Daszyńskiego", 52.2300, 20.9828),
    "kabaty": Spot("Ursynów, metro Kabaty", 52.1314, 21.0658),
    "mlociny": Spot("Bielany, metro Młociny", 52.2908, 20.9294),
}


def reading(
    node: str,
    seq: int,
    t: int | None,
    pm25: float | None,
    *,
    pm10: float | None = None,
    slot: str = "a",
    model: str = "sds011",
    flags: tuple[str, ...] = (),
    tq: str = "ntp",
    boot: int = 1,
) -> NewReading:
    values = {name: value for name, value in (("pm25", pm25), ("pm10", pm10)) if value is not None}
    received_ms = int(time.time() * 1000)
    return NewReading(received_ms, node, boot, seq, t, tq, seq * 60, 60, 60, slot, model, flags, values)


def commit(journal: Journal, *readings: NewReading) -> None:
    done = journal.commit(Batch(NETWORK, readings=list(readings)))
    assert done.stored == len(readings)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def ask(url: str, path: str, method: str = "GET") -> Answer:
    """One request; the path goes out exactly as given."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read().decode())
    finally:
        connection.close()


@contextmanager
def event_stream(url: str) -> Iterator[Iterator[tuple[str, Any]]]:
    """Events as (kind, data) while they come; a comment is ("comment", text)."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    connection.request("GET", "/api/events")
    response = connection.getresponse()
    assert response.status == 200
    assert response.headers["content-type"].startswith("text/event-stream")

    def events() -> Iterator[tuple[str, Any]]:
        kind = ""
        while line := response.readline().decode():
            line = line.rstrip("\n")
            if line.startswith(":"):
                yield "comment", line[1:].strip()
            elif line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield kind, json.loads(line.removeprefix("data: "))

    try:
        yield events()
    finally:
        response.close()
        connection.close()
