"""The LED's level at the simulated pin, state by state: what docs/node/led.md says is what somebody sees."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from simulator.node import SimNode
from tests.firmware.node_bench import ScriptedGateway
from tests.support import Mosquitto, wait_for

pytestmark = [pytest.mark.needs_micropython, pytest.mark.needs_mosquitto]

STATE_S = 90  # until a pattern is seen whole; nine such tests may share two cores
PAUSE_S = 1.2  # dark for so long: the pattern begins anew; within it the LED is dark for a quarter of that


def flashes(one: SimNode, pin: int = 2, on: int = 1) -> int:
    """How often the LED lights up between two long pauses; 0 when it did nothing whole in some seconds."""
    count = 0
    begun = lit = False
    changed = time.monotonic()
    end = changed + 10
    while time.monotonic() < end:
        now = time.monotonic()
        if (one.wiring.driven(pin) == on) != lit:
            lit = not lit
            changed = now
            count += lit
        elif not lit and now - changed > PAUSE_S:
            if begun and count:
                return count
            begun, count = True, 0
        elif now - changed > 1.6:
            return 1 if lit and begun else 0  # lit for long: safe mode's 2 s
        time.sleep(0.01)
    return 100 if count > 12 else 0  # without a pause: identify


def shows(one: SimNode, count: int, what: str, pin: int = 2, on: int = 1) -> None:
    wait_for(lambda: flashes(one, pin, on) == count, STATE_S, what)


def test_each_state_is_to_be_seen(
    node: Callable[..., SimNode], gateway: ScriptedGateway, broker: Mosquitto
) -> None:
    one = node(heap="256k")
    wait_for(lambda: gateway.readings, STATE_S, "a reading")
    shows(one, 1, "measuring: one flash")
    command = {"v": 1, "id": "where", "t": int(time.time()), "do": "identify"}
    gateway.client.publish("dl/1/warsaw/a/praga-1/command", json.dumps({**command, "seconds": 15}), 1)
    shows(one, 100, "identify: fast")
    shows(one, 1, "one flash again")
    one.wiring.plug("a", False)
    shows(one, 4, "a sensor's fault: four flashes")
    one.wiring.plug("a", True)
    broker.stop()
    shows(one, 3, "no broker: three flashes")
    one.cut_wifi()
    shows(one, 2, "no Wi-Fi: two flashes")


def test_it_is_lit_from_the_first_moment_and_an_inverted_one_too(node: Callable[..., SimNode]) -> None:
    one = node(heap="256k", auto=True, extra={"led": 25, "led_on": 0})
    wait_for(lambda: one.wiring.driven(25) == 0, STATE_S, "light while it starts")
    assert one.wiring.driven(2) is None
    one.cut_wifi()
    shows(one, 2, "no Wi-Fi: two flashes", pin=25, on=0)


def test_an_led_on_a_sensors_pin_stays_off(node: Callable[..., SimNode], gateway: ScriptedGateway) -> None:
    one = node(heap="256k", extra={"led": 17})
    wait_for(lambda: gateway.readings, STATE_S, "a reading")
    assert "led: is pin 17, which a sensor has; the LED stays off" in one.log.read_text()
    assert one.wiring.driven(2) is None
    assert gateway.readings[-1][1]["n"] >= 1
