"""machine.UART as firmware meets it: small scripts on the real MicroPython Unix port, against a pty."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulator.chip_board import Board


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
