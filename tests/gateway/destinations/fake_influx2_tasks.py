"""A small strict stand-in for InfluxDB 2's API of organizations, buckets, tasks and queries; it runs no Flux.

test_real_influx2.py asks a real one, where there is one.

Rules and where each is from (docs.influxdata.com):
- /influxdb/v2/api/ "GET /api/v2/orgs", "GET /api/v2/buckets", "GET /api/v2/tasks": filters org, or orgID and
  name; answers {"orgs": [...]}, {"buckets": [...]}, {"tasks": [...]}; an unknown organization is 404
  "organization name ... not found".
- "POST /api/v2/buckets": JSON with orgID, name, retentionRules (empty: kept for ever; else type expire and
  everySeconds); 201; 422 when the name is taken.
- "POST /api/v2/tasks" and /influxdb/v2/process-data/manage-tasks/create-task/: JSON with flux (which holds
  `option task` with name and every or cron), orgID, status; 201 with the task, named as the script says. Two
  tasks may have one name. "PATCH /api/v2/tasks/{taskID}": flux, status; 200.
- "POST /api/v2/query": orgID in the query string, JSON with query and type; 200 with annotated CSV; an error
  on the way ends it with a table of error and reference (/influxdb/v2/reference/syntax/annotated-csv/).
- /influxdb/v2/api/response-codes/: 401 without a valid token, 403 without the right.
- /flux/v0/stdlib/universe/yield/: the names of a script's yields are unique.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.gateway.destinations.fake_influx2 import FakeInflux2

Answer = tuple[int, dict[str, str], bytes]


class FakeTasks(FakeInflux2):
    admin_token = "admin-token"
    org_id = "00000000000000aa"

    def __init__(self) -> None:
        super().__init__()
        self.buckets: list[dict[str, Any]] = [{"id": "b1", "name": self.bucket, "retentionRules": []}]
        self.tasks: list[dict[str, Any]] = []
        self.queries: list[str] = []
        self.query_answer = b"\r\n"
        self.changes: list[str] = []  # method and path of each request that changed something

    def respond(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        parts = urlsplit(path)
        if parts.path == "/api/v2/write":
            return super().respond(method, path, headers, body)
        token = headers.get("Authorization", "")
        if token == f"Token {self.token}":  # may write to its bucket, and sees nothing else
            if method == "GET":
                return _json(200, {parts.path.rsplit("/", 1)[1]: []})
            return _error(403, "forbidden", "insufficient permissions")
        if token != f"Token {self.admin_token}":
            return _error(401, "unauthorized", "unauthorized access")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if method == "GET":
            return self._get(parts.path, query)
        if headers.get("Content-Type") != "application/json":
            return _error(400, "invalid", "no JSON")
        document = json.loads(body)
        if parts.path == "/api/v2/query":
            return self._query(query, document)
        answer = self._change(method, parts.path, document)
        if answer[0] < 300:
            self.changes.append(f"{method} {parts.path}")
        return answer

    def _get(self, path: str, query: dict[str, str]) -> Answer:
        if path == "/api/v2/orgs":
            if query["org"] != self.org:
                return _error(404, "not found", f'organization name "{query["org"]}" not found')
            return _json(200, {"orgs": [{"id": self.org_id, "name": self.org}]})
        if query.get("orgID") != self.org_id:
            return _error(404, "not found", "organization not found")
        if path == "/api/v2/buckets":
            return _json(200, {"buckets": [each for each in self.buckets if each["name"] == query["name"]]})
        if path == "/api/v2/tasks":
            return _json(200, {"tasks": [each for each in self.tasks if each["name"] == query["name"]]})
        return _error(404, "not found", "path not found")

    def _change(self, method: str, path: str, document: dict[str, Any]) -> Answer:
        if path.startswith("/api/v2/tasks/") and method == "PATCH":
            (task,) = [each for each in self.tasks if each["id"] == path.rsplit("/", 1)[1]]
            if set(document) - {"flux", "status"}:
                return _error(400, "invalid", "unknown field")
            check_script(document["flux"])
            task.update(document)
            return _json(200, task)
        if method != "POST" or document.get("orgID") != self.org_id:
            return _error(400, "invalid", "orgID is missing")
        if path == "/api/v2/buckets" and set(document) == {"orgID", "name", "retentionRules"}:
            if any(each["name"] == document["name"] for each in self.buckets):
                return _error(422, "conflict", f"bucket with name {document['name']} already exists")
            self.buckets.append({"id": f"b{len(self.buckets) + 1}", **document})
            return _json(201, self.buckets[-1])
        if path == "/api/v2/tasks" and set(document) == {"orgID", "flux", "status"}:
            name = task_name(document["flux"])
            check_script(document["flux"])
            self.tasks.append({"id": f"t{len(self.tasks) + 1}", "name": name, **document})
            return _json(201, self.tasks[-1])
        return _error(400, "invalid", "not understood")

    def _query(self, query: dict[str, str], document: dict[str, Any]) -> Answer:
        if query.get("orgID") != self.org_id or document.get("type") != "flux":
            return _error(400, "invalid", "orgID or type is missing")
        check_script(document["query"])
        self.queries.append(document["query"])
        return 200, {"Content-Type": "text/csv; charset=utf-8"}, self.query_answer


def task_name(flux: str) -> str:
    found = re.search(r'^option task = \{name: "([^"]+)", every: \d+[hd], offset: \d+m\}$', flux, re.M)
    assert found, flux
    return found[1]


def check_script(flux: str) -> None:
    """What can be seen without running it: imports first, and used; brackets close; yields are unique."""
    lines = flux.splitlines()
    imports = [line for line in lines if line.startswith("import ")]
    assert lines[: len(imports)] == imports
    for each in imports:
        assert f"{each.split(chr(34))[1]}." in flux, each
    assert set(re.findall(r"\b(bitwise|date)\.", flux)) == {each.split('"')[1] for each in imports}
    for opening, closing in ("()", "{}", "[]"):
        assert flux.count(opening) == flux.count(closing)
    names = re.findall(r'yield\(name: "(\w+)"\)', flux)
    assert names
    assert len(names) == len(set(names))


def _json(status: int, document: dict[str, Any]) -> Answer:
    return status, {"Content-Type": "application/json; charset=utf-8"}, json.dumps(document).encode()


def _error(status: int, code: str, message: str) -> Answer:
    return _json(status, {"code": code, "message": message})
