"""machine.I2C, SoftI2C and dht_readinto as firmware meets them: small scripts on the real Unix port."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from simulator.board.i2c import I2cs
from simulator.board.pins import Pads
from simulator.board.wiring import Fitting, Wiring
from simulator.options import Fitted
from simulator.sensors.base import Device
from tests.simulator.chip_board import Board
from tests.simulator.chip_devices import Memory, Thermometer

START = """
import machine, time
from machine import Pin, I2C
bus = I2C(0, scl=Pin(22), sda=Pin(21), freq=100000, timeout=5000)
def attempt(f, *more):
    try: print(f(*more))
    except OSError as e: print("errno", e.errno)
    except (TypeError, ValueError) as e: print(e)
"""


@pytest.fixture
def board(tmp_path: Path, micropython: str) -> Iterator[Callable[..., Board]]:
    made: list[Board] = []

    def make(*devices: Device, **wires: int | bool) -> Board:
        bus = {} if "pin" in wires else {"i2c": 0}
        fittings = [
            Fitting(Fitted(slot=f"s{number}", **{**bus, **wires}), device)  # type: ignore[arg-type]
            for number, device in enumerate(devices)
        ]
        made.append(Board(tmp_path, micropython, fittings))
        return made[-1]

    yield make
    for each in made:
        each.close()


def lines(board: Board, script: str) -> list[str]:
    return board.run(START + script).splitlines()


def test_what_is_written_can_be_read_back(board: Callable[..., Board]) -> None:
    script = """
print(bus.scan())
print(bus.writeto(0x50, b"\\x10abc"), bus.writeto(0x50, bytearray(b"\\x10")), bus.readfrom(0x50, 5))
b = bytearray(b"......")
bus.writeto(0x50, b"\\x80"); bus.readfrom_into(0x50, b); print(b)
bus.writeto_mem(0x51, 0x20, b"xyz"); print(bus.readfrom_mem(0x51, 0x20, 3))
"""
    one, other = Memory(0x50), Memory(0x51)
    assert lines(board(one, other), script) == [
        "[80, 81]",
        "4 1 b'abc\\x13\\x14'",
        "bytearray(b'\\x80\\x81\\x82\\x83\\x84\\x85')",
        "b'xyz'",
    ]
    assert one.data[0x10:0x13] == b"abc"
    assert other.data[0x20:0x23] == b"xyz"


def test_every_byte_value_gets_into_the_buffer(board: Callable[..., Board]) -> None:
    script = "b = bytearray(256)\nbus.readfrom_into(80, b)\nprint(b == bytes(range(256)), bus.scan())\n"
    assert lines(board(Memory()), script) == ["True [80]"]


def test_no_acknowledge_is_enodev(board: Callable[..., Board]) -> None:
    script = """
attempt(bus.readfrom, 0x51, 1)
attempt(bus.writeto, 0x51, b"")
attempt(bus.writeto, 0x50, b"\\xf0")
attempt(bus.readfrom_into, 0x51, bytearray(2))
attempt(bus.readfrom, 0x50, 1)
"""
    assert lines(board(Memory()), script) == ["errno 19"] * 4 + ["b'\\x00'"]


@pytest.mark.parametrize("fault", ["nack", "clock_stretch", "mute"])
def test_faults_of_a_device(board: Callable[..., Board], fault: str) -> None:
    device, other = Memory(), Memory(0x51)
    one = board(device, other)
    setattr(device.faults, fault, True)
    expected = "errno 116" if fault == "clock_stretch" else "errno 19"
    assert lines(one, "attempt(bus.readfrom, 80, 1)\nattempt(bus.readfrom, 81, 1)\nprint(bus.scan())\n") == [
        *(expected, "b'\\x00'", "[81]")
    ]


@pytest.mark.parametrize(
    ("wires", "pins"),
    [
        ({"swapped": True}, "scl=Pin(22), sda=Pin(21)"),
        ({}, "scl=Pin(21), sda=Pin(22)"),
        ({}, "scl=Pin(22), sda=Pin(4)"),
        ({}, ""),
    ],
)
def test_on_wrong_pins_nothing_answers(board: Callable[..., Board], wires: dict[str, int], pins: str) -> None:
    script = f"bus = I2C(1, {pins})\nattempt(bus.scan)\nattempt(bus.readfrom, 80, 1)\n"
    assert lines(board(Memory(), **wires), script) == ["[]", "errno 19"]


def test_a_device_without_power_does_not_answer(board: Callable[..., Board]) -> None:
    one = board(Memory())
    one.wiring.plug("s0", False)
    script = "attempt(bus.readfrom, 80, 1)\nprint(Pin(21, Pin.IN, Pin.PULL_DOWN).value())\n"
    assert lines(one, script) == ["errno 19", "0"]


CLOCKS = """
sda = Pin(21, Pin.OPEN_DRAIN, value=1)
scl = Pin(22, Pin.OPEN_DRAIN, value=1)
print(sda.value(), scl.value())
for _ in range({clocks}):
    scl.value(0); scl.value(1)
print(sda.value())
"""


@pytest.mark.parametrize("clocks", [8, 9])
def test_nine_clocks_free_a_stuck_bus(board: Callable[..., Board], clocks: int) -> None:
    device = Memory()
    one = board(device, Memory(0x51))
    device.faults.bus_stuck = True
    script = (
        "attempt(bus.readfrom, 81, 1)\nprint(bus.scan())\n"
        + CLOCKS.format(clocks=clocks)
        + (
            "attempt(bus.readfrom, 80, 1)\n"  # the pins are Pin's now
            "bus = I2C(0, scl=Pin(22), sda=Pin(21), freq=100000, timeout=5000)\n"
            "attempt(bus.readfrom, 80, 1)\n"
        )
    )
    freed = clocks == 9
    assert lines(one, script) == [
        *("errno 116", "[]", "0 1", "1" if freed else "0"),
        *("errno 116", "b'\\x00'" if freed else "errno 116"),
    ]


def test_a_power_cycle_frees_a_stuck_bus(board: Callable[..., Board]) -> None:
    device = Memory()
    one = board(device, power=25)
    device.faults.bus_stuck = True
    script = (
        "attempt(bus.readfrom, 80, 1)\nswitch = Pin(25, Pin.OUT, value=1)\nattempt(bus.readfrom, 80, 1)\n"
        "switch.off(); switch.on()\nattempt(bus.readfrom, 80, 1)\n"
    )
    assert lines(one, script) == ["errno 19", "b'\\x00'", "b'\\x00'"]  # powering it on had freed it
    device.faults.bus_stuck = True
    assert lines(one, "switch = Pin(25, Pin.OUT, value=1)\nattempt(bus.readfrom, 80, 1)\n") == ["b'\\x00'"]


def test_a_bus_may_get_stuck_while_it_is_used(board: Callable[..., Board]) -> None:
    device = Memory()
    one = board(device)
    device.faults.bus_stuck = 0.999
    out = lines(one, "attempt(bus.readfrom, 80, 1)\n" + CLOCKS.format(clocks=9))
    assert out == ["errno 116", "0 1", "1"]


def test_a_transfer_takes_its_time(tmp_path: Path) -> None:
    slept: list[float] = []
    wiring = Wiring([Fitting(Fitted(i2c=0), Memory())], lambda: 0.0)
    wiring.power(True)
    bus = I2cs(Pads(wiring), slept.append)(0, scl=22, sda=21, freq=100_000)
    bus.readfrom(0x50, 10)
    bus.writeto(0x50, b"\x00" * 31)
    with pytest.raises(OSError, match="19"):
        bus.readfrom(0x51, 10)
    wiring.fittings[0].device.faults.clock_stretch = True
    with pytest.raises(OSError, match="116"):
        bus.readfrom(0x50, 10)
    # Start, stop, and nine bits for the address and each byte, at 10 us; a time-out of 50 ms.
    assert slept == pytest.approx([0.00101, 0.00290, 0.00011, 0.05])


def test_bit_flips_spoil_what_is_read(board: Callable[..., Board]) -> None:
    device = Memory()
    one = board(device)
    device.faults.bit_flip = True
    (out,) = lines(one, "print(list(bus.readfrom(80, 16)))")
    assert [bin(got ^ sent).count("1") for got, sent in zip(eval(out), range(16), strict=True)] == [1] * 16


def test_two_devices_with_one_address_pull_each_others_ones_down(board: Callable[..., Board]) -> None:
    one, other = Memory(), Memory()
    other.data[:] = bytes([0x0F]) * 256
    assert lines(board(one, other), "print(bus.readfrom_mem(80, 0x35, 3))") == ["b'\\x05\\x06\\x07'"]


def test_the_forms_that_the_chip_takes(board: Callable[..., Board]) -> None:
    script = """
attempt(I2C, 2)
for more in ({"sda": 99}, {"scl": None, "sda": "D1"}, {"scl": 35}, {"scl": 22, "sda": 21}):
    try: print(I2C(0, **more).scan())
    except (ValueError, OSError) as e: print(e)
print(machine.SoftI2C(22, Pin(21), freq=50000).scan(), machine.SoftI2C(sda=21, scl=22).readfrom(80, 1))
try: machine.SoftI2C()
except TypeError: print("type error")
"""
    assert lines(board(Memory()), script) == [
        *("I2C(2) doesn't exist", "invalid pin", "invalid pin", "[Errno 1] EPERM: ESP_FAIL", "[80]"),
        *("[80] b'\\x00'", "type error"),
    ]


class Broken(Memory):
    def read(self, n: int, now: float) -> bytes:
        raise ValueError("a mistake in an emulator")


def test_an_emulators_mistake_is_not_firmwares(board: Callable[..., Board]) -> None:
    wiring = Wiring([Fitting(Fitted(i2c=0), Broken())], lambda: 0.0)
    wiring.power(True)
    with pytest.raises(RuntimeError, match="emulator of memory"):
        I2cs(Pads(wiring))(0, scl=22, sda=21).readfrom(0x50, 1)


def test_dht_readinto_fills_the_buffer_or_times_out(board: Callable[..., Board]) -> None:
    device = Thermometer(b"\x02\x8c\x01\x5f\xee")
    one = board(device, pin=4)
    script = """
before = time.ticks_ms()
b = bytearray(6)
machine.dht_readinto(Pin(4), b); print(b)
print(time.ticks_diff(time.ticks_ms(), before) >= 270)
machine.dht_readinto(4, b); print(b[4])
attempt(machine.dht_readinto, Pin(5), b)
attempt(machine.dht_readinto, Pin(4), bytearray(4))
print(Pin(4, Pin.IN, Pin.PULL_DOWN)(), Pin(5, Pin.IN, Pin.PULL_DOWN)())
"""
    assert lines(one, script) == [
        *("bytearray(b'\\x02\\x8c\\x01_\\xee\\x00')", "True", "238"),
        *("errno 116", "buffer too small", "1 0"),
    ]
    device.says = b""
    assert lines(one, "attempt(machine.dht_readinto, Pin(4), bytearray(5))") == ["errno 116"]
