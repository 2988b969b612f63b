"""A small stand-in for the query API of InfluxDB 3 Core, since the server itself cannot be run here: it knows
the two statements that are asked, and no more. It shows that an answer in one piece and other errors are
dealt with; not that InfluxDB 3 understands these statements.

Rules and where each is from (docs.influxdata.com):
- /influxdb3/core/query-data/execute-queries/influxdb-v1-api/: `GET /query` with db, q, epoch; Authorization
  with the scheme Token or Bearer; the answer is that of InfluxDB 1 in JSON; not all of InfluxQL is there.
- /influxdb3/core/api/ "v1 /query": 401 for a token that is none, 404 for a database that is not there.
- /influxdb3/core/reference/influxql/group-by/: GROUP BY tags, and time(interval, offset).
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.gateway.destinations.fake_influx3 import Answer, FakeInflux3

_RAW = re.compile(r'SELECT (".*") FROM "reading" WHERE (.*) GROUP BY \*')
_COUNT = re.compile(r'SELECT count\("seq"\) FROM "reading" WHERE (.*) GROUP BY time\(1h, 1s\) fill\(none\)')
_WHERE = re.compile(r"\"network\" = '([a-z]+)' AND time > (\d+)s AND time <= (\d+)s")
_NS = 1_000_000_000


class FakeQuery3(FakeInflux3):
    bucket = "past"

    def look(self, path: str, headers: dict[str, str]) -> Answer:
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path != "/query":
            return 404, {}, b"not found"
        if headers.get("Authorization") not in (f"Token {self.token}", f"Bearer {self.token}"):
            return 401, {}, b'{"error": "the request was not authenticated"}'
        if query["db"] != self.bucket:
            return 404, {}, json.dumps({"error": f"database not found: {query['db']}"}).encode()
        assert query["epoch"] == "ns"
        series = self._raw(query["q"]) or self._count(query["q"])
        return 200, {}, json.dumps({"results": [{"statement_id": 0, "series": series}]}).encode()

    def respond(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        return self.look(path, headers) if method == "GET" else super().respond(method, path, headers, body)

    def _raw(self, statement: str) -> list[dict[str, Any]]:
        found = _RAW.fullmatch(statement)
        if found is None:
            return []
        names = re.findall(r'"(\w+)"', found[1])
        series: dict[tuple[tuple[str, str], ...], list[list[Any]]] = {}
        for tags, fields, t in self._where(found[2]):
            values = [t * _NS, *map(fields.get, names)]
            if any(each is not None for each in values[1:]):
                series.setdefault(tuple(tags.items()), []).append(values)
        return [
            {
                "name": "reading",
                "tags": dict(tags),
                "columns": ["time", *names],
                "values": rows,
            }
            for tags, rows in sorted(series.items())
        ]

    def _count(self, statement: str) -> list[dict[str, Any]]:
        found = _COUNT.fullmatch(statement)
        assert found is not None, statement
        counts: dict[int, int] = {}
        for _, fields, t in self._where(found[1]):
            if "seq" in fields:
                begin = (t - 1) // 3600 * 3600 + 1
                counts[begin] = counts.get(begin, 0) + 1
        values = [[begin * _NS, count] for begin, count in sorted(counts.items())]
        return [{"name": "reading", "columns": ["time", "count"], "values": values}] if values else []

    def _where(self, text: str) -> list[tuple[dict[str, str], dict[str, Any], int]]:
        found = _WHERE.fullmatch(text)
        assert found is not None, text
        network, since, until = found[1], int(found[2]), int(found[3])
        return [
            (dict(tags), fields, t)
            for (_, tags, t), fields in sorted(self.points.items(), key=lambda each: each[0][2])
            if dict(tags)["network"] == network and since < t <= until
        ]
