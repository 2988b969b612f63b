"""What two UARTs of different speeds make of each other, and what a byte's way is from pin to pin."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.board.pins import Pads
from simulator.board.uart import Port
from simulator.board.wave import bytes_heard, heard
from simulator.board.wiring import Fitting, Wiring
from simulator.options import Fitted
from simulator.serial_line import SerialLines, Wire
from tests.simulator.chip_board import Board
from tests.simulator.chip_devices import Parrot

BAUDS = st.sampled_from([1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 256000])


# Worked out by hand from the waves, bit by bit.
@pytest.mark.parametrize(
    ("sent", "bauds", "got"),
    [
        (b"\x00", (9600, 19200), b"\x00"),  # low for 18 bits: one byte with a framing error, and no second
        (b"\x00", (9600, 4800), b"\xf8"),  # low for 4.5 bits
        (b"\x55", (9600, 19200), b"\x66\xe6"),  # a framing error, then a start in the middle of the byte
        (b"\xff", (9600, 4800), b""),  # the start bit is over at the middle of the receiver's
        (b"\xff", (115200, 9600), b""),  # a start bit far too short
        (b"\x00\x00", (115200, 9600), b"\xfe"),  # low for 0.75 bit twice, the stop bit between them unseen
        (b"\xf0", (9600, 115200), b"\x00"),  # low for 60 bits: a break
    ],
)
def test_waves_worked_out_by_hand(sent: bytes, bauds: tuple[int, int], got: bytes) -> None:
    assert bytes_heard(sent, *bauds) == got


@given(st.binary(max_size=40), BAUDS, st.integers(-40, 40))
def test_a_speed_within_four_percent_hears_every_byte(data: bytes, baud: int, permille: int) -> None:
    assert bytes_heard(data, baud, baud + baud * permille // 1000) == data


@given(st.binary(max_size=40), BAUDS, BAUDS)
def test_no_more_bytes_than_falling_edges_and_all_in_their_time(
    data: bytes, sent: int, heard_at: int
) -> None:
    got = heard(data, sent, heard_at)
    times = [at for at, _ in got]
    assert times == sorted(times)
    assert all(later - earlier >= 9.4 / heard_at for earlier, later in itertools.pairwise(times))
    assert not times or times[-1] <= len(data) * 10 / sent + 10 / heard_at
    wave = "1" + "".join("0" + f"{byte:08b}"[::-1] + "1" for byte in data)
    assert len(got) <= wave.count("10")


@given(st.binary(min_size=1, max_size=30), BAUDS, BAUDS)
def test_only_the_ratio_of_the_speeds_matters(data: bytes, sent: int, heard_at: int) -> None:
    assert bytes_heard(data, sent, heard_at) == bytes_heard(data, 3 * sent, 3 * heard_at)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Counted(Wire):
    """Knows at once what was put on it; a pty takes a moment."""

    count = 0

    def put(self, data: bytes) -> None:
        self.count += len(data)
        super().put(data)


class Bench:
    """One sensor and the chip's two UARTs on a clock that the test moves."""

    def __init__(self, sensor: Parrot, fitted: Fitted) -> None:
        self.sensor = sensor
        self.clock = Clock()
        self.wiring = Wiring([Fitting(fitted, sensor)], self.clock)
        self.wires = {1: Counted(), 2: Counted()}
        self.pads = Pads(self.wiring)
        self.ports = {number: Port(number, wire, self.pads) for number, wire in self.wires.items()}
        self.lines = SerialLines(self.wiring, self._fail)
        self.lines.attach(self.ports.values(), self.wires)
        self.wiring.power(True)

    def _fail(self, error: Exception) -> None:
        raise error

    def arrived(self, seconds: float) -> int:
        """Bytes that UART 1 has got when some more time has passed."""
        self.clock.now += seconds
        self.lines.step()
        return self.wires[1].count


@pytest.fixture
def bench() -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(sensor: Parrot, fitted: Fitted | None = None) -> Bench:
        made.append(Bench(sensor, fitted or Fitted()))
        return made[-1]

    yield make
    for each in made:
        for wire in each.wires.values():
            wire.close()


@pytest.mark.parametrize("baud", [9600, 115200])
def test_bytes_come_at_the_devices_pace(bench: Callable[..., Bench], baud: int) -> None:
    one = bench(Parrot(bytes(100), baud))
    one.ports[1].set_up(baud, 512, 17, 16)
    one.sensor.receive(b"?", one.clock.now)
    assert one.arrived(0) == 0
    ten_bytes = 100 / baud
    assert one.arrived(ten_bytes) == 10
    assert one.arrived(ten_bytes * 4) == 50
    assert one.arrived(ten_bytes * 3) == 80
    assert one.arrived(ten_bytes * 30) == 100


def test_what_is_written_goes_out_at_the_uarts_pace(bench: Callable[..., Bench]) -> None:
    one = bench(Parrot())
    for _ in range(2):  # the second while the first, 10 ms long, is on its way
        one.ports[1].set_up(9600, 512, 17, 16)
        os.write(one.wires[1].handle, b"ten bytes.")
    one.lines.step()
    for wait, got in ((0.0103, 0), (0.0002, 10), (0.0102, 10), (0.0002, 20)):
        one.arrived(wait)
        assert len(one.sensor.got) == got


def test_a_power_cut_in_the_middle_of_a_frame_ends_it(bench: Callable[..., Bench]) -> None:
    one = bench(Parrot(bytes(100)))
    one.ports[1].set_up(9600, 512, 17, 16)
    one.sensor.receive(b"?", one.clock.now)
    one.arrived(0)
    assert one.arrived(0.0105) == 10
    one.wiring.plug("a", False)
    assert one.arrived(0.001) <= 11
    one.wiring.plug("a", True)
    assert one.arrived(1) <= 11
    assert one.sensor.boots == 2


OPEN = "import machine, time\nu = machine.UART({number}, baudrate={baud}, tx={tx}, rx={rx}, rxbuf=512)\n"
ASK = """
u.write(b"hello")
got = b""
for _ in range({tries}):
    time.sleep_ms(10)
    got += u.read() or b""
    if len(got) >= {length}: break
print(got)
"""
ANSWER = bytes(range(0x30, 0x60))


@pytest.fixture
def board(tmp_path: Path, micropython: str) -> Iterator[Callable[..., Board]]:
    made: list[Board] = []

    def make(sensor: Parrot, **wires: int | bool) -> Board:
        made.append(Board(tmp_path, micropython, [Fitting(Fitted(**wires), sensor)]))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        each.close()


def ask(
    board: Board, baud: int = 9600, number: int = 1, tx: str = "17", rx: str = "16", tries: int = 500
) -> bytes:
    script = OPEN.format(number=number, baud=baud, tx=tx, rx=rx)
    script += ASK.format(length=len(bytes_heard(ANSWER, 9600, baud)), tries=tries)
    return eval(board.run(script))


@pytest.mark.parametrize("baud", [9600, 9700, 19200, 4800, 115200])
def test_both_sides_hear_what_their_speed_makes_of_it(board: Callable[..., Board], baud: int) -> None:
    parrot = Parrot(ANSWER)
    assert ask(board(parrot), baud) == bytes_heard(ANSWER, 9600, baud)
    assert parrot.got == bytes_heard(b"hello", baud, 9600)
    assert (parrot.got == b"hello") == (baud in (9600, 9700))


def test_pins_may_be_pin_objects_and_any_uart_may_take_them(board: Callable[..., Board]) -> None:
    parrot = Parrot(ANSWER)
    assert ask(board(parrot), number=2, tx="machine.Pin(17)", rx="machine.Pin(16)") == ANSWER
    assert parrot.got == b"hello"


@pytest.mark.parametrize(
    ("fitted", "tx", "rx"),
    [({"swapped": True}, "17", "16"), ({}, "16", "17"), ({}, "4", "16"), ({"tx": 25, "rx": 26}, "17", "16")],
)
def test_a_wrong_wire_is_not_heard(
    board: Callable[..., Board], fitted: dict[str, int], tx: str, rx: str
) -> None:
    parrot = Parrot(ANSWER)
    assert ask(board(parrot, **fitted), tx=tx, rx=rx, tries=30) == b""
    assert parrot.got == b""


def test_a_device_that_nobody_can_hear_hears_all_the_same(board: Callable[..., Board]) -> None:
    parrot = Parrot(ANSWER)
    assert ask(board(parrot), rx="4", tries=200) == b""  # two seconds for a busy machine to carry 5 bytes
    assert parrot.got == b"hello"


def test_of_two_uarts_on_a_pin_the_last_one_speaks_and_both_hear(board: Callable[..., Board]) -> None:
    parrot = Parrot(ANSWER)
    script = OPEN.format(number=1, baud=9600, tx=17, rx=16) + "first = u\n"
    script += OPEN.format(number=2, baud=9600, tx=17, rx=16) + "first.write(b'lost')\n"
    script += ASK.format(length=len(ANSWER), tries=500) + f"print(first.any() == {len(ANSWER)})\n"
    assert board(parrot).run(script).splitlines() == [repr(ANSWER), "True"]
    assert parrot.got == b"hello"


def test_what_was_written_before_a_new_speed_goes_out_at_the_old_one(board: Callable[..., Board]) -> None:
    parrot = Parrot()
    script = OPEN.format(number=1, baud=9600, tx=17, rx=16) + "u.write(b'first')\nu.init(baudrate=19200)\n"
    board(parrot).run(script + "u.write(b'second')\ntime.sleep_ms(200)\n")
    assert parrot.got == b"first" + bytes_heard(b"second", 19200, 9600)


def test_a_pin_that_was_looked_at_is_no_longer_the_uarts(board: Callable[..., Board]) -> None:
    parrot = Parrot(ANSWER)
    script = OPEN.format(number=1, baud=9600, tx=17, rx=16)
    script += "machine.Pin(17, machine.Pin.IN, machine.Pin.PULL_DOWN)\nu.write(b'lost')\ntime.sleep_ms(100)\n"
    assert board(parrot).run(
        script + "u.init(9600, tx=17)\n" + ASK.format(length=len(ANSWER), tries=500)
    ) == repr(ANSWER)
    assert parrot.got == b"hello"


def test_a_uart_refuses_what_the_chip_refuses(board: Callable[..., Board]) -> None:
    script = "import machine\nfor more in ({'tx': 99}, {'rx': -1}, {'tx': 34}, {'bits': 7}, {'tx': 'D4'}):\n"
    script += "    try: machine.UART(1, 9600, **more)\n    except (ValueError, OSError) as e: print(e)\n"
    assert board(Parrot()).run(script).splitlines() == [
        *("invalid pin", "invalid pin", "[Errno 1] EPERM: ESP_FAIL"),
        *("a simulated UART does 8N1 only", "invalid pin"),
    ]
