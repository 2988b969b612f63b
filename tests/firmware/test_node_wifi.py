"""A whole node whose Wi-Fi is bad, and whose broker or name server refuses: it comes back by itself and says
why it was away."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from simulator.board.network import AccessPoint
from simulator.node import SimNode
from simulator.options import NodeOptions
from tests.firmware.mqtt_probe_driver import Server, byte_by_byte, packet
from tests.firmware.node_bench import AIR, QUICK, ScriptedGateway
from tests.support import Mosquitto, wait_for

pytestmark = [pytest.mark.needs_mosquitto, pytest.mark.needs_micropython]

LONG = 90.0


@pytest.fixture
def off(tmp_path: Any, broker: Mosquitto, ntp: Any) -> Iterator[Callable[..., SimNode]]:
    """Make a node that is not switched on yet."""
    made: list[SimNode] = []

    def make(**options: Any) -> SimNode:
        chosen = {"broker_port": broker.port, "ntp": (ntp.address,), **QUICK, **options}
        made.append(SimNode(tmp_path / "node", NodeOptions("praga-1", **chosen), lambda _at: AIR))
        return made[-1]

    yield make
    for one in made:
        one.stop()
        print(one.log.read_text())


def logged(node: SimNode, *texts: str) -> str:
    wait_for(lambda: all(text in node.log.read_text() for text in texts), LONG, f"{texts} in the log")
    return node.log.read_text()


def counted(gateway: ScriptedGateway, name: str, least: int = 1) -> int:
    """What health says of a counter, once it is not less than `least`."""

    def count() -> int:
        return int(gateway.health[-1]["counters"].get(name, 0)) if gateway.health else 0

    wait_for(lambda: count() >= least, LONG, f"{name} in health")
    return count()


def more(gateway: ScriptedGateway) -> None:
    before = len(gateway.readings)
    wait_for(lambda: len(gateway.readings) > before + 1, LONG, "readings")


def test_a_router_that_was_away_and_has_another_channel(
    node: Callable[..., SimNode], gateway: ScriptedGateway
) -> None:
    one = node()
    more(gateway)
    one.cut_wifi()
    logged(one, "mqtt: Wi-Fi is gone", "wifi: dustline - network not found")
    one.access_point.channel = 11
    one.restore_wifi()
    more(gateway)
    assert counted(gateway, "wifi_joins") == 2
    assert counted(gateway, "wifi_failures")

    def seqs() -> list[int]:
        return sorted(reading["seq"] for _boot, reading in gateway.readings)

    # Fresh readings go first: what waited meanwhile comes behind them.
    wait_for(lambda: set(range(1, seqs()[-1] + 1)) == set(seqs()), LONG, "all of them")
    assert seqs() == sorted(set(seqs())), "each once"
    assert one.starts == 1, "without a restart"


def test_of_several_known_networks_the_strongest_then_the_last_good_one(
    off: Callable[..., SimNode], gateway: ScriptedGateway
) -> None:
    wifi = [{"ssid": "absent"}, {"ssid": "dustline", "password": "particles"}, {"ssid": "cafe"}]
    one = off(extra={"wifi": wifi}, router=False)
    one.access_point.rssi = -70
    cafe = AccessPoint("cafe", "", rssi=-50, bssid=b"\x02cafe0", channel=1)
    one.access_points.append(cafe)
    one.start()
    more(gateway)
    cafe.on = False
    wait_for(lambda: counted(gateway, "wifi_joins") == 2, LONG, "the second network")
    joins = [line for line in one.log.read_text().splitlines() if line.startswith("wifi: joining")]
    assert joins == [
        "wifi: joining cafe (-50 dBm)",
        "wifi: joining cafe",  # the last good one, without a scan
        "wifi: joining dustline (-70 dBm)",
    ]


def test_of_several_access_points_the_strongest_once_the_usual_way_failed(
    off: Callable[..., SimNode], gateway: ScriptedGateway
) -> None:
    one = off()
    one.access_point.channel = 11
    one.access_point.rssi = -55
    # The chip would take this one, and have one try a minute.
    one.access_points.append(AccessPoint("dustline", "other key", -94, channel=1, bssid=b"\x02weak0"))
    one.start()
    more(gateway)
    log = logged(one, "wifi: joining dustline (-55 dBm)")
    assert "wifi: dustline - wrong password, or the signal is weak" in log
    assert "wifi: none of the known networks could be joined" in log


def test_a_weak_signal_needs_patience_and_no_restart(
    off: Callable[..., SimNode], gateway: ScriptedGateway
) -> None:
    one = off()
    one.access_point.rssi = -88
    one.start()
    more(gateway)
    assert gateway.health[-1]["rssi"] == -88
    assert one.starts == 1


def test_a_chip_that_hangs_is_switched_off_and_on(
    off: Callable[..., SimNode], gateway: ScriptedGateway
) -> None:
    one = off()
    one.access_point.hung = True
    one.start()
    logged(one, "wifi: dustline - joining", "wifi: cannot join - the interface is switched off and on")
    more(gateway)
    assert counted(gateway, "wifi_resets") == 1
    assert one.starts == 1


def test_a_chip_without_memory_for_wifi_stops_nothing(
    off: Callable[..., SimNode], gateway: ScriptedGateway
) -> None:
    one = off()
    one.access_point.no_memory.update(active=1, connect=1, scan=1)
    one.start()
    why = "Wifi Unknown Error 0x0101"
    logged(one, f"wifi: cannot be switched on now: {why}", f"wifi: cannot join now: {why}", "wifi: up")
    more(gateway)
    assert one.access_point.no_memory == {"active": 0, "connect": 0, "scan": 0}
    assert gateway.health[-1]["counters"]["task_restarts"] == 0
    assert one.starts == 1


def test_a_broker_that_refuses_is_told_counted_and_tried_again(
    node: Callable[..., SimNode], gateway: ScriptedGateway, broker: Mosquitto
) -> None:
    answers = [3, 4, 5]
    relay = byte_by_byte(broker.port)

    def talk(connection: socket.socket) -> None:
        if answers:
            packet(connection)
            connection.sendall(b"\x20\x02\x00" + bytes([answers.pop(0)]))
            connection.recv(100)
        else:
            relay(connection)

    server = Server(talk)
    try:
        one = node(broker_port=server.port, password="wrong", user="praga-1")
        more(gateway)
        log = logged(one, "mqtt: the broker is not available (CONNACK code 3)")
        assert "mqtt: the broker refused the user name or the password (CONNACK code 4)" in log
        assert "mqtt: the broker refused the user name or the password, or this node is not allowed in" in log
        assert counted(gateway, "mqtt_refused") == 3
        assert counted(gateway, "mqtt_failures") == 3
    finally:
        server.end()


def test_a_name_that_cannot_be_resolved_is_told_and_tried_again(node: Callable[..., SimNode]) -> None:
    one = node(broker_host="no-such-host.invalid", router=False)
    told = "mqtt: cannot resolve the name no-such-host.invalid"
    wait_for(lambda: one.log.read_text().count(told) >= 3, LONG, "three tries")
    assert one.starts == 1
