"""The chip's stand-ins on the real MicroPython Unix port: small scripts against a pty."""

from __future__ import annotations

import json
import os
import subprocess
import tty
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHIP = Path(__file__).resolve().parents[2] / "simulator" / "chip"


class Board:
    """A chip description, a pty, and scripts run as its firmware."""

    def __init__(self, directory: Path, micropython: str) -> None:
        self.directory = directory
        self.micropython = micropython
        self.ours, self.theirs = os.openpty()
        tty.setraw(self.ours)
        self.router = directory / "router"
        self.router.touch()
        self.file = directory / "chip.json"
        self.description: dict[str, Any] = {
            "uart": {"1": os.ttyname(self.theirs)},
            "unique_id": "0242ac110002",
            "reset_cause": "power",
            "wifi": {
                "ssid": "home",
                "password": "secret",
                "rssi": -61,
                "up_file": str(self.router),
                "join_ms": 50,
                "beacon_ms": 50,
            },
        }

    def start(self, script: str) -> subprocess.Popen[str]:
        self.file.write_text(json.dumps(self.description))
        (self.directory / "script.py").write_text(script)
        return subprocess.Popen(
            [self.micropython, "-X", "heapsize=128k", "script.py"],
            cwd=self.directory,
            env={**os.environ, "MICROPYPATH": f"{CHIP}:.frozen", "DUSTLINE_CHIP": str(self.file)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, script: str, code: int = 0) -> str:
        """Run to the end; the exit code must be `code`."""
        process = self.start(script)
        out, err = process.communicate(timeout=20)
        assert process.returncode == code, out + err
        return out.strip()

    def feed_when_ready(self, process: subprocess.Popen[str], data: bytes) -> str:
        """Wait for the script's line "ready", put data on the line, tell it to go on, return the rest."""
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.write(self.ours, data)
        out, err = process.communicate("go\n", timeout=20)
        assert process.returncode == 0, out + err
        return out.strip()

    def close(self) -> None:
        for handle in {self.ours, self.theirs}:
            os.close(handle)


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


def test_readinto_wraps_around_the_buffer(board: Board) -> None:
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
    os.write(board.ours, bytes(range(180)))
    process.stdin.write("go\n")
    process.stdin.flush()
    assert process.stdout.readline() == "150 True\n"
    assert process.stdout.readline() == "again\n"
    os.write(board.ours, b"y" * 100)
    out, err = process.communicate("go\n", timeout=20)
    assert out == "130 True\n", err


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
    assert os.read(board.ours, 100) == b"\xaa\xb4\n\r\x03"


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


def test_a_line_that_hangs_up_ends_the_process_with_a_message(board: Board) -> None:
    process = board.start(OPEN.format(more="") + "while True: u.any()\n")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    os.close(board.ours)
    os.close(board.theirs)
    board.ours = board.theirs = os.open(os.devnull, os.O_RDWR)  # for close() at the end
    _, err = process.communicate("go\n", timeout=20)
    assert process.returncode == 65
    assert "of UART 1 is gone" in err


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
import network, time, os
w = network.WLAN(network.STA_IF); w.active(True); w.connect("home", "secret")
def until(up):
    for _ in range(400):
        if w.isconnected() == up: return
        time.sleep_ms(5)
until(True); os.remove("router"); print(w.isconnected())
until(False); print(w.isconnected(), w.status() != 1010)
open("router", "w").close(); until(True); print(w.isconnected(), w.status())
"""
    assert board.run(script).splitlines() == ["True", "False True", "True 1010"]


@pytest.mark.parametrize(
    ("call", "cause"),
    [
        ("machine.reset()", "hard"),
        ("machine.soft_reset()", "soft"),
        ("machine.deepsleep(1500)", "deepsleep"),
        ("d = machine.WDT(timeout=100)\n    time.sleep(0.3)\n    d.feed()", "watchdog"),
    ],
)
def test_the_chip_ends_itself_without_running_finally(board: Board, call: str, cause: str) -> None:
    script = f"import machine, time\ntry:\n    {call}\n    print('went on')\nfinally:\n    print('finally')\n"
    assert board.run(script, code=-10) == ""
    end = json.loads((board.directory / "chip.json.end").read_text())
    assert (end["cause"], end["wake_s"]) == (cause, 1.5 if cause == "deepsleep" else 0)


def test_a_fed_watchdog_lets_it_live(board: Board) -> None:
    assert board.run(
        "import machine, time\nd = machine.WDT(timeout=200)\n"
        "for _ in range(8):\n    time.sleep(0.05)\n    d.feed()\nprint('alive')"
    ) == ("alive")


@pytest.mark.parametrize(
    ("cause", "constant"), [("power", 1), ("hard", 2), ("watchdog", 3), ("deepsleep", 4), ("soft", 5)]
)
def test_reset_causes_have_the_chips_values(board: Board, cause: str, constant: int) -> None:
    board.description["reset_cause"] = cause
    out = board.run("import machine\nprint(machine.reset_cause(), machine.unique_id(), machine.freq())")
    assert out == f"{constant} b'\\x02B\\xac\\x11\\x00\\x02' 160000000"


def test_rtc_runs_on_over_a_reset(board: Board) -> None:
    now = "import machine\nprint(machine.RTC().datetime()[:6])"
    assert board.run(now) == "(2000, 1, 1, 5, 0, 0)"
    board.run("import machine\nr = machine.RTC()\nr.datetime((2028, 2, 29, 1, 23, 30, 0, 0))\nr.memory(b'k')")
    assert board.run(now + "\nprint(machine.RTC().memory())") == "(2028, 2, 29, 1, 23, 30)\nb'k'"


def test_nvs_keeps_what_was_committed(board: Board) -> None:
    board.run(
        "import esp32\nn = esp32.NVS('dl')\nn.set_i32('boot', 7)\nn.set_blob('b', b'xyz')\nn.commit()\n"
        "n.set_i32('boot', 8)"
    )
    out = board.run(
        "import esp32\nn = esp32.NVS('dl')\nb = bytearray(5)\n"
        "print(n.get_i32('boot'), n.get_blob('b', b), b)\n"
        "try: n.get_i32('none')\nexcept OSError as e: print(e.errno)"
    )
    assert out == "7 3 bytearray(b'xyz\\x00\\x00')\n-4354"


def test_what_is_not_there_is_an_attribute_error(board: Board) -> None:
    script = (
        "import machine, network, esp32\nfor m, n in ((machine, 'CAN'), (network, 'PPP'), (esp32, 'RMT')):\n"
    )
    script += "    try: getattr(m, n); print('pretends', n)\n    except AttributeError: print('no', n)"
    assert board.run(script).splitlines() == ["no CAN", "no PPP", "no RMT"]


def test_without_a_chip_file_the_message_says_what_to_set(tmp_path: Path, micropython: str) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "DUSTLINE_CHIP"}
    done = subprocess.run(
        [micropython, "-c", "import machine"],
        env={**environment, "MICROPYPATH": f"{CHIP}:.frozen"},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert "DUSTLINE_CHIP is not set" in done.stdout + done.stderr
