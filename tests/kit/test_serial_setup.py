"""A node is set up over its console: the computer's side against the real firmware on the Unix port."""

from __future__ import annotations

import binascii
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dustline.kit.improv import Improv, ImprovError
from simulator.options import NodeOptions
from tests.kit.rig import in_setup, line, shown
from tests.support import Mosquitto, wait_for

pytestmark = [pytest.mark.needs_micropython, pytest.mark.needs_mosquitto]


@pytest.fixture
def broker(mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> Mosquitto:
    return mosquitto()


def kit(broker: Mosquitto, **more: Any) -> bytes:
    made = {
        "node": "kuchnia",
        "network": "warsaw",
        "secret": "s" * 40,
        "host": "127.0.0.1",
        "port": broker.port,
        "tls": False,
        "portal": "sosna-9-wiatr",
    }
    return json.dumps({**made, **more}, separators=(",", ":")).encode()


def test_a_node_is_set_up(broker: Mosquitto, tmp_path: Path) -> None:
    options = NodeOptions("kuchnia", ssid="Café ☕ 5", wifi_password="zażółć gęślą")
    with in_setup(tmp_path / "node", options, {"sleep_s": 60}) as node, line(node) as port:
        improv = Improv(port)
        improv.find(10)
        assert improv.state == 2
        assert improv.info()[0] == "Dustline"
        assert [one.ssid for one in improv.networks()] == ["Café ☕ 5"]
        # a kit code that is too long for one piece
        assert (
            improv.give_kit(
                kit(
                    broker,
                    name="x" * 60,
                    ca=binascii.b2a_base64(b"0" * 300).decode(),
                    portal="label-7-kuchni",
                )
            )
            == "kuchnia"
        )
        improv.join("Café ☕ 5", "zażółć gęślą")
        assert improv.state == 4
        wait_for(lambda: "setup: the settings are kept" in shown(node), 5)
        config = json.loads((node.flash / "config.json").read_text())
        assert config["wifi"] == [{"ssid": "Café ☕ 5", "password": "zażółć gęślą"}]
        assert config["broker"]["password"] == "s" * 40
        assert config["sleep_s"] == 60
        assert "s" * 40 not in shown(node)
        assert "gęślą" not in shown(node)
        # Its label is all that a phone knows: the self-test is to be found in the label's network.
        wait_for(
            lambda: node.soft_ap.heard() == ("Dustline-kuchnia", "label-7-kuchni", True),
            60,
            "the label's network",
        )


def test_requests_that_cannot_be_met(broker: Mosquitto, tmp_path: Path) -> None:
    options = NodeOptions("kuchnia")
    with in_setup(tmp_path / "node", options, {}) as node, line(node) as port:
        improv = Improv(port)
        improv.find(10)
        with pytest.raises(ImprovError):
            improv.join("dustline", "particles")
        assert improv.why() == ["no_code", ""]
        with pytest.raises(ImprovError, match="no connection"):
            improv.join("", "particles")
        assert improv.why() == ["ssid"]
        with pytest.raises(ImprovError):
            improv.join("dustline", "short")
        assert improv.why() == ["password"]
        with pytest.raises(ImprovError, match="refused the kit code: content"):
            improv.give_kit(kit(broker, host=""))
        with pytest.raises(ImprovError, match="refused the kit code: content"):
            improv.give_kit(b"no JSON")
        for request, code in (
            (b"\x05\x00", 2),  # hostname: not among ours
            (b"\x09\x00", 2),
            (b"\x02\x05", 1),  # a length that is not so
            (b"", 1),
            (b"\xd1\x03\x01\x02x", 1),  # the second piece first
        ):
            body = b"IMPROV\x01\x03" + bytes([len(request)]) + request
            port.write(body + bytes([sum(body) & 255, 10]))
            with pytest.raises(ImprovError) as told:
                improv._result(0, 5)
            assert told.value.code == code, request


def test_rubbish_between_and_in_packets(broker: Mosquitto, tmp_path: Path) -> None:
    seed = random.getrandbits(30)
    print("seed", seed)
    rng = random.Random(seed)
    options = NodeOptions("kuchnia")
    with in_setup(tmp_path / "node", options, {}) as node, line(node) as port:
        improv = Improv(port)
        improv.find(10)
        body = b"IMPROV\x01\x03\x02\x03\x00"
        good = body + bytes([sum(body) & 255, 10])
        for _ in range(12):
            # A packet that lost, changed or got a byte; the Ctrl-C in it must stop nothing.
            spoilt = bytearray(good)
            at = rng.randrange(len(good) - 1)
            match rng.randrange(3):
                case 0:
                    del spoilt[at]
                case 1:
                    spoilt[at] ^= 1 << rng.randrange(8)
                case _:
                    spoilt.insert(at, rng.choice(b"xIM\x01\xff"))
            cut = rng.randrange(len(good))
            port.write(bytes(spoilt))
            port.write(bytes(rng.choice(b"abc MPROV\x00\xff") for _ in range(rng.randrange(20))))
            port.write(good[:cut])
            port.flush()
            port.write(good[cut:])
            try:
                assert improv._result(3, 1)[0] == "Dustline"
            except ImprovError:  # the spoilt one may have swallowed the good one
                assert improv.info()[0] == "Dustline"
            improv._drain()
        assert node.crashes == 0
        assert "KeyboardInterrupt" not in shown(node)


@pytest.mark.parametrize("keys", [b"\x03", b"\r\x03", b"\r\x03\x03"], ids=["a key", "mpremote", "twice"])
def test_ctrl_c_at_the_console_stops_it(tmp_path: Path, keys: bytes) -> None:
    with in_setup(tmp_path / "node", NodeOptions("kuchnia"), {}) as node, line(node) as port:
        Improv(port).find(10)
        wait_for(lambda: not port.read(100), 5, "quiet")
        port.write(keys)
        wait_for(lambda: "KeyboardInterrupt" in shown(node), 5)
