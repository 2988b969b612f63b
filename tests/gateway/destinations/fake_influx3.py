"""A small strict stand-in for the write API of InfluxDB 3 Core, since no registry carries the server itself.

Rules and where each is from (docs.influxdata.com):
- /influxdb3/core/write-data/http-api/compatibility-apis/: `POST /api/v2/write` takes bucket (the database)
  and precision; the organization is ignored; `Authorization: Token` or `Bearer`; gzip by Content-Encoding.
- /influxdb3/core/write-data/http-api/v3-write-lp/, "Accept partial writes" (the default): good lines are
  written, bad ones are not; 400 with {"error": "partial write of line protocol occurred", "data": [...]}, for
  each bad line an entry with original_line, line_number (from 1) and error_message. The line is shown without
  a string's quotes. "Do not accept partial writes": nothing is written, `data` is one such object, the
  error is "parsing failed for write_lp endpoint".
- /influxdb3/core/write-data/troubleshoot/: "error details about rejected points, up to 100 points".
Whether /api/v2/write tells a partial write in the same form is not said; the documentation has one form.
"""

from __future__ import annotations

import gzip
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.gateway.destinations.fake_influx2 import FakeInflux2
from tests.gateway.destinations.line_parser import BadLine, parse_line

Answer = tuple[int, dict[str, str], bytes]


class FakeInflux3(FakeInflux2):
    most_named = 100
    accept_partial = True
    names = True  # False: a partial write without `data`
    shift = 0  # a wrong count of lines
    twice = False  # each entry two times

    def respond(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if method != "POST" or parts.path != "/api/v2/write":
            return 404, {}, b"not found"
        if headers.get("Authorization") not in (f"Token {self.token}", f"Bearer {self.token}"):
            return 401, {}, b'{"error": "the request was not authenticated"}'
        if query.get("bucket") != self.bucket or query.get("precision") != "s":
            return 400, {}, b'{"error": "this stand-in knows one database, and seconds only"}'
        if headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        lines = body.decode().split("\n")
        self.sizes.append(len(lines))
        return self._take(lines)

    def _take(self, lines: list[str]) -> Answer:
        refused: list[dict[str, Any]] = []
        good: list[tuple[str, dict[str, str], dict[str, float | int | str], int]] = []
        for number, line in enumerate(lines, 1):
            try:
                point = parse_line(line)
            except BadLine:
                why = "Could not parse entire line"
            else:
                clash = [
                    name
                    for name, value in point[2].items()
                    if self.types.get(name, type(value)) is not type(value)
                ]
                if not clash:
                    good.append(point)
                    continue
                why = f"invalid column type for column '{clash[0]}'"
            shown = line.replace('"', "")
            refused.append({"original_line": shown, "line_number": number + self.shift, "error_message": why})
        if refused and not self.accept_partial:
            return _json({"error": "parsing failed for write_lp endpoint", "data": refused[0]})
        assert self._store(good)[0] == 204
        if not refused:
            return 204, {}, b""
        data = refused[: self.most_named] * (2 if self.twice else 1)
        told: dict[str, Any] = {"error": "partial write of line protocol occurred"}
        return _json({**told, "data": data} if self.names else told)


def _json(document: dict[str, Any]) -> Answer:
    return 400, {"Content-Type": "application/json"}, json.dumps(document).encode()
