"""A node's exact place is a canary, and everything that leaves the gateway is searched for it."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from click.testing import CliRunner
from starlette.routing import Route
from structlog.testing import capture_logs

from gateway.cli import gateway as gateway_command
from gateway.enrol.store import Store
from gateway.places import Place, grid_cell
from gateway.service import Gateway
from tests.gateway.destinations.servers import Influx1
from tests.gateway.talker import Talker, reading
from tests.gateway.web.pages import ask, event_stream
from tests.support import wait_for

LAT, LON = 52.2411873, 20.9467291  # no example on a page
# As long as the grid's own digits allow; a float that is written shorter begins the same.
CANARIES = ("52.2411", "20.94672", "52,2411", "20,94672")
HIDDEN = ("by-grid", "by-district", "in-the-file")
ONLINE = {"v": 1, "online": True, "boot": 1, "fw": "1", "reset": "power", "config": 0, "sensors": []}


def clean(what: str, text: str) -> None:
    for canary in CANARIES:
        assert canary not in text, (
            f"{what} has the exact place: {text[max(0, text.find(canary) - 200) :][:400]}"
        )


@pytest.fixture
def nodes_file(tmp_path: Path) -> Path:
    """Two places in the store, one in the nodes file."""
    with Store(tmp_path / "enrolment.sqlite") as store:
        store.put("by-grid", "enrolled", Place(label="G", lat=LAT, lon=LON, precision="grid"))
        store.put("by-district", "enrolled", Place(label="D", lat=LAT, lon=LON, precision="district"))
    file = tmp_path / "nodes.toml"
    file.write_text(f'[nodes.in-the-file]\nlabel = "F"\nlat = {LAT}\nlon = {LON}\nprecision = "grid"\n')
    return file


def more_settings(tmp_path: Path, nodes_file: Path) -> dict[str, Any]:
    return {
        "nodes_file": nodes_file,
        "enrol": {"store": tmp_path / "enrolment.sqlite"},
        "web": {"enabled": True, "port": 0},
        "monitor": {"enabled": True, "port": 0},
        "log": {"level": "debug"},
    }


@contextmanager
def everything_on(port: int) -> Iterator[list[str]]:
    """All topics and payloads that go through the broker."""
    heard: list[str] = []
    subscribed = threading.Event()
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="spy")
    client.on_message = lambda _client, _userdata, message: heard.append(
        f"{message.topic} {message.payload!r}"
    )
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    client.subscribe([("#", 1), ("$SYS/#", 0)])
    assert subscribed.wait(10)
    yield heard
    client.disconnect()
    client.loop_stop()


def public_paths(gateway: Gateway) -> list[str]:
    """Every address of the page that can be read, by its own table of routes."""
    assert gateway.web is not None
    app = gateway.web._uvicorn.config.app
    routes = [route for route in app.routes if isinstance(route, Route) and "GET" in (route.methods or ())]
    assert len(routes) >= 7
    return [route.path for route in routes if route.path != "/api/events"]


@pytest.mark.needs_influxd
def test_the_exact_place_is_nowhere(
    tmp_path: Path,
    mosquitto: Any,
    run_gateway: Any,
    talk: Any,
    nodes_file: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    broker = mosquitto(["log_type all"])
    influx = Influx1(tmp_path / "influx", [])
    influx.start()
    try:
        influx.query('CREATE DATABASE "air"')
        with everything_on(broker.port) as heard, capture_logs() as logged:
            gateway = run_gateway(
                broker.port,
                influx={"enabled": True, "api": "v1", "url": influx.url, "database": "air"},
                **more_settings(tmp_path, nodes_file),
            )
            # The gateway's own sums have it: this test looks for something that is there.
            assert gateway.places.exact["by-grid"].lat == LAT
            for name in HIDDEN:
                node: Talker = talk(broker.port, name)
                node.send(ONLINE, kind="status", retain=True)
                node.readings(reading(1), reading(2, pm25=999999))
                wait_for(lambda node=node: node.acked(1, 2), what="the ack")
            wait_for(lambda: _rows(influx) >= 3, 20, "the readings in InfluxDB")

            found = {node["name"]: node for node in ask(gateway.web_url, "/api/nodes").json["nodes"]}
            cell = (*grid_cell(LAT, LON), "grid")
            for name, wanted in (
                ("by-grid", cell),
                ("in-the-file", cell),
                ("by-district", (52.236, 20.96, "district")),
            ):
                assert (found[name]["lat"], found[name]["lon"], found[name]["precision"]) == wanted

            for path in public_paths(gateway):
                for name in HIDDEN:
                    address = path.replace("{node}", name)
                    answer = ask(gateway.web_url, address)
                    assert answer.status in (200, 404), address
                    clean(address, answer.text + str(answer.headers))
            with event_stream(gateway.web_url) as events:
                kind, state = next(events)
                assert (kind, {node["name"] for node in state["nodes"]}) == ("state", set(HIDDEN))
                clean("/api/events", json.dumps(state))
            for path in ("/metrics", "/healthz", "/readyz"):
                answer = ask(gateway.monitor_url, path)
                assert answer.status == 200
                clean(path, answer.text)

            # Changes are logged too; the place is not.
            nodes_file.write_text(nodes_file.read_text().replace(str(LAT), f"{LAT}9"))
            settings = type(gateway.settings)(**{**_sections(gateway.settings), "nodes_file": nodes_file})
            assert gateway.reload(lambda: settings) == ["places"]
            with Store(tmp_path / "enrolment.sqlite") as store:
                store.put("by-grid", "enrolled", Place(lat=LAT, lon=LON + 0.01, precision="district"))
            wait_for(lambda: gateway.places.public["by-grid"].precision == "district", what="the change")

        for line in heard:
            clean("the broker", line)
        assert any("by-grid" in line for line in heard)
        assert len(logged) > 3
        clean("the log", json.dumps([str(entry) for entry in logged]))
        clean("the log of libraries", caplog.text)
        clean("the broker's log", broker.log.read_text())
        for measurement in influx.query("SHOW MEASUREMENTS", "air"):
            for row in influx.query(f'SELECT * FROM "{measurement["name"]}"', "air"):
                clean("InfluxDB", json.dumps(row))
        for what in ("SHOW TAG KEYS", "SHOW FIELD KEYS", "SHOW SERIES"):
            clean(what, json.dumps(influx.query(what, "air")))
    finally:
        influx.stop()


def _rows(influx: Influx1) -> int:
    measurements = [row["name"] for row in influx.query("SHOW MEASUREMENTS", "air")]
    return sum(len(influx.query(f'SELECT * FROM "{name}"', "air")) for name in measurements)


def _sections(settings: Any) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in type(settings).model_fields}


def test_commands_say_how_exact_and_not_where(tmp_path: Path, nodes_file: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(f'nodes_file = "{nodes_file.name}"\n[enrol]\nstore = "enrolment.sqlite"\n')
    for words in (["enrolled"], ["enrolled", "--json"], ["codes", "list"]):
        done = CliRunner().invoke(gateway_command, [*words, "--config", str(config)])
        assert done.exit_code == 0, done.output
        clean(" ".join(words), done.output)
        assert words[0] != "enrolled" or "district" in done.output


@pytest.mark.parametrize(
    "entry",
    [
        f"lat = {LAT}\nlon = {LON}\nprecision = 'somewhere'",
        f"lat = '{LAT}N'\nlon = {LON}",
        f"lat = {LAT}\nlon = {LON}\nheight = 4",
        f"lat = {LAT}\nlon = 9{LON}",
        f"lat = {LAT}\nlon = {LON}\nprecision = 'district'\ndistrict = 'Nowhere'",
        f"lat = {LAT}\nlon = 1{LON}\nprecision = 'district'",
    ],
)
def test_mistakes_in_a_place_are_told_without_it(tmp_path: Path, nodes_file: Path, entry: str) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(f'nodes_file = "{nodes_file.name}"\n')
    nodes_file.write_text(f"[nodes.praga-1]\n{entry}\n")
    done = CliRunner().invoke(gateway_command, ["enrolled", "--config", str(config)])
    assert done.exit_code == 2, done.output
    assert "nodes.praga-1" in done.output
    clean("the message", done.output)


def test_a_revoked_nodes_place_is_forgotten(tmp_path: Path, nodes_file: Path) -> None:
    file = tmp_path / "enrolment.sqlite"
    with Store(file) as store:
        assert store.place("by-grid") is not None
        store.put("by-grid", "revoked", None)
        store.put("by-district", "enrolled", None)
        assert store.places() == {}
    # SQLite's 8 bytes of a float, big-endian, are overwritten as well.
    import struct

    assert struct.pack(">d", LAT) not in file.read_bytes()
