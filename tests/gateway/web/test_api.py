"""The page's data over real HTTP, from a real journal."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from gateway.journal import Batch, Claim, Journal, Rejected, Sighting
from gateway.web import events
from gateway.web.queries import Queries
from gateway.web.server import WebServer
from tests.gateway.web.pages import NETWORK, PLACES, Spot, ask, commit, event_stream, reading
from tests.support import wait_for

Serve = Callable[..., WebServer]


def nodes_of(url: str) -> dict[str, dict[str, Any]]:
    return {node["name"]: node for node in ask(url, "/api/nodes").json["nodes"]}


def test_a_node_comes_with_place_last_values_quality_and_age(journal: Journal, serve: Serve) -> None:
    now = int(time.time())
    journal.commit(
        Batch(
            NETWORK,
            readings=[
                reading("wola", 1, now - 500, 9.0),
                reading("wola", 2, now - 100, 12.5, pm10=20.0, tq="held", flags=("stuck",)),
                reading("mlociny", 1, None, 3.0, tq="none", model="pms5003"),
                reading("balcony", 1, now - 10, None, flags=("no_frame",)),
            ],
            sightings=[
                Sighting(now * 1000, "wola", True, online=True, boot=1, status={"fw": "0.1.0"}),
                Sighting(now * 1000, "balcony", False, online=False),
            ],
        )
    )
    found = nodes_of(serve().url)

    wola = found["wola"]
    assert (wola["label"], wola["lat"], wola["lon"]) == ("Wola, rondo Daszyńskiego", 52.2300, 20.9828)
    assert (wola["pm25"], wola["pm10"], wola["t"], wola["tq"]) == (12.5, 20.0, now - 100, "held")
    assert (wola["flags"], wola["model"], wola["slot"]) == (["stuck"], "sds011", "a")
    assert (wola["online"], wola["fw"], wola["seen"]) == (True, "0.1.0", now)
    assert 100 <= wola["age"] <= 105
    # No time of its own: aged by its arrival.
    assert found["mlociny"]["t"] is None
    assert 0 <= found["mlociny"]["age"] <= 5
    # No place configured, no value.
    balcony = found["balcony"]
    assert (balcony["label"], balcony["lat"], balcony["lon"]) == ("balcony", None, None)
    assert (balcony["pm25"], balcony["flags"], balcony["online"]) == (None, ["no_frame"], False)
    # A place whose node was never heard.
    kabaty = found["kabaty"]
    assert (kabaty["lat"], kabaty["age"], kabaty["pm25"], kabaty["slots"]) == (52.1314, None, None, [])


def test_of_two_sensors_the_one_with_a_value_speaks(journal: Journal, serve: Serve) -> None:
    now = int(time.time()) // 600 * 600  # both in one round
    commit(
        journal,
        reading("wola", 1, now, 7.0, slot="a"),
        reading("wola", 2, now + 1, None, slot="b", model="pms5003", flags=("device_error",)),
    )
    wola = nodes_of(serve().url)["wola"]
    assert (wola["slot"], wola["pm25"], wola["flags"]) == ("a", 7.0, [])
    assert [slot["model"] for slot in wola["slots"]] == ["sds011", "pms5003"]


def test_sensors_are_as_the_newest_start_tells_them(journal: Journal, serve: Serve) -> None:
    told = {"slot": "a", "model": "sds011", "id": "a160", "fw": "18-11-16", "state": "silent", "laser_h": 9.5}
    health = {"boot": 4, "sensors": [{"frames": 0, "errors": {}, **told}]}
    status = {"fw": "0.1.0", "sensors": [{"slot": "a", "model": "auto"}]}
    silent = {"id": None, "fw": None, "state": None, "laser_h": None}

    def hear(boot: int, **said: Any) -> None:
        journal.commit(Batch(NETWORK, sightings=[Sighting(1000, "wola", True, boot=boot, **said)]))

    url = serve().url
    assert nodes_of(url)["kabaty"]["sensors"] == []
    hear(4, status=status)
    assert nodes_of(url)["wola"]["sensors"] == [{"slot": "a", "model": "auto", **silent}]
    hear(4, health=health)
    assert nodes_of(url)["wola"]["sensors"] == [told]
    # It has started again: what was found before may be no longer so.
    hear(5, status=status)
    assert nodes_of(url)["wola"]["sensors"] == [{"slot": "a", "model": "auto", **silent}]


def test_safe_mode_is_told_and_a_crash_stays_known(journal: Journal, serve: Serve) -> None:
    def hear(at: int, **said: Any) -> None:
        journal.commit(Batch(NETWORK, sightings=[Sighting(at * 1000, "wola", True, boot=1, **said)]))

    url = serve().url
    hear(1000, status={"mode": "normal"}, health={"boot": 1})
    assert (nodes_of(url)["wola"]["safe"], nodes_of(url)["wola"]["crashed"]) == (False, None)
    hear(2000, health={"boot": 2, "crash": "MemoryError"})
    hear(2600, health={"boot": 2})  # it says so once
    hear(2700, status={"mode": "safe"})
    assert (nodes_of(url)["wola"]["safe"], nodes_of(url)["wola"]["crashed"]) == (True, 2000)
    hear(3000, status={"mode": "normal"}, health={"boot": 3, "crash": "OSError"})
    assert (nodes_of(url)["wola"]["safe"], nodes_of(url)["wola"]["crashed"]) == (False, 3000)


def test_series_has_nulls_where_values_or_readings_are_missing(journal: Journal, serve: Serve) -> None:
    start = int(time.time()) - 7200
    times = [start + 60 * i for i in (0, 1, 2, 3, 10, 11)]
    for seq, t in enumerate(times, 1):
        broken = seq == 2
        commit(journal, reading("wola", seq, t, None if broken else 5.0 + seq, pm10=1.0, flags=("stuck",)))
    answer = ask(serve().url, "/api/nodes/wola/series?hours=24").json
    (slot,) = answer["slots"]
    # The silence of six minutes has a point of nulls after the last reading before it.
    assert slot["t"] == [*times[:4], times[3] + 60, *times[4:]]
    assert slot["pm25"] == [6.0, None, 8.0, 9.0, None, 10.0, 11.0]
    assert slot["pm10"] == [1.0, 1.0, 1.0, 1.0, None, 1.0, 1.0]
    assert (answer["node"], answer["truncated"], slot["step"]) == ("wola", False, None)


def test_series_is_of_the_hours_asked_for(journal: Journal, serve: Serve) -> None:
    now = int(time.time())
    commit(journal, reading("wola", 1, now - 5 * 3600, 5.0), reading("wola", 2, now - 1800, 6.0))
    url = serve().url
    assert ask(url, "/api/nodes/wola/series?hours=1").json["slots"][0]["pm25"] == [6.0]
    assert ask(url, "/api/nodes/wola/series?hours=168").json["slots"][0]["pm25"] == [5.0, 6.0]
    # Known, but silent: no error.
    assert ask(url, "/api/nodes/kabaty/series").json["slots"] == []


@pytest.mark.parametrize("hours", ["0", "169", "-1", "1.5", "abc", "", "99999999999999999999", "%D9%A3"])
def test_a_wrong_number_of_hours_is_explained(idle: str, hours: str) -> None:
    answer = ask(idle, f"/api/nodes/wola/series?hours={hours}")
    assert answer.status == 400
    assert "whole number from 1 to 168" in answer.json["error"]


def test_ledger_counts_over_all_boots(journal: Journal, serve: Serve) -> None:
    now = int(time.time())
    bad = Rejected(now * 1000, "", "wola", 2, 2, "value", "pm25: is not a number", b"{}", 2)
    journal.commit(
        Batch(
            NETWORK,
            readings=[reading("wola", 1, now - 60, 1.0), reading("wola", 1, now, 1.0, boot=2)],
            rejected=[bad],
            claims=[Claim(now * 1000, "wola", 2, 5)],
        )
    )
    assert ask(serve().url, "/api/ledger").json == {
        "nodes": [{"node": "wola", "born": 6, "stored": 2, "quarantined": 1, "missing": 3}]
    }


def test_config_is_what_the_page_needs(journal: Journal, serve: Serve) -> None:
    found = ask(serve(title="Air", tile_url="/tiles/{z}/{x}/{y}.png").url, "/api/config").json
    assert (found["title"], found["tile_url"], found["lat"], found["lon"], found["zoom"]) == (
        "Air",
        "/tiles/{z}/{x}/{y}.png",
        52.23,
        21.01,
        11,
    )


def test_health(idle: str) -> None:
    assert ask(idle, "/healthz").json == {"ok": True}


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/api/nodes/ghost/series", 404, "no node 'ghost'"),
        ("/api/nodes/%3Cscript%3E/series", 404, "no node"),
        ("/nothing", 404, "nothing at this address"),
        ("/static/nothing.js", 404, "nothing at this address"),
        ("/static/../app.py", 404, "nothing at this address"),
        ("/static/%2e%2e/app.py", 404, "nothing at this address"),
        ("/static/js", 404, "nothing at this address"),
    ],
)
def test_what_is_not_there_is_told_in_a_sentence(idle: str, path: str, status: int, word: str) -> None:
    answer = ask(idle, path)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/json")
    assert word in answer.json["error"]


@pytest.mark.parametrize("path", ["/", "/api/nodes", "/api/events", "/static/style.css"])
def test_only_reading_is_possible(idle: str, path: str) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = ask(idle, path, method)
        assert answer.status == 405
        assert "only be read" in answer.json["error"]


@pytest.mark.parametrize("path", ["/", "/api/nodes", "/nothing", "/static/js/app.js"])
def test_every_answer_has_the_security_headers(idle: str, path: str) -> None:
    headers = ask(idle, path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["img-src"].split() == [
        "'self'",
        "data:",
        *(f"https://{name}.tiles.example:8443" for name in "abc"),
    ]
    assert policy["frame-ancestors"] == "'self'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_a_journal_that_is_gone_is_said_without_its_path(journal: Journal, serve: Serve) -> None:
    server = serve()
    journal.path.rename(journal.path.with_suffix(".away"))
    for path in ("/api/nodes", "/api/ledger", "/api/nodes/wola/series", "/api/events", "/healthz"):
        answer = ask(server.url, path)
        assert answer.status == 503
        assert "cannot read its journal" in answer.json["error"]
        assert str(journal.path.parent) not in answer.text
    journal.path.with_suffix(".away").rename(journal.path)
    assert ask(server.url, "/healthz").status == 200


def test_an_unforeseen_error_shows_no_traceback(
    journal: Journal, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Queries) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(Queries, "nodes", fail)
    answer = ask(serve().url, "/api/nodes")
    assert answer.status == 500
    assert set(answer.json) == {"error"}
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def test_events_begin_with_everything_and_go_on_with_what_changed(journal: Journal, serve: Serve) -> None:
    now = int(time.time())
    commit(journal, reading("wola", 1, now - 60, 5.0), reading("kabaty", 1, now - 60, 6.0))
    with event_stream(serve().url) as stream:
        kind, data = next(stream)
        assert kind == "state"
        assert [node["name"] for node in data["nodes"]] == ["kabaty", "mlociny", "wola"]
        commit(journal, reading("wola", 2, now, 55.0))
        kind, data = next(stream)
        # The first message after the start may name more nodes, never fewer.
        changed = {node["name"]: node["pm25"] for node in data["nodes"]}
        assert (kind, changed["wola"]) == ("nodes", 55.0)
        commit(journal, reading("kabaty", 2, now, 66.0))
        kind, data = next(stream)
        assert kind == "nodes"
        assert [(node["name"], node["pm25"]) for node in data["nodes"]] == [("kabaty", 66.0)]


def test_a_burst_of_commits_is_at_most_one_event_a_second(journal: Journal, serve: Serve) -> None:
    now = int(time.time())
    with event_stream(serve().url) as stream:
        next(stream)
        events_seen = 0
        began = time.monotonic()
        stop = threading.Event()

        def burst() -> None:
            for seq in range(1, 200):
                commit(journal, reading("wola", seq, now - 1000 + seq, float(seq)))
                if stop.wait(0.01):
                    break

        writer = threading.Thread(target=burst)
        writer.start()
        value = 0.0
        while value < 199:
            kind, data = next(stream)
            assert kind == "nodes"
            value = next(node["pm25"] for node in data["nodes"] if node["name"] == "wola")
            events_seen += 1
        stop.set()
        writer.join()
    # Not each gap: on a busy machine one event may be read late and the next one on time.
    assert events_seen <= time.monotonic() - began + 2


def test_a_quiet_stream_is_kept_alive(
    journal: Journal, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "KEEP_ALIVE_S", 0.05)
    with event_stream(serve().url) as stream:
        assert next(stream)[0] == "state"
        assert next(stream) == ("comment", "keep-alive")
        kind, data = next(stream)
        assert (kind, data["nodes"]) == ("tick", [])


def test_streams_that_are_closed_are_forgotten_and_too_many_are_refused(
    journal: Journal, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MOST_STREAMS", 1)
    url = serve().url
    with event_stream(url) as stream:
        next(stream)
        refused = ask(url, "/api/events")
        assert refused.status == 503
        assert "Too many pages" in refused.json["error"]
        assert refused.headers["retry-after"] == "30"

    wait_for(lambda: ask(url, "/api/events", "HEAD").status == 200, what="the closed stream to be forgotten")


def test_a_label_is_data_and_nothing_else(journal: Journal, serve: Serve) -> None:
    label = "</script><script>alert(1)</script>"
    places = {**PLACES, "evil": Spot(label, 52.0, 21.0)}
    assert nodes_of(serve(places).url)["evil"]["label"] == label
