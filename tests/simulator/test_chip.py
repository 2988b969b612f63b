"""The chip as firmware meets it: small scripts on the real MicroPython Unix port, with a pty for a UART."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.board.chip import Chip
from simulator.board.network import AccessPoint
from simulator.board.power import Reset
from simulator.board.talk import serve
from simulator.bytecode import compiled
from simulator.serial_line import SilentWire, Wire
from tests.support import wait_for

CHIP = Path(__file__).resolve().parents[2] / "simulator" / "chip"


class Board:
    """A chip under power, and scripts run as its firmware."""

    def __init__(self, directory: Path, micropython: str) -> None:
        self.directory = directory
        self.micropython = micropython
        self.modules = CHIP
        self.console: list[str] = []
        self.wire, self.nothing = Wire(), SilentWire()
        self.air = AccessPoint("home", "secret", join_s=0.05, beacon_s=0.05)
        self.threads: list[threading.Thread] = []
        self.ended: Reset | None = None
        self.power_on()

    def power_on(self) -> None:
        unique_id = bytes.fromhex("0242ac110002")
        nvs = self.directory / "nvs.json"
        self.chip = Chip(unique_id, self.air, {1: self.wire, 2: self.nothing}, nvs, self.console.append)

    def start(self, script: str, cause: str = "power") -> subprocess.Popen[str]:
        (self.directory / "script.py").write_text(script)
        ours, theirs = socket.socketpair()
        process = subprocess.Popen(
            [self.micropython, "-X", "heapsize=128k", "script.py"],
            cwd=self.directory,
            env={
                **os.environ,
                "MICROPYPATH": f"{self.modules}:.frozen",
                "DUSTLINE_CHIP": str(theirs.fileno()),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(theirs.fileno(), *self.chip.handles),
            text=True,
        )
        theirs.close()

        def talk() -> None:
            with ours:
                self.ended = serve(ours, self.chip, run, lambda: process.poll() is None)
                if self.ended is not None:
                    process.kill()

        run = self.chip.run(cause)
        thread = threading.Thread(target=talk)
        thread.start()
        self.threads.append(thread)
        return process

    def finish(self, process: subprocess.Popen[str], say: str | None = None, code: int = 0) -> str:
        """Say a line to the script, run it to the end, return its output; its exit code must be `code`."""
        out, err = process.communicate(say, timeout=20)
        self.threads[-1].join(10)
        assert process.returncode == code, out + err
        return out.strip()

    def run(self, script: str, cause: str = "power", code: int = 0) -> str:
        return self.finish(self.start(script, cause), code=code)

    def feed_when_ready(self, process: subprocess.Popen[str], data: bytes) -> str:
        """Wait for the script's line "ready", put data on the line, tell it to go on, return the rest."""
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        self.put(data)
        return self.finish(process, "go\n")

    def put(self, data: bytes) -> None:
        """Put data on the line, and wait until all that is not dropped has come through the kernel."""
        before = self.wire.waiting() + self.wire.dropped
        self.wire.put(data)
        wait_for(
            lambda: self.wire.waiting() + self.wire.dropped == before + len(data), what="bytes in the pty"
        )

    def close(self) -> None:
        self.wire.close()
        self.nothing.close()


@pytest.fixture
def board(tmp_path: Path, micropython: str) -> Iterator[Board]:
    made = Board(tmp_path, micropython)
    yield made
    made.close()


OPEN = """
import sys, machine, time
u = machine.UART(1, baudrate=9600, tx=17, rx=16{more})
print("ready")
sys.stdin.readline()
"""


def test_every_byte_arrives_in_order(board: Board) -> None:
    script = OPEN.format(more=", rxbuf=512") + (
        "got = b''\n"
        "while len(got) < 512: got += u.read(37) or b''\n"
        "print(got == bytes(range(256)) * 2, u.any(), u.read(), u.dropped)\n"
    )
    assert board.feed_when_ready(board.start(script), bytes(range(256)) * 2) == "True 0 None 0"


def test_bytes_beyond_the_receive_buffer_are_dropped(board: Board) -> None:
    script = OPEN.format(more="") + "print(u.any(), u.read() == bytes(range(256)), u.any(), u.dropped)\n"
    assert board.feed_when_ready(board.start(script), bytes(range(256)) + b"x" * 100) == "256 True 0 100"


def test_readinto_gives_what_is_there(board: Board) -> None:
    script = OPEN.format(more=", rxbuf=200") + (
        "b = bytearray(150)\n"
        "n = u.readinto(b); print(n, b == bytes(range(150)))\n"
        "print('again'); sys.stdin.readline()\n"
        "b = bytearray(300); n = u.readinto(b); print(n, b[:n] == bytes(range(150, 180)) + b'y' * 100)\n"
    )
    process = board.start(script)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    board.put(bytes(range(180)))
    process.stdin.write("go\n")
    process.stdin.flush()
    assert process.stdout.readline() == "150 True\n"
    assert process.stdout.readline() == "again\n"
    board.put(b"y" * 100)
    assert board.finish(process, "go\n") == "130 True"


def test_asyncio_reads_what_the_line_brings(board: Board) -> None:
    script = OPEN.format(more="") + (
        "import asyncio\n"
        "async def main():\n"
        "    s = asyncio.StreamReader(u)\n"
        "    print(await s.readexactly(5), await s.readexactly(6))\n"
        "asyncio.run(asyncio.wait_for(main(), 5))\n"
    )
    assert board.feed_when_ready(board.start(script), b"hello world") == "b'hello' b' world'"


def test_written_bytes_come_out(board: Board) -> None:
    assert board.run("import machine\nprint(machine.UART(1, 9600).write(b'\\xaa\\xb4\\n\\r\\x03'))") == "5"
    assert os.read(board.wire.far, 100) == b"\xaa\xb4\n\r\x03"


def test_an_unconnected_uart_is_silent_and_uart0_is_the_repl(board: Board) -> None:
    out = board.run(
        "import machine\nu = machine.UART(2, 9600)\nprint(u.write(b'abc'), u.any(), u.read())\n"
        "for n in (0, 3):\n"
        "    try: machine.UART(n)\n"
        "    except ValueError as e: print(e)\n"
    )
    assert out.splitlines() == [
        "3 0 None",
        "UART(0) is disabled (dedicated to REPL)",
        "UART(3) does not exist",
    ]


def test_what_came_before_the_port_was_open_is_not_heard(board: Board) -> None:
    board.wire.put(b"before")
    script = OPEN.format(more="") + "print(u.read())\n"
    assert board.feed_when_ready(board.start(script), b"after") == "b'after'"
    board.wire.put(b"unread")
    board.run("")  # a reset: the next run begins with an empty buffer
    assert board.feed_when_ready(board.start(script), b"again") == "b'again'"


def test_a_uart_can_be_opened_again(board: Board) -> None:
    script = "import machine, gc\nfor _ in range(3): machine.UART(1, 9600); gc.collect()\n"
    assert board.feed_when_ready(board.start(script + OPEN.format(more="") + "print(u.read(3))"), b"abc") == (
        "b'abc'"
    )


@pytest.mark.parametrize("more", ["timeout=100", "flow=3"])
def test_a_uart_refuses_what_it_cannot_do(board: Board, more: str) -> None:
    script = f"import machine\ntry: machine.UART(1, 9600, {more})\n"
    script += "except (ValueError, TypeError) as e: print(e)"
    assert more.partition("=")[0] in board.run(script)


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
