"""What guests of the node's network may do to it, and when that network opens and closes."""

from __future__ import annotations

import contextlib
import http.client
import random
import socket
import time
import urllib.parse
from collections.abc import Callable
from typing import Any

import pytest

from gateway.enrol.kit import portal_ssid
from tests.portal.bench import LONG, NODE, PASSWORD, SECRET, SSID, Fresh, ask, kit_code
from tests.support import Mosquitto, wait_for

pytestmark = [pytest.mark.needs_mosquitto, pytest.mark.needs_micropython]

BOOT = 0
PROBES = (
    ("connectivitycheck.gstatic.com", "/generate_204"),
    ("captive.apple.com", "/hotspot-detect.html"),
    ("www.msftconnecttest.com", "/connecttest.txt"),
    ("detectportal.firefox.com", "/canonical.html"),
)


def resolve(one: Fresh, name: str, kind: int = 1) -> bytes:
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    query = b"\xab\xcd\1\0\0\1\0\0\0\0\0\0" + labels + b"\0\0" + bytes([kind]) + b"\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(10)
        udp.sendto(query, ("127.0.0.1", one.dns))
        return udp.recv(512)


def test_guests_are_led_to_the_page_and_bounded(fresh: Callable[..., Fresh]) -> None:
    one = fresh()
    assert resolve(one, "captive.apple.com")[-4:] == bytes((192, 168, 4, 1))
    for host, path in PROBES:
        status, headers, body = ask(one, path=path, Host=host)
        assert (status, headers["Location"], body) == (302, one.url, "")
    assert ask(one, path="/favicon.ico")[0] == 404
    status, headers, body = ask(one)
    assert status == 200
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert "http" not in body.replace('http-equiv="', ""), "nothing from elsewhere"
    assert ask(one, "HEAD")[2] == ""
    strangers(one)
    floods(one)
    garbage(one)
    assert ask(one)[0] == 200
    assert ask(one, path="/look?lang=pl", form={"token": one.token()}, method="POST")[0] == 303
    assert one.node.crashes == 0
    assert "died" not in one.log
    assert "cannot answer" not in one.log


def strangers(one: Fresh) -> None:
    """A page of somebody else's cannot set the node up: it has no token, or comes under another name."""
    good = {"token": one.token(), "net": SSID.encode().hex(), "password": PASSWORD, "code": kit_code(1883)}
    nothing = {name: value for name, value in good.items() if name != "token"}
    for form in ({**good, "token": ""}, {**good, "token": "0" * 24}, nothing):
        assert ask(one, "POST", "/try", form)[0] == 403
    assert ask(one, "POST", "/try", good, Host="evil.example")[0] == 302
    assert ask(one, "GET", "/try?" + urllib.parse.urlencode(good))[0] == 404
    assert ask(one, "POST", "/nothing", {"token": good["token"]})[0] == 404
    assert ask(one, "POST", "/keep", {"token": good["token"]})[0] == 404, "only after a try without a broker"
    assert "wifi" not in one.config


def floods(one: Fresh) -> None:
    """Guests that hold their connections take no more than four, and not for ever."""
    host, _, port = one.at.partition(":")
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection((host, int(port)))) for _ in range(6)]
        for line in slow:
            line.sendall(b"GET / HT")
        began = time.monotonic()
        wait_for(lambda: try_ask(one) in (0, 503), 5, "a refusal")
        wait_for(lambda: try_ask(one) == 200, LONG, "the page, once the slow ones were sent away")
        assert time.monotonic() - began > 1


def try_ask(one: Fresh) -> int:
    """0 when the line was cut."""
    try:
        return ask(one)[0]
    except (OSError, http.client.HTTPException):
        return 0


def garbage(one: Fresh) -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    chance = random.Random(seed)
    host, _, port = one.at.partition(":")
    form = "token=x&net=zz&password=%FF&code=DL1.a.b"
    good = f"POST /try HTTP/1.1\r\nHost: {one.at}\r\nContent-Length: {len(form)}\r\n\r\n{form}".encode()
    for _ in range(60):
        data = bytearray(good)
        for _ in range(chance.randrange(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        with socket.create_connection((host, int(port)), timeout=30) as line, contextlib.suppress(OSError):
            line.sendall(bytes(data[: chance.randrange(1, len(data))]) if chance.random() < 0.3 else data)
            line.shutdown(socket.SHUT_WR)
            answer = line.recv(64)
            assert answer[:9] in (b"HTTP/1.1 ", b""), answer
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        for _ in range(100):
            udp.sendto(chance.randbytes(chance.randrange(80)), ("127.0.0.1", one.dns))
    assert resolve(one, "any.example")[-4:] == bytes((192, 168, 4, 1))


def test_a_long_press_opens_it_and_it_closes_when_nobody_comes(
    fresh: Callable[..., Fresh], guarded: Mosquitto
) -> None:
    broker: dict[str, Any] = {"host": "127.0.0.1", "port": guarded.port, "user": NODE, "password": SECRET}
    one = fresh(
        {
            "node": NODE,
            "wifi": [{"ssid": SSID, "password": PASSWORD}],
            "broker": broker,
            "portal": {"password": "canary-label", "idle_s": 8},
        }
    )
    before = one.config
    one.wait("mqtt: connected")
    assert one.node.soft_ap.heard() is None
    one.node.wiring.press(BOOT, True)
    time.sleep(1.5)  # a short press is none
    one.node.wiring.press(BOOT, False)
    time.sleep(0.6)
    assert one.node.starts == 1
    one.node.wiring.press(BOOT, True)
    one.wait("setup: page")
    one.node.wiring.press(BOOT, False)
    assert one.node.soft_ap.heard() == ("Dustline-" + NODE, "canary-label", True)
    page = one.get()
    assert NODE in page
    assert "Leave it empty to use the one that was typed before" in page
    assert "canary" not in page
    assert SECRET not in page
    one.wait("setup: nobody came, closing")
    wait_for(lambda: one.node.soft_ap.heard() is None, LONG, "the end of its network")
    wait_for(lambda: one.log.count("mqtt: connected") == 2, LONG, "the connection again")
    assert one.config == before
    assert one.node.starts == 3
    assert one.node.crashes == 0
    assert "canary" not in one.log


def test_the_self_test_is_seen_again_when_nothing_is_changed(
    fresh: Callable[..., Fresh], guarded: Mosquitto
) -> None:
    """The guide's way: hold the button, choose the Wi-Fi, leave all else empty."""
    broker: dict[str, Any] = {"host": "127.0.0.1", "port": guarded.port, "user": NODE, "password": SECRET}
    wifi = [{"ssid": SSID, "password": PASSWORD}]
    one = fresh(
        {"node": NODE, "wifi": wifi, "broker": broker, "portal": {"password": "canary-label", "idle_s": 60}}
    )
    one.wait("mqtt: connected")
    one.node.wiring.press(BOOT, True)
    one.wait("setup: page")
    one.node.wiring.press(BOOT, False)
    form = {"token": one.token(), "net": SSID.encode().hex(), "other": "", "password": "", "code": ""}
    assert ask(one, "POST", "/try", form)[0] == 303
    wait_for(lambda: "The settings are kept" in one.get(), LONG, "settings that are kept")
    one.wait("setup: ok settings")
    assert "Nothing is at fault" in one.get()
    assert one.config["wifi"] == wifi


def test_a_board_that_knows_its_label_opens_the_labels_network(fresh: Callable[..., Fresh]) -> None:
    """As `dustline node image --name --portal-password-file` leaves it: the label's QR code joins it."""
    one = fresh({"node": NODE, "portal": {"password": "canary-label"}})
    assert one.node.soft_ap.heard() == (portal_ssid(NODE), "canary-label", True)
    assert "Paste the whole text that begins with DL1." in one.get(), "a name is no kit code"
