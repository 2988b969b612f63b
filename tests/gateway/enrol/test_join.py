"""One-time codes over real HTTP, at a gateway whose broker is a real Mosquitto."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from structlog.testing import capture_logs

from gateway.cli import gateway as gateway_command
from gateway.enrol.codes import hash_of, new_code
from gateway.enrol.kit import decode
from gateway.enrol.store import Store
from gateway.places import grid_cell
from gateway.web.join import MOST_BYTES, TRIES_A_MINUTE, TRIES_OF_ALL, Tries
from tests.gateway.enrol.guarded import GATEWAY, lets_in
from tests.gateway.web.pages import ask
from tests.support import wait_for

HEADERS = {"Content-Type": "application/json", "X-Dustline": "enrol"}


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    json: Any


def post(url: str, body: Any, headers: dict[str, str] = HEADERS) -> Answer:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        content = body if isinstance(body, (str, bytes)) else json.dumps(body)
        connection.request("POST", "/api/enrol", content, headers)
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, json.loads(response.read()))
    finally:
        connection.close()


def asked(code: str, place: Any = None, precision: str = "grid", **more: Any) -> dict[str, Any]:
    return {"code": code, "precision": precision, "place": place, **more}


class Open:
    """A gateway that takes codes."""

    def __init__(self, guarded: Any, run_gateway: Callable[..., Any]) -> None:
        self.guarded = guarded
        self.store: Path = guarded.settings.enrol.store
        enrol = {**guarded.settings.enrol.model_dump(exclude_unset=True), "page": True}
        self.gateway = run_gateway(
            guarded.port, broker=GATEWAY, enrol=enrol, web={"enabled": True, "port": 0}
        )
        self.url: str = self.gateway.web_url

    def code(self, valid_s: int = 3600) -> str:
        code = new_code()
        hashed = hash_of(code)
        assert hashed is not None
        with Store(self.store) as store:
            store.add_code(hashed, int(time.time()) + valid_s)
        return code

    def nodes(self) -> dict[str, Any]:
        return {node["name"]: node for node in ask(self.url, "/api/nodes").json["nodes"]}


@pytest.fixture
def opened(guarded_by: Any, run_gateway: Any) -> Open:
    return Open(guarded_by("files"), run_gateway)


def test_a_code_becomes_a_node_that_the_broker_lets_in(guarded: Any, run_gateway: Any) -> None:
    opened = Open(guarded, run_gateway)
    code = opened.code()
    answer = post(opened.url, asked(code, {"label": "Szkoła", "lat": 52.23714, "lon": 20.95831}))
    assert answer.status == 200, answer.json
    assert answer.headers["cache-control"] == "no-store"
    kit = decode(answer.json["kit_code"])
    assert answer.json["node"] == kit["node"]
    assert answer.json["portal"] == {"ssid": f"Dustline-{kit['node']}", "password": kit["portal"]}
    assert lets_in(guarded.port, str(kit["node"]), str(kit["secret"]))
    # On the map, as it was chosen, without a reload.
    node = wait_for(lambda: opened.nodes().get(str(kit["node"])), what="the node on the page")
    assert (node["label"], node["precision"]) == ("Szkoła", "grid")
    assert (node["lat"], node["lon"]) == grid_cell(52.23714, 20.95831)
    # Once, however it is typed.
    for again in (code, code.lower().replace("-", " ")):
        used = post(opened.url, asked(again))
        assert (used.status, used.json["reason"]) == (403, "code")


def test_two_at_once_get_one_node_by_one_code(opened: Open) -> None:
    code = opened.code()
    answers: list[Answer] = []
    both = [threading.Thread(target=lambda: answers.append(post(opened.url, asked(code)))) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert sorted(answer.status for answer in answers) == [200, 403]
    with Store(opened.store) as store:
        assert len(store.nodes()) == 1


def test_a_district_alone_is_enough(opened: Open) -> None:
    answer = post(opened.url, asked(opened.code(), {"label": "", "district": "Żoliborz"}, "district"))
    assert answer.status == 200, answer.json
    node = wait_for(lambda: opened.nodes().get(answer.json["node"]), what="the node on the page")
    assert (node["lat"], node["lon"], node["precision"]) == (52.268, 20.980, "district")
    assert "Żoliborz" in ask(opened.url, "/api/enrol").json["districts"]


PLACE = {"label": "", "lat": 52.23, "lon": 20.95}
FAULTS: list[tuple[Any, dict[str, str], int, str]] = [
    ("{", {}, 400, "not JSON"),
    ("[" * 3000, {}, 400, "not JSON"),
    ("{}", {}, 400, "code: Field required"),
    ({"code": 5, "precision": "grid"}, {}, 400, "code: "),
    ({"precision": "near"}, {}, 400, "precision: Input should be"),
    ({"precision": "grid", "place": {**PLACE, "lat": 91}}, {}, 400, "place.lat: "),
    ({"precision": "grid", "place": {"label": "", "lat": 52.23}}, {}, 400, "place.lon: Field required"),
    ({"precision": "grid", "place": {"district": "Wola"}}, {}, 400, "place.lat: Field required"),
    ({"precision": "district", "place": {"district": "X"}}, {}, 400, "no district 'X'"),
    ({"precision": "grid", "place": {**PLACE, "precision": "exact"}}, {}, 400, "does not belong into place"),
    ({"precision": "grid", "extra": 1}, {}, 400, "extra: Extra inputs"),
    ('{"code": "' + "A" * MOST_BYTES + '"}', {}, 413, "longer than 4096 bytes"),
    ({"precision": "grid"}, {"Content-Type": "text/plain"}, 415, "application/json"),
    ({"precision": "grid"}, {"X-Dustline": ""}, 403, "X-Dustline"),
    ({"precision": "grid"}, {"Sec-Fetch-Site": "cross-site"}, 403, "another site"),
    ({"precision": "grid"}, {"Sec-Fetch-Site": "same-site"}, 403, "another site"),
]


def test_what_cannot_be_taken_uses_no_code_up(opened: Open) -> None:
    code = opened.code()
    for at, (body, headers, status, words) in enumerate(FAULTS):
        content = {"code": code, **body} if isinstance(body, dict) else body
        # Each from an address of its own, as a proxy tells it.
        answer = post(opened.url, content, {**HEADERS, "X-Forwarded-For": f"203.0.113.{at}", **headers})
        assert answer.status == status, (body, answer.json)
        assert words in answer.json["error"], (body, answer.json)
        assert answer.json["reason"] == ("origin" if status == 403 else "request")
        assert code not in answer.json["error"]
        assert "52.23" not in answer.json["error"]
    last = post(opened.url, asked(code), {**HEADERS, "X-Forwarded-For": "203.0.113.99"})
    assert last.status == 200, last.json


@pytest.mark.parametrize("how", ["unknown", "expired", "dropped", "no code at all"])
def test_codes_that_are_not_good_are_not_told_apart(opened: Open, how: str) -> None:
    code = {
        "unknown": new_code,
        "expired": lambda: opened.code(valid_s=-1),
        "dropped": opened.code,
        "no code at all": lambda: "hello",
    }[how]()
    if how == "dropped":
        with Store(opened.store) as store:
            assert store.drop_code(store.codes()[-1].id)
    answer = post(opened.url, asked(code))
    assert answer.status == 403
    wanted = "This code is not known, was used already, or has expired."
    assert answer.json == {"error": wanted, "reason": "code"}
    assert opened.guarded.settings.enrol.password_file.read_text().count("\n") == 1


def test_a_broker_that_is_away_keeps_the_code_good(opened: Open) -> None:
    code = opened.code()
    opened.guarded.broker.kill()
    answer = post(opened.url, asked(code))
    assert (answer.status, answer.json["reason"]) == (503, "broker")
    assert answer.headers["retry-after"] == "60"
    assert str(opened.guarded.settings.enrol.pid_file) not in answer.json["error"]
    opened.guarded.broker.start()
    pid = str(opened.guarded.broker.process.pid)
    wait_for(lambda: opened.guarded.settings.enrol.pid_file.read_text().strip() == pid, what="the pid file")
    assert post(opened.url, asked(code)).status == 200


def test_tries_are_bounded_by_address(opened: Open) -> None:
    code = opened.code()
    mine = {**HEADERS, "X-Forwarded-For": "198.51.100.1, 203.0.113.1"}
    for _ in range(TRIES_A_MINUTE):
        assert post(opened.url, asked(new_code()), mine).status == 403
    answer = post(opened.url, asked(code), mine)
    assert (answer.status, answer.json["reason"]) == (429, "rate")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    # The first address of the list is the asker's own invention.
    forged = {**HEADERS, "X-Forwarded-For": "198.51.100.77, 203.0.113.1"}
    assert post(opened.url, asked(code), forged).status == 429
    assert post(opened.url, asked(code), {**HEADERS, "X-Forwarded-For": "203.0.113.2"}).status == 200


def test_tries_are_bounded_in_all_and_forgotten_after_a_minute() -> None:
    now = [1000.0]
    tries = Tries(lambda: now[0])
    assert [tries.wait_s(f"address {at}") for at in range(TRIES_OF_ALL)] == [0] * TRIES_OF_ALL
    assert tries.wait_s("another") == 60
    now[0] += 59.5
    assert tries.wait_s("another") == 1
    now[0] += 1
    assert [tries.wait_s("another") for _ in range(TRIES_A_MINUTE)] == [0] * TRIES_A_MINUTE
    assert tries.wait_s("another") == 60
    for at in range(5000):
        tries.wait_s(f"more {at}")
    assert len(tries._of) <= 1000


def test_neither_code_nor_secret_nor_place_is_logged_or_stored_plainly(opened: Open, tmp_path: Path) -> None:
    code = opened.code()
    with capture_logs() as logged:
        answer = post(opened.url, asked(code, {"label": "x", "lat": 52.2371455, "lon": 20.9583177}))
        post(opened.url, asked(code))
    assert answer.status == 200
    assert [entry["event"] for entry in logged if entry["event"].startswith("node")] == [
        "node enrolled by a code"
    ]
    kit = decode(answer.json["kit_code"])
    hidden = (code, str(kit["secret"]), str(kit["portal"]), "52.2371", "20.9583", "DL1.")
    assert not any(word in str(logged) for word in hidden)
    for file in tmp_path.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert not any(word.encode() in content for word in (code, str(kit["secret"]), "DL1."))


def test_without_page_true_there_is_nothing(guarded_by: Any, run_gateway: Any) -> None:
    guarded = guarded_by("files")
    gateway = run_gateway(guarded.port, broker=GATEWAY, enrol=guarded.enrol, web={"enabled": True, "port": 0})
    for path in ("/join", "/api/enrol"):
        assert ask(gateway.web_url, path).status == 404
    connection = http.client.HTTPConnection(urlsplit(gateway.web_url).netloc, timeout=10)
    connection.request("POST", "/api/enrol", json.dumps(asked(new_code())), HEADERS)
    assert connection.getresponse().status in (404, 405)
    connection.close()


def test_codes_are_made_listed_and_dropped(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text("")
    file = tmp_path / "codes.csv"

    def run(*words: str) -> Any:
        return CliRunner().invoke(gateway_command, ["codes", *words, "--config", str(config)])

    assert run("list").output == "no codes were made\n"
    made = run("new", "--count", "3", "--expires", "2w", "-o", str(file))
    assert made.exit_code == 0, made.output
    assert file.stat().st_mode & 0o777 == 0o600
    rows = [line.split(",") for line in file.read_text().splitlines()]
    assert rows[0] == ["id", "code", "expires"]
    codes = [row[1] for row in rows[1:]]
    assert len(set(codes)) == 3
    store = tmp_path / "dustline-enrolment.sqlite"
    assert not any(code.encode() in store.read_bytes() for code in codes)
    with Store(store) as opened:
        assert all(opened.usable_code(hash_of(code) or b"") for code in codes)
        fortnight = opened.codes()[0].expires - opened.codes()[0].made
    assert fortnight == pytest.approx(14 * 86400, abs=5)
    assert run("drop", "2").exit_code == 0
    assert run("drop", "2").exit_code == 1
    listed = run("list").output
    assert [line.split()[0] for line in listed.splitlines()] == ["1", "3"]
    assert not any(code in listed for code in codes)
    assert run("new", "-o", str(file)).exit_code == 1  # it holds codes
    assert run("new", "--expires", "30").exit_code == 2
    assert run("new", "--expires", "2000d").exit_code == 2
