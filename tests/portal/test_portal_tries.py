"""Tries that need no browser: TLS with the city's own authority, a hidden network, a server that is away."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.firmware import update_bench
from tests.firmware.certificates import make_ca, make_server_certificate, tls_listener
from tests.portal.bench import LONG, NODE, PASSWORD, SECRET, SSID, Fresh, ask, kit_code
from tests.support import Mosquitto, choose_port, require, wait_for

pytestmark = [pytest.mark.needs_mosquitto, pytest.mark.needs_micropython]

NAME = "broker.dustline.example"


def tried(one: Fresh, **form: str) -> str:
    """Send the form, wait until the try is over, and return the page."""
    wanted = {"token": one.token(), "net": "other", "other": SSID, "password": PASSWORD, **form}
    assert ask(one, "POST", "/try", wanted)[0] == 303
    return over(one)


def over(one: Fresh) -> str:
    return wait_for(
        lambda: (page := one.get()) and 'http-equiv="refresh" content="2;' not in page and page,
        LONG,
        "an outcome",
    )


def test_tls_trusts_the_authority_of_the_kit_code_alone(
    fresh: Callable[..., Fresh], mosquitto: Callable[..., Mosquitto], tmp_path: Path
) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "theirs").mkdir()
    ours, theirs = make_ca(tmp_path / "ours"), make_ca(tmp_path / "theirs")
    passwords = tmp_path / "passwords"
    passwords.touch(0o600)
    subprocess.run([require("mosquitto_passwd"), "-b", passwords, NODE, SECRET], check=True)
    port = choose_port()
    mosquitto(
        [
            *(f"password_file {passwords}", "allow_anonymous false"),
            *(f"listener {port} 127.0.0.1", *tls_listener(make_server_certificate(ours, (NAME,)))),
        ]
    )
    one = fresh(heap="192k")
    one.node.access_point.hidden = True
    tls: dict[str, Any] = {"tls": True, "name": NAME}
    page = tried(one, code=kit_code(port, **tls, ca=der(theirs.der)))
    assert "does not answer" in page
    assert "is not signed by the pinned CA" in page
    assert not list(one.node.flash.glob("ca-*")), "nothing is left of a try"
    page = tried(one, code=kit_code(port, **tls, ca=der(ours.der)))
    assert "It works" in page
    broker = one.config["broker"]
    assert (broker["tls"], broker["tls_name"]) == (True, NAME)
    assert (one.node.flash / broker["ca"]).read_bytes() == ours.der.read_bytes()
    one.wait("mqtt: connected to 127.0.0.1 with TLS")


def der(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def test_settings_may_be_kept_for_a_server_that_is_away(
    fresh: Callable[..., Fresh], guarded: Mosquitto
) -> None:
    one = fresh()
    guarded.stop()
    page = tried(one, code=kit_code(guarded.port))
    assert "does not answer" in page
    assert "wifi" not in one.config
    assert ask(one, "POST", "/keep", {"token": one.token()})[0] == 303
    assert "The settings are kept" in over(one)
    guarded.start()
    one.wait("mqtt: connected")
    assert one.config["node"] == NODE


def test_readings_of_the_time_before_are_sent(fresh: Callable[..., Fresh], guarded: Mosquitto) -> None:
    one = fresh()
    wait_for(lambda: "first reading" in born(one), LONG, "a reading before set-up")
    tried(one, code=kit_code(guarded.port))
    one.wait("setup: ok storage")
    assert "boot 2 after hard" in one.log


def born(one: Fresh) -> str:
    """Whether the outbox has something."""
    segments = [path for path in (one.node.flash / "outbox").glob("*") if path.stat().st_size > 20]
    return "first reading" if segments else ""


def test_a_signed_version_in_a_slot_can_be_set_up(fresh: Callable[..., Fresh], guarded: Mosquitto) -> None:
    one = fresh(board=update_bench.board(0), heap="192k")
    assert "It works" in tried(one, code=kit_code(guarded.port))
    one.wait("setup: ok settings")
