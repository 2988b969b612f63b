"""The gateway as a whole: from MQTT to a real InfluxDB and the page."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest

from gateway.places import Place
from gateway.service import ClockError, check_clock
from gateway.web.server import WebError
from tests.gateway.conftest import make_settings
from tests.gateway.destinations.servers import Influx1
from tests.gateway.talker import reading
from tests.support import wait_for


@pytest.fixture
def influx(tmp_path: Any) -> Any:
    server = Influx1(tmp_path / "influx", [])
    server.start()
    server.query("CREATE DATABASE air")
    yield server
    server.stop()


def test_readings_reach_influxdb_also_those_of_its_outage(
    influx: Influx1, mosquitto: Any, run_gateway: Any, talk: Any
) -> None:
    port = mosquitto().port
    settings = {"enabled": True, "api": "v1", "url": influx.url, "database": "air"}
    gateway = run_gateway(port, influx=settings)
    node, count = talk(port), 'SELECT count("pm25") FROM /.*/'

    def points() -> int:
        return sum(row["count"] for row in influx.query(count, "air"))

    now = reading(1)["t"]
    node.readings(reading(1, t=now - 60), reading(2, t=now - 30))
    wait_for(lambda: points() == 2, what="two points")
    influx.stop()
    node.readings(reading(3, t=now))
    wait_for(lambda: node.acked(1, 3), what="the ack, whatever InfluxDB does")
    gateway.stop()
    influx.start()
    run_gateway(port, influx=settings)
    wait_for(lambda: points() == 3, 20, what="the third point")
    found = influx.query('SELECT "pm25" FROM /.*/', "air")
    assert [(row["time"], row["pm25"]) for row in found] == [(now - 60, 0.1), (now - 30, 0.2), (now, 0.3)]


def test_page_shows_a_node_at_its_place(mosquitto: Any, run_gateway: Any, talk: Any, tmp_path: Any) -> None:
    port = mosquitto().port
    (tmp_path / "nodes.toml").write_text("[nodes.node-1]\nlabel = 'Roof'\nlat = 52.2\nlon = 21.0\n")
    gateway = run_gateway(port, web={"enabled": True, "port": 0}, nodes_file=tmp_path / "nodes.toml")
    assert gateway.settings.places == {"node-1": Place(label="Roof", lat=52.2, lon=21.0)}
    node = talk(port)
    node.readings(reading(7))
    wait_for(lambda: node.acked(1, 7), what="the ack")
    with urllib.request.urlopen(gateway.web_url + "api/nodes", timeout=5) as answer:
        (shown,) = json.load(answer)["nodes"]
    assert {"node-1", "Roof", 52.2, 21.0} <= {
        value for value in shown.values() if isinstance(value, str | float)
    }


# 192.0.2.1 is reserved for documentation: no machine has it. A label of a name has at most 63 characters.
@pytest.mark.parametrize("host", ["192.0.2.1", "a" * 70])
def test_page_that_cannot_be_served_is_told_and_nothing_runs(
    host: str, tmp_path: Any, free_port: Any
) -> None:
    from gateway.journal import Journal
    from gateway.service import Gateway

    settings = make_settings(tmp_path, free_port(), web={"enabled": True, "host": host})
    gateway = Gateway(settings)
    with pytest.raises(WebError, match=f"web.host {host}"):
        gateway.start()
    assert not gateway.pipeline.is_alive()
    Journal(settings.journal.path).close()  # it is free again


def test_clock_that_cannot_be_right_is_told() -> None:
    with pytest.raises(ClockError, match="clock shows 1970-01-01"):
        check_clock(5)
