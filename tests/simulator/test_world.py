"""Air, places, time server and embedded broker."""

from __future__ import annotations

import re
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from click.testing import CliRunner
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from simulator.air import CityAir
from simulator.broker import EmbeddedBroker
from simulator.cli import sim
from simulator.ntp import NtpServer
from simulator.places import PLACES
from simulator.runtime import SimulatorError
from tests.support import choose_port, listening, wait_for


def test_places_are_in_warsaw_and_can_name_nodes() -> None:
    assert len(PLACES) >= 8
    assert len({place.name for place in PLACES}) == len(PLACES)
    for place in PLACES:
        assert re.fullmatch("[a-z0-9-]{1,32}", place.name)
        assert 52.09 < place.lat < 52.37
        assert 20.85 < place.lon < 21.28


def test_air_has_a_winter_days_course() -> None:
    place = PLACES[0]

    def at_hour(hour: int) -> float:
        """Mean PM2.5 of thirty January days at a UTC hour."""
        start = datetime(2027, 1, 1, hour, tzinfo=UTC).timestamp()
        return sum(CityAir(3).sample(place, start + day * 86400)[1] for day in range(30)) / 30

    morning, noon, evening, night = at_hour(7), at_hour(13), at_hour(19), at_hour(2)
    assert evening > morning > 1.4 * noon
    assert evening > 2 * night


def test_air_is_the_same_for_the_same_seed_and_smooth() -> None:
    now = 1_800_000_000.0
    for place in PLACES:
        course = [CityAir(1).over(place)(now + second) for second in range(0, 86400, 10)]
        assert course[:9] == [CityAir(1).sample(place, now + second) for second in range(0, 90, 10)]
        assert all(0 < pm1 < pm25 < pm10 < 400 for pm1, pm25, pm10 in course)
        assert max(abs(a[1] - b[1]) for a, b in pairwise(course)) < 3
    assert CityAir(1).sample(PLACES[0], now) != CityAir(2).sample(PLACES[0], now)


@pytest.fixture
def ntp() -> Iterator[NtpServer]:
    server = NtpServer().start()
    yield server
    server.stop()


def ask_time(server: NtpServer, timeout: float = 2.0) -> tuple[int, int, int, bytes, float]:
    """A raw SNTP query: (leap, mode, stratum, originate, transmit time in Unix seconds)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(timeout)
        client.sendto(bytes([0x1B]) + bytes(39) + b"COOKIE!!", ("127.0.0.1", server.port))
        reply = client.recv(100)
    assert len(reply) == 48
    seconds, fraction = struct.unpack(">II", reply[40:48])
    return reply[0] >> 6, reply[0] & 7, reply[1], reply[24:32], seconds - 2208988800 + fraction / 2**32


def test_ntp_tells_the_time(ntp: NtpServer) -> None:
    leap, mode, stratum, originate, told = ask_time(ntp)
    assert (leap, mode, stratum, originate) == (0, 4, 2, b"COOKIE!!")
    assert abs(told - time.time()) < 0.5


def test_ntp_lies_and_keeps_silent_when_told(ntp: NtpServer) -> None:
    ntp.offset_s, ntp.stratum, ntp.leap = -3600.0, 16, 3
    leap, _, stratum, _, told = ask_time(ntp)
    assert (leap, stratum) == (3, 16)
    assert abs(told - (time.time() - 3600)) < 0.5
    ntp.drop = True
    with pytest.raises(TimeoutError):
        ask_time(ntp, timeout=0.3)
    assert ntp.requests == 2


def test_ntp_ignores_what_is_no_request(ntp: NtpServer) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for junk in (b"", b"hello", bytes(48), bytes([0x1C]) + bytes(47)):
            client.sendto(junk, ("127.0.0.1", ntp.port))
    assert ask_time(ntp)[1] == 4
    assert ntp.requests == 1


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    embedded = EmbeddedBroker(choose_port(), choose_port())
    yield embedded.start()
    embedded.close()


def subscriber(port: int) -> tuple[mqtt.Client, list[bytes], threading.Event]:
    """An MQTT 5 client that subscribes at each connect; the event says that the broker confirmed it."""
    got: list[bytes] = []
    ready = threading.Event()
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="gateway", protocol=mqtt.MQTTv5)
    client.on_connect = lambda c, *_: c.subscribe("dl/1/+/+/+/readings", qos=1)
    client.on_subscribe = lambda *_: ready.set()
    client.on_disconnect = lambda *_: ready.clear()
    client.on_message = lambda _c, _u, message: got.append(message.payload)
    client.reconnect_delay_set(0.1, 0.2)
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 3600
    client.connect("127.0.0.1", port, clean_start=False, properties=properties)
    client.loop_start()
    return client, got, ready


def test_broker_joins_both_protocols_and_restarts_on_its_ports(broker: EmbeddedBroker) -> None:
    client, got, ready = subscriber(broker.mqtt5_port)
    node = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="node", protocol=mqtt.MQTTv311)
    node.reconnect_delay_set(0.1, 0.2)
    try:
        assert ready.wait(10)
        node.connect("127.0.0.1", broker.mqtt311_port)
        node.loop_start()
        large = bytes(70000)
        for payload in (b"one", large):
            node.publish("dl/1/warsaw/0/node/readings", payload, qos=1).wait_for_publish(10)
        wait_for(lambda: got == [b"one", large], what="both messages")
        broker.restart()
        wait_for(lambda: ready.is_set() and node.is_connected(), what="both clients to come back")
        node.publish("dl/1/warsaw/0/node/readings", b"two", qos=1).wait_for_publish(10)
        wait_for(lambda: got[-1] == b"two", what="the message after the restart")
    finally:
        for one in (client, node):
            one.disconnect()
            one.loop_stop()


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's table of sockets")
def test_broker_listens_on_this_machine_only_and_frees_its_ports(broker: EmbeddedBroker) -> None:
    addresses = "".join(Path(f"/proc/net/{table}").read_text() for table in ("tcp", "tcp6"))
    for port in (broker.mqtt311_port, broker.mqtt5_port):
        listeners = re.findall(rf"([0-9A-F]+):{port:04X} 0+:0000 0A", addresses)
        assert listeners == ["0100007F"]
    broker.stop()
    broker.stop()
    assert not listening(broker.mqtt311_port)
    assert not listening(broker.mqtt5_port)


def test_a_taken_port_is_told(broker: EmbeddedBroker, free_port: Callable[[], int]) -> None:
    second = EmbeddedBroker(free_port(), broker.mqtt5_port)
    with pytest.raises(SimulatorError, match=f"ports .*{broker.mqtt5_port} .*in use"):
        second.start()
    second.close()
    assert broker.running


def test_commands_list_places_and_refuse_nonsense() -> None:
    run = CliRunner().invoke
    assert "wilanow" in run(sim, ["places"]).output
    for words, message in (
        (["node", "--place", "krakow"], "no place 'krakow'"),
        (["node", "--broker", "here"], "not HOST:PORT"),
        (["fleet", "--nodes", "0"], "'0' is no number of nodes"),
    ):
        result = run(sim, words)
        assert result.exit_code == 2
        assert message in result.output
