"""machine, network and esp32 as firmware meets them: small scripts on the real MicroPython Unix port."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.board.power import Reset
from simulator.bytecode import compiled
from tests.simulator.chip_board import CHIP, Board


@pytest.fixture
def board(tmp_path: Path, micropython: str) -> Iterator[Board]:
    made = Board(tmp_path, micropython)
    yield made
    made.close()


def test_a_node_whose_simulator_is_gone_ends_at_its_next_call(board: Board) -> None:
    board.threads.clear()
    ours, theirs = socket.socketpair()
    with ours:
        process = subprocess.Popen(
            [
                board.micropython,
                "-c",
                "try:\n    import machine\n    machine.freq()\nfinally: print('finally')",
            ],
            env={**os.environ, "MICROPYPATH": f"{CHIP}:.frozen", "DUSTLINE_CHIP": str(theirs.fileno())},
            pass_fds=(theirs.fileno(),),
            stdout=subprocess.PIPE,
            text=True,
        )
        theirs.close()
        assert ours.recv(100) == b"('machine', 'freq')\n"
    out, _ = process.communicate(timeout=10)
    assert (process.returncode, out) == (-9, "")


def test_wifi_joins_and_tells_codes(board: Board) -> None:
    script = """
import network, time
w = network.WLAN(network.STA_IF)
try: w.connect("home", "secret")
except OSError as e: print(e)
w.active(True)
print(w.status() == network.STAT_IDLE, w.isconnected(), w.ifconfig()[0])
def join(ssid, key):
    w.connect(ssid, key)
    print(w.status())
    for _ in range(200):
        if w.status() != network.STAT_CONNECTING: break
        time.sleep_ms(5)
    print(w.status(), w.isconnected())
join("home", "wrong")
try: w.connect("home", "secret")
except OSError as e: print("twice:", e)
w.disconnect()
join("nowhere", "secret")
w.disconnect()
join("home", "secret")
print(w.status("rssi"), w.ifconfig()[0] != "0.0.0.0", w.scan()[0][0], w.config("mac"))
w.disconnect()
print(w.status())
"""
    assert board.run(script).splitlines() == [
        "Wifi Not Started",
        "True False 0.0.0.0",
        *("1001", "202 False", "twice: Wifi Internal Error"),
        *("1001", "201 False", "1001", "1010 True"),
        "-61 True b'home' b'\\x02B\\xac\\x11\\x00\\x02'",
        "1000",
    ]


def test_a_lost_router_is_noticed_and_rejoined(board: Board) -> None:
    script = """
import network, time, sys
w = network.WLAN(network.STA_IF); w.active(True); w.connect("home", "secret")
def until(up):
    for _ in range(400):
        if w.isconnected() == up: return
        time.sleep_ms(5)
until(True); print(w.isconnected())
until(False); print(w.isconnected(), w.status() != 1010)
until(True); print(w.isconnected(), w.status())
"""
    process = board.start(script)
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    board.air.on = False
    assert process.stdout.readline() == "False True\n"
    board.air.on = True
    assert board.finish(process) == "True 1010"


@pytest.mark.parametrize(
    ("call", "reset"),
    [
        ("machine.reset()", Reset("hard")),
        ("machine.soft_reset()", Reset("soft")),
        ("machine.deepsleep(1500)", Reset("deepsleep", 1.5)),
        ("machine.deepsleep()", Reset("deepsleep", None)),
        ("d = machine.WDT(timeout=100)\n    while True: pass", Reset("watchdog")),
    ],
)
def test_the_chip_ends_itself_without_running_finally(board: Board, call: str, reset: Reset) -> None:
    script = f"import machine, time\ntry:\n    {call}\n    print('went on')\nfinally:\n    print('finally')\n"
    assert board.run(script, code=-9) == ""
    assert board.ended == reset


def test_a_fed_watchdog_lets_it_live(board: Board) -> None:
    assert board.run(
        "import machine, time\nd = machine.WDT(timeout=400)\n"
        "for _ in range(8):\n    time.sleep(0.1)\n    d.feed()\nprint('alive')"
    ) == ("alive")


@pytest.mark.parametrize(
    ("cause", "constant"), [("power", 1), ("hard", 2), ("watchdog", 3), ("deepsleep", 4), ("soft", 5)]
)
def test_reset_causes_have_the_chips_values(board: Board, cause: str, constant: int) -> None:
    script = "import machine\nprint(machine.reset_cause(), machine.unique_id(), machine.freq())"
    assert board.run(script, cause) == f"{constant} b'\\x02B\\xac\\x11\\x00\\x02' 160000000"


def test_only_a_soft_reset_leaves_wifi_up(board: Board) -> None:
    join = (
        "import network, time\nw = network.WLAN(0); w.active(True); w.connect('home', 'secret')\n"
        "while not w.isconnected(): time.sleep_ms(5)\n"
    )
    look = "import network\nprint(network.WLAN(0).isconnected())"
    board.run(join)
    assert board.run(look, "soft") == "True"
    assert board.run(look, "hard") == "False"


def test_rtc_runs_on_over_a_reset_but_not_over_a_power_cut(board: Board) -> None:
    now = "import machine\nr = machine.RTC()\nprint(r.datetime()[:6], r.memory())"
    assert board.run(now) == "(2000, 1, 1, 5, 0, 0) b''"
    board.run(
        "import machine\nr = machine.RTC()\nr.datetime((2028, 2, 29, 1, 23, 30, 0, 0))\n"
        "r.memory(bytearray(b'k\\xff'))"
    )
    assert board.run(now) == "(2028, 2, 29, 1, 23, 30) b'k\\xff'"
    board.power_on()
    assert board.run(now) == "(2000, 1, 1, 5, 0, 0) b''"


def test_nvs_keeps_what_was_committed(board: Board) -> None:
    board.run(
        "import esp32\nn = esp32.NVS('dl')\nn.set_i32('boot', 7)\nn.set_blob('b', b'xyz')\nn.commit()\n"
        "n.set_i32('boot', 8)"
    )
    board.power_on()
    out = board.run(
        "import esp32\nn = esp32.NVS('dl')\nb = bytearray(5)\n"
        "print(n.get_i32('boot'), n.get_blob('b', b), b)\n"
        "try: n.get_i32('none')\nexcept OSError as e: print(e.errno)\n"
        "try: n.get_blob('b', bytearray(2))\nexcept OSError as e: print(e.errno)\n"
        "try: n.set_i32('boot', 1 << 31)\nexcept OverflowError as e: print(e)"
    )
    assert out.splitlines() == [
        "7 3 bytearray(b'xyz\\x00\\x00')",
        "-4354",
        "-4364",
        "value does not fit in 32 bits",
    ]


def test_pins_keep_their_level(board: Board) -> None:
    script = """
from machine import Pin
p = Pin(2, Pin.OUT, value=1)
print(p.value(), p(), Pin(5).value(), Pin(4, Pin.IN, Pin.PULL_UP)())
p.off(); print(Pin(2).value())
for n, mode in ((99, -1), (34, Pin.OUT)):
    try: Pin(n, mode)
    except ValueError as e: print(e)
"""
    assert board.run(script).splitlines() == ["1 1 0 1", "0", "invalid pin", "pin can only be input"]


def test_what_is_not_there_is_an_attribute_error(board: Board) -> None:
    script = """
import machine, network, esp32
w = network.WLAN(0)
for thing, name in ((machine, "CAN"), (network, "PPP"), (esp32, "RMT"), (w, "ipconfig"), (w, "_step"),
                    (machine.Pin, "IRQ_RISING"), (machine.UART(1), "sendbreak")):
    try: getattr(thing, name); print("pretends", name)
    except AttributeError: pass
try: w.connect(1, 2, 3, 4)
except TypeError: print("type error")
try: machine.freq(object())
except TypeError as e: print(e)
"""
    lines = board.run(script).splitlines()
    assert lines[0] == "type error"
    assert "plain values only" in lines[1]
    assert len(lines) == 2


# The stand-ins' room is taken from the firmware's: this is what they may have of it.
def test_the_stand_ins_are_small(board: Board) -> None:
    script = """
import gc
gc.collect(); before = gc.mem_alloc()
import machine, network
u = machine.UART(1, 9600, rxbuf=512)
w = network.WLAN(network.STA_IF)
w.active(True); w.isconnected()
gc.collect(); print(gc.mem_alloc() - before)
"""
    board.modules = compiled(CHIP)
    assert int(board.run(script)) <= 4096


# Nor may they need a large piece of it for a moment: a full heap is in small ones.
def test_the_stand_ins_work_in_a_heap_in_pieces(board: Board) -> None:
    script = """
import gc, machine
pieces = [None] * 600
def fill(at, size):
    try:
        while True:
            pieces[at] = bytearray(size)
            at += 1
    except MemoryError: return at
count = fill(0, 500)
for at in range(0, count, 2): pieces[at] = None
gc.collect()
fill(count, 1000)
u = machine.UART(1, 9600, tx=17, rx=16, rxbuf=512)
bus = machine.I2C(0, scl=machine.Pin(22), sda=machine.Pin(21))
for f in (lambda: bus.readfrom(80, 60), lambda: bus.readfrom_into(80, bytearray(60)), u.any, bus.scan):
    try: print(f())
    except OSError as e: print(e.errno)
"""
    board.modules = compiled(CHIP)
    assert board.run(script).split() == ["19", "19", "0", "[]"]


def test_outside_the_simulator_the_message_says_what_is_missing(tmp_path: Path, micropython: str) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "DUSTLINE_CHIP"}
    done = subprocess.run(
        [micropython, "-c", "import machine"],
        env={**environment, "MICROPYPATH": f"{CHIP}:.frozen"},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert "DUSTLINE_CHIP is not set" in done.stdout + done.stderr
