"""The LED while a node is set up, at the simulated pin: what docs/node/led.md says is what somebody sees."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.firmware.test_node_led import flashes
from tests.portal.bench import LONG, PASSWORD, SSID, Fresh, ask, kit_code
from tests.support import Mosquitto, wait_for

pytestmark = [pytest.mark.needs_mosquitto, pytest.mark.needs_micropython]

LED = 2


def test_the_led_says_that_it_waits_and_then_what_the_test_found(
    fresh: Callable[..., Fresh], guarded: Mosquitto
) -> None:
    one = fresh()
    wait_for(lambda: beats(one) == {1.0}, LONG, "a second of light, a second without")
    token = one.token()
    form = {"token": token, "net": "other", "other": SSID, "password": PASSWORD}
    assert ask(one, "POST", "/try", {**form, "code": kit_code(guarded.port)})[0] == 303
    wait_for(lambda: "saved" in one.get() or "kept" in one.get(), LONG, "settings that are kept")
    one.wait("setup: ok settings")
    wait_for(
        lambda: flashes(one.node, LED) == 3 and max(beats(one)) > 0.6, LONG, "three long flashes: all is well"
    )
    one.node.cut_wifi()
    wait_for(lambda: flashes(one.node, LED) == 2 or "Wi-Fi is gone" in one.log, LONG, "the loss of Wi-Fi")
    assert ask(one, "POST", "/test", {"token": one.token()})[0] == 303
    one.wait("setup: BAD wifi")
    wait_for(lambda: flashes(one.node, LED) == 2, LONG, "no Wi-Fi: two flashes")
    page = one.get(**{"Accept-Language": "pl"})
    assert "Brak Wi-Fi" in page
    assert "do poprawienia" in page
    assert ask(one, "POST", "/change", {"token": one.token()})[0] == 303
    wait_for(lambda: one.log.count("setup: page") == 3, LONG, "the form again")
    assert "Set up the node" in one.get()


def beats(one: Fresh) -> set[float]:
    """How long the LED is lit, in s, rounded to a quarter, of some seconds."""
    found: set[float] = set()
    began = time.monotonic()
    lit: float | None = None
    while time.monotonic() - began < 4.5:
        now = time.monotonic()
        if one.node.wiring.driven(LED) == 1:
            lit = lit or now
        elif lit is not None:
            if lit - began > 0.1:
                found.add(round((now - lit) * 4) / 4)
            lit = None
        time.sleep(0.01)
    return found
