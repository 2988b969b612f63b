"""A small strict stand-in for InfluxDB 2's write API, since no registry carries the server itself.

Rules and where each is from (docs.influxdata.com):
- /influxdb/v2/api/v2/ "POST /api/v2/write": query parameters org, bucket and precision (ns when absent);
  header `Authorization: Token ...`; body text/plain in line protocol, gzip with `Content-Encoding: gzip`;
  204 without a body when all is written; errors are JSON with `code` and `message`.
- /influxdb/v2/write-data/troubleshoot/ "Review HTTP status codes": 400 malformed: the first malformed line is
  named and nothing of the request is written; 401 token missing, malformed or without rights; 404 org or
  bucket not found, named; 413 too large, nothing written; 422 some points rejected, all others written;
  429 and 503 may carry Retry-After in seconds.
- /influxdb/v2/api/buckets/ "GET /api/v2/buckets": query org and name; `buckets` with name and
  `retentionRules`, whose `everySeconds` 0 is for ever. It needs the right to read buckets: a token that may
  only write sees none here.
- /influxdb/v2/api/response-codes/: 403 credentials lack permission.
- /influxdb/v2/reference/syntax/line-protocol/: escapes; floats, integers with `i`, strings; a field's type is
  fixed by its first write; the same measurement, tag set and time overwrite field by field.
- Text of a 422 as InfluxDB 2.7 sends it (influxdata/docs-v2 issue 6071): "failure writing points to database:
  partial write: field type conflict: ... dropped=N": a count and the first reason, not which points.
- An empty write is refused with 400 "writing requires points", after rights were checked
  (influxdata/influxdb, http/points/points_parser.go).
"""

from __future__ import annotations

import gzip
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.gateway.destinations.line_parser import BadLine, Value, parse_line

Key = tuple[str, tuple[tuple[str, str], ...], int]


class FakeInflux2:
    org, bucket, token = "smog", "warsaw", "write-token"
    read_only_token, all_token = "read-token", "all-access-token"
    keeps_s = 0  # the bucket's retention

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.points: dict[Key, dict[str, Value]] = {}
        self.types: dict[str, type] = {}
        self.max_body: int | None = None
        self.sizes: list[int] = []  # lines per request, whatever its fate
        self.times: list[float] = []  # of each request, monotonic seconds
        self.scripted: list[tuple[int, dict[str, str], bytes]] = []  # answers given before any other rule
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                status, headers, answer = fake.respond(
                    self.command, self.path, dict(self.headers.items()), body
                )
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                if status != 204:
                    self.wfile.write(answer)

            do_GET = do_PATCH = do_POST

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def respond(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """A stand-in with more of the server's API overrides this."""
        if method == "GET":
            return self.look(path, headers)
        return self.answer(path, headers, body) if method == "POST" else (405, {}, b"")

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        if headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        lines = [line for line in body.decode().split("\n") if line and not line.startswith("#")]
        self.sizes.append(len(lines))
        self.times.append(time.monotonic())
        if self.scripted:
            return self.scripted.pop(0)
        status, code, message = self._write(path, headers, body, lines)
        if status == 204:
            return 204, {}, b""
        return (
            status,
            {"Content-Type": "application/json; charset=utf-8"},
            json.dumps({"code": code, "message": message}).encode(),
        )

    def look(self, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        """/ping, and the bucket for a token that may see it."""
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/ping":
            return 204, {}, b""
        if parts.path != "/api/v2/buckets":
            return 404, {}, b"{}"
        seen = headers.get("Authorization") in (f"Token {self.read_only_token}", f"Token {self.all_token}")
        rules = [{"type": "expire", "everySeconds": self.keeps_s}]
        bucket = {"name": self.bucket, "type": "user", "retentionRules": rules}
        right = (query.get("org"), query.get("name")) == (self.org, self.bucket)
        buckets = [bucket] if seen and right else []
        return 200, {"Content-Type": "application/json"}, json.dumps({"buckets": buckets}).encode()

    def _write(
        self, path: str, headers: dict[str, str], body: bytes, lines: list[str]
    ) -> tuple[int, str, str]:
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path != "/api/v2/write":
            return 404, "not found", "path not found"
        if not headers.get("Content-Type", "").startswith("text/plain"):
            return 415, "invalid", "unsupported media type"
        token = headers.get("Authorization", "")
        if token not in [f"Token {each}" for each in (self.token, self.read_only_token, self.all_token)]:
            return 401, "unauthorized", "unauthorized access"
        if query.get("org") != self.org:
            return 404, "not found", f'organization name "{query.get("org")}" not found'
        if query.get("bucket") != self.bucket:
            return 404, "not found", f'bucket "{query.get("bucket")}" not found'
        if token == f"Token {self.read_only_token}":
            return 403, "forbidden", "insufficient permissions for write"
        if self.max_body is not None and len(body) > self.max_body:
            return 413, "request too large", "unable to read data: points batch is too large"
        if not lines:
            return 400, "invalid", "writing requires points"
        if query.get("precision") != "s":
            return 400, "invalid", "this stand-in knows seconds only"
        try:
            points = [parse_line(line) for line in lines]
        except BadLine as error:
            return 400, "invalid", f"unable to parse {str(error)!r}"
        return self._store(points)

    def _store(self, points: list[tuple[str, dict[str, str], dict[str, Value], int]]) -> tuple[int, str, str]:
        dropped, reason = 0, ""
        for measurement, tags, fields, at in points:
            clash = [
                name for name, value in fields.items() if self.types.get(name, type(value)) is not type(value)
            ]
            if clash:
                dropped += 1
                new, old = type(fields[clash[0]]).__name__, self.types[clash[0]].__name__
                reason = reason or (
                    f'input field "{clash[0]}" on measurement "{measurement}" is type {new}, '
                    f"already exists as type {old}"
                )
                continue
            self.types.update({name: type(value) for name, value in fields.items()})
            key = (measurement, tuple(sorted(tags.items())), at)
            self.points.setdefault(key, {}).update(fields)
        if dropped:
            text = f"partial write: field type conflict: {reason} dropped={dropped}"
            return 422, "unprocessable entity", f"failure writing points to database: {text}"
        return 204, "", ""
