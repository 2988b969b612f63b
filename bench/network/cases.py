"""The cases in plain text: what is done to the network, in the order of the table."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.network.stage import Stage
from bench.network.sweep import every_byte
from simulator.bad_network import Fault
from simulator.bad_packets import PacketFault
from simulator.runtime import SimulatorError, find_firmware

ACKS = PacketFault
NAME = "broker.dustline.invalid"  # RFC 2606: it never resolves


@dataclass(frozen=True)
class Case:
    name: str  # of the node, too
    what: str
    play: Callable[[Stage], None]
    own_world: bool = False  # it stops the broker or the gateway


def stays(fault: Fault, seconds: float = 15, **options: Any) -> Callable[[Stage], None]:
    """The fault is there from the start to the last reading's arrival: data gets through all the same."""

    def play(stage: Stage) -> None:
        stage.begin(fault, **options)
        stage.until_connected()
        stage.last(seconds)

    return play


def passes(fault: Fault, seconds: float = 20) -> Callable[[Stage], None]:
    """The network is good, bad for some time, good again."""

    def play(stage: Stage) -> None:
        stage.begin()
        stage.until_connected()
        stage.net.always(fault)
        stage.last(seconds)
        stage.heal()

    return play


def _goes_silent(stage: Stage) -> None:
    """Thrice, in the middle of things; a new connection works at once."""
    stage.begin()
    for times in range(1, 4):
        stage.until_says("mqtt: connected", times)
        stage.last(4)
        stage.net.silence()
        stage.until_says("mqtt: connected", times + 1)


def _reset_now_and_then(stage: Stage) -> None:
    stage.begin()
    for times in range(1, 9):
        stage.until_says("mqtt: connected", times)
        stage.last(0.3 * times)
        stage.net.cut()
        stage.until_says("mqtt: connected", times + 1)


def _refused(stage: Stage) -> None:
    stage.begin()
    stage.until_connected()
    stage.net.refuse(True)
    stage.net.cut()
    stage.until_says("refused the connection")
    stage.last(15)
    stage.heal()


def _answered(answer: bytes, words: str) -> Callable[[Stage], None]:
    """Somebody answers in the broker's place; the node says what is wrong and comes again."""

    def play(stage: Stage) -> None:
        stage.begin(Fault(answer=answer))
        stage.until_says(words, 2)
        stage.last(10)
        stage.heal()

    return play


def _broker_killed(stage: Stage) -> None:
    """SIGKILL three times, the second time with all that it had written down gone."""
    stage.begin()
    broker = stage.world.broker
    for times in range(1, 4):
        stage.until_says("mqtt: connected", times)
        stage.last(5)
        broker.kill()
        stage.last(4)
        if times == 2:
            for file in stage.world.directory.glob("mosquitto.db*"):
                file.unlink()
        broker.start()
    stage.until_says("mqtt: connected", 4)


def _gateway_killed(stage: Stage) -> None:
    """SIGKILL twice; the broker goes on acknowledging."""
    import signal

    stage.begin()
    stage.until_connected()
    gateway = stage.world.gateway
    for _ in range(2):
        stage.last(5)
        gateway.end(signal.SIGKILL)
        stage.last(6)
        gateway.start()


PATIENCE, SHORT = "retain=False, timeout_s=20)", "retain=False, timeout_s=5)"


def _pubacks_lost(stage: Stage) -> None:
    """The fault stays. A node waits 20 s for each that is lost, 5 s in CI's form."""
    firmware = None
    if stage.length < 1:
        firmware = stage.world.directory / "impatient"
        shutil.copytree(find_firmware(), firmware, ignore=shutil.ignore_patterns("__pycache__"))
        client = firmware / "node" / "mqtt" / "client.py"
        text = client.read_text(encoding="utf-8")
        if text.count(PATIENCE) != 1:
            raise SimulatorError(f"{client} does not say {PATIENCE} once")
        client.write_text(text.replace(PATIENCE, SHORT), encoding="utf-8")
    stage.begin(Fault(packets=ACKS(lose_pubacks=0.3)), firmware=firmware)
    stage.until_connected()
    stage.last(15)


# Stands before MicroPython's own in the node's path: names resolve while the file `no-dns` is not there.
RESOLVER = """
import os, time
import usocket
from usocket import *

def getaddrinfo(host, port, *rest):
    if host == "{name}":
        try:
            os.stat("{switch}")
        except OSError:
            host = "127.0.0.1"
        else:
            time.sleep(2)
            raise OSError("[addrinfo error -3]")
    return usocket.getaddrinfo(host, port, *rest)
"""


def _dns_away(stage: Stage) -> None:
    """The resolver gives no answer for two seconds, then an error; later it answers."""
    net = stage.network()
    node = stage.make(net, broker_host=NAME)
    switch = node.directory / "no-dns"
    main = node.directory / "main"
    main.mkdir(parents=True)
    switch.touch()
    (main / "socket.py").write_text(RESOLVER.format(name=NAME, switch=switch))
    node.start()
    stage.until_says("cannot resolve", 2)
    stage.last(10)
    switch.unlink()
    stage.until_connected()
    stage.last(2)
    switch.touch()
    stage.net.cut()
    stage.until_says("cannot resolve", 4)
    switch.unlink()


def _dns_wrong(stage: Stage) -> None:
    """The real resolver, and a name that does not exist; then the name is put right in config.json."""
    net = stage.network()
    node = stage.make(net, broker_host=NAME)
    node.start()
    stage.until_says("cannot resolve", 3)
    stage.last(5)
    node.kill()
    config = node.flash / "config.json"
    config.write_text(config.read_text().replace(NAME, "localhost"))
    node.start()
    stage.until_connected()


# What a node has if nobody says otherwise.
DEFAULT = {"keepalive_s": 60, "ack_timeout_s": 20, "health_s": 10}
PLAIN = [
    Case("good", "a good network, for comparison", stays(Fault())),
    Case("delay", "0.3 to 0.8 s each way", stays(Fault(delay_s=0.3, jitter_s=0.5))),
    Case(
        "satellite",
        "2 to 3 s each way, the node's default patience",
        stays(Fault(delay_s=2, jitter_s=1), 20, **DEFAULT),
    ),
    Case("pieces", "every byte for itself", stays(Fault(piece=1))),
    Case("slow", "400 bytes a second each way", stays(Fault(bytes_per_s=400, piece=40))),
    Case("silence", "half-open three times: open, and nothing comes through", _goes_silent),
    Case("half-open", "every connection half-open after 700 bytes", passes(Fault(silent_up=700), 30)),
    Case("mute", "accepted, never answered", passes(Fault(silent_up=0), 25)),
    Case("resets", "reset eight times, at any moment", _reset_now_and_then),
    Case("refused", "nobody listens on the broker's port", _refused),
    Case("busy", "CONNACK 3: not available", _answered(b"\x20\x02\x00\x03", "not available")),
    Case("barred", "CONNACK 5: not authorised", _answered(b"\x20\x02\x00\x05", "CONNACK code 5")),
    Case("portal", "a captive portal answers in HTTP", _answered(b"HTTP/1.1 302 Found\r\n\r\n", "mqtt:")),
    Case("ack-lost", "half of the gateway's acks lost", stays(Fault(packets=ACKS(lose_acks=0.5)))),
    Case(
        "ack-again", "every ack of the gateway comes three times", stays(Fault(packets=ACKS(repeat_acks=2)))
    ),
    Case("ack-order", "acks held back, the oldest last", stays(Fault(packets=ACKS(hold_acks=2)))),
    Case("puback-lost", "PUBACKs lost, three of ten", _pubacks_lost),
    Case("puback-again", "every PUBACK twice", stays(Fault(packets=ACKS(repeat_pubacks=1)))),
    Case("forgets", "half of the messages PUBACKed and lost", stays(Fault(packets=ACKS(lose_readings=0.5)))),
    Case("dns-away", "the name does not resolve, later it does", _dns_away),
    Case("dns-wrong", "the name does not exist; put right at a second start", _dns_wrong),
    Case("broker-dies", "Mosquitto killed and restarted three times", _broker_killed, own_world=True),
    Case("gateway-dies", "gateway killed and restarted twice", _gateway_killed, own_world=True),
]


def whole(fast: bool) -> list[Case]:
    """All cases; `fast` takes a sample of the places to cut."""
    return [
        *PLAIN,
        Case(
            "every-byte",
            "reset at every byte of a session, both directions",
            every_byte(4, 40) if fast else every_byte(24, None),
        ),
    ]
