"""Levels at the chip's pins, and the switches that pins work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from simulator.board.wiring import Fitting
from simulator.options import Fitted
from tests.simulator.chip_board import Board
from tests.simulator.chip_devices import Memory, Parrot


@pytest.fixture
def board(tmp_path: Path, micropython: str) -> Iterator[Callable[..., Board]]:
    made: list[Board] = []

    def make(*fittings: Fitting) -> Board:
        made.append(Board(tmp_path, micropython, fittings))
        return made[-1]

    yield make
    for each in made:
        each.close()


LEVELS = """
from machine import Pin
print([Pin(n, Pin.IN, Pin.PULL_DOWN).value() for n in ({pins})])
print([Pin(n, Pin.IN, Pin.PULL_UP)() for n in ({pins})])
"""


@pytest.mark.parametrize(
    ("fitting", "pins", "down"),
    [
        (Fitting(Fitted(), Parrot()), "16, 17", [1, 0]),  # the board's RX, its TX
        (Fitting(Fitted(swapped=True), Parrot()), "16, 17", [0, 1]),
        (Fitting(Fitted(tx=25, rx=26), Parrot()), "16, 17, 26", [0, 0, 1]),
        (Fitting(Fitted(i2c=0), Memory()), "21, 22, 4", [1, 1, 0]),
        (Fitting(Fitted(power=25), Parrot()), "16, 17", [0, 0]),
    ],
)
def test_a_powered_device_idles_high(
    board: Callable[..., Board], fitting: Fitting, pins: str, down: list[int]
) -> None:
    out = board(fitting).run(LEVELS.format(pins=pins)).splitlines()
    assert out == [str(down), str([1] * len(down))]


def test_a_device_that_holds_sda_pulls_it_low_whatever_the_pull(board: Callable[..., Board]) -> None:
    device = Memory()
    one = board(Fitting(Fitted(i2c=0), device))
    device.faults.bus_stuck = True
    assert one.run(LEVELS.format(pins="21, 22")).splitlines() == ["[0, 1]", "[0, 1]"]


def test_an_open_uarts_tx_reads_high_and_is_let_go_by_a_look(board: Callable[..., Board]) -> None:
    script = (
        "from machine import Pin, UART\nu = UART(1, 9600, tx=17, rx=16)\n"
        "print(Pin(17).value(), Pin(17, Pin.IN, Pin.PULL_DOWN).value())\n"
        "u.init(9600); print(Pin(17).value())\n"
    )
    assert board(Fitting(Fitted(), Parrot())).run(script).splitlines() == ["1 0", "1"]


def test_open_drain_lets_others_pull_the_line(board: Callable[..., Board]) -> None:
    script = (
        "from machine import Pin\np = Pin(21, Pin.OPEN_DRAIN, value=1)\nprint(p())\np(0); print(p())\n"
        "p(1); print(p())\nq = Pin(5, Pin.OPEN_DRAIN, Pin.PULL_UP, value=1); print(q())\n"
        "print(Pin(5, Pin.OPEN_DRAIN, None)(), Pin(5) is Pin(5) or Pin(Pin(5)).value())\n"
    )
    out = board(Fitting(Fitted(i2c=0), Memory())).run(script).splitlines()
    assert out == ["1", "0", "1", "1", "0 0"]


@pytest.mark.parametrize("on", [1, 0])
def test_a_switch_gives_and_takes_the_devices_power(board: Callable[..., Board], on: int) -> None:
    parrot = Parrot(b"here")
    one = board(Fitting(Fitted(power=25, power_on=on), parrot))
    script = f"""
from machine import Pin, UART
import time
u = UART(1, 9600, tx=17, rx=16)
def ask():
    u.write(b"?")
    for _ in range({{tries}}):
        time.sleep_ms(10)
        if u.any() >= 4: break
    print(u.read())
ask()
switch = Pin(25, Pin.OUT, value={on}); ask()
switch.value({1 - on}); ask()
switch.value({on}); ask()
""".replace("{tries}", "30")
    assert one.run(script).splitlines() == ["None", "b'here'", "None", "b'here'"]
    assert parrot.boots == 2
    assert parrot.got == b"??"


def test_a_reset_lets_all_pins_float_but_a_soft_one(board: Callable[..., Board]) -> None:
    parrot = Parrot()
    one = board(Fitting(Fitted(power=25), parrot))
    one.run("from machine import Pin\nPin(25, Pin.OUT, value=1)")
    assert parrot.powered
    assert one.run("from machine import Pin\nprint(Pin(25).value())", "soft") == "1"
    assert parrot.boots == 1
    assert one.run("from machine import Pin\nprint(Pin(25).value())", "watchdog") == "0"
    assert not parrot.powered


@pytest.mark.parametrize("on", [1, 0])
def test_a_pin_that_is_held_keeps_its_level_in_deep_sleep(board: Callable[..., Board], on: int) -> None:
    parrot = Parrot()
    one = board(Fitting(Fitted(power=25, power_on=on), parrot))
    switch = f"import esp32, machine\nfrom machine import Pin\nswitch = Pin(25, Pin.OUT, value={on})\n"
    sleep = "machine.deepsleep(1000)"
    one.run(switch + sleep, code=-9)
    assert one.wiring.driven(25) is None
    one.run(switch + "switch.init(hold=True)\n" + sleep, "deepsleep", code=-9)
    assert one.wiring.driven(25) is None
    one.run(
        switch + "switch.init(hold=True)\nesp32.gpio_deep_sleep_hold(True)\n" + sleep, "deepsleep", code=-9
    )
    assert parrot.powered
    boots = parrot.boots
    one.run(f"from machine import Pin\nPin(25, Pin.OUT, value={1 - on})", "deepsleep")
    assert parrot.powered, "it is held until it is let go"
    one.run(switch + "switch.init(hold=False)", "watchdog")
    assert parrot.powered
    assert parrot.boots == boots
    one.run(f"from machine import Pin\nPin(25, Pin.OUT, value={1 - on}, hold=False)", "soft")
    assert not parrot.powered
